/* The HTTP/1 engine of a client: bytes in, responses out (RFC 9112). The counterpart of h1/h1.h, and of the
 * same kind: no I/O, no clock, no allocation.
 *
 * Protocol of use:
 *  1. Before the first byte of an answer, say by h1_response_expect which method it answers: that decides
 * whether content follows.
 *  2. Call h1_response_next with the input that is at hand, again and again; each call takes what it used
 * from the front of the input and returns one event. The input's bytes must be writable: line ends in
 * folded values become blanks.
 *  3. On H1_RESPONSE_MORE keep what is left of the input, and call again with it and further bytes behind it.
 * When the peer has closed instead, h1_response_close says what that means.
 *  4. Any number of H1_RESPONSE_INTERIM events (1xx), then H1_RESPONSE_HEAD with the head, whose slices point
 * into the input. Content follows as H1_RESPONSE_CONTENT events, then H1_RESPONSE_END (at once when there is
 * none).
 *  5. On H1_RESPONSE_BAD close: where this answer ends is in doubt, nothing behind it is ever parsed.
 *
 * Whatever way the input is cut into pieces, the events are the same, but for the pieces of content. */
#ifndef H1_RESPONSE_PARSER_H
#define H1_RESPONSE_PARSER_H

#include "h1/h1.h"

/* The hard bound of the fields of a response; that of a request is lower, as each is kept. */
#define H1_RESPONSE_FIELDS_MAX 1000

/* How the content of an answer ends (RFC 9112 section 6.3). */
enum h1_response_body {
    H1_RESPONSE_BODY_NONE,        /* whatever the fields say: HEAD, 1xx, 204, 304 */
    H1_RESPONSE_BODY_LENGTH,      /* content_length bytes, which may be none */
    H1_RESPONSE_BODY_CHUNKED,     /* until the last chunk */
    H1_RESPONSE_BODY_UNTIL_CLOSE, /* with the connection: whether it was whole, nobody knows */
    H1_RESPONSE_BODY_TUNNEL,      /* 101, or 2xx to CONNECT: what follows is no HTTP/1 any more */
};

/* The head of a response. About 40 KB: not for every stack. All slices are borrowed from the bytes that the
 * engine was fed; they live until it is fed again. */
struct h1_response_head {
    uint16_t status;
    uint8_t version_minor; /* of HTTP/1: 0 or 1 */
    bool keep_alive;       /* the connection may be used again afterwards */
    bool has_length;       /* there is a Content-Length; with HEAD and 304 no content follows all the same */
    enum h1_response_body body;
    uint64_t content_length; /* where has_length */
    struct slice reason;     /* may be empty */
    uint16_t field_count;
    /* 1 + index of the first field with that name, 0 where it is absent. */
    uint16_t first[HTTP_FIELD_NAME_COUNT];
    struct http_field fields[H1_RESPONSE_FIELDS_MAX];
};

enum h1_response_state {
    H1_RESPONSE_STATE_HEAD,    /* the status line and the fields, of an interim response too */
    H1_RESPONSE_STATE_CONTENT, /* see h1/content.h */
    H1_RESPONSE_STATE_TUNNEL,  /* the connection is the caller's */
    H1_RESPONSE_STATE_DEAD,    /* after H1_RESPONSE_BAD: swallows everything */
};

enum h1_response_event {
    H1_RESPONSE_MORE,    /* nothing more to say without more bytes; in a tunnel: the bytes are the caller's */
    H1_RESPONSE_INTERIM, /* the head of a 1xx response but 101; the answer itself follows */
    H1_RESPONSE_HEAD,    /* a whole head */
    H1_RESPONSE_CONTENT, /* a piece of content, never empty */
    H1_RESPONSE_END,     /* the answer is complete */
    H1_RESPONSE_BAD,     /* not HTTP/1, or over a limit: close */
};

/* Interim responses in front of one answer; more are H1_RESPONSE_BAD. */
#define H1_RESPONSE_INTERIMS_MAX 16

struct h1_response_parser {
    const struct h1_limits *limits;
    struct h1_content content;
    uint32_t scanned; /* bytes of the input's front that hold no end of a head */
    uint8_t state;    /* enum h1_response_state */
    uint8_t method;   /* enum http_method: what is answered */
    uint8_t interims; /* in front of this answer, so far */
};

/* `limits` are borrowed for the engine's life: head_bytes (also of all trailers), fields, and body_bytes for
 * content after removal of its framing; uri_bytes means nothing here. */
void h1_response_init(struct h1_response_parser *engine, const struct h1_limits *limits);

/* The next answer is one to a request with this method. Between answers only. */
void h1_response_expect(struct h1_response_parser *engine, enum http_method method);

/* The next event; see the top. `ret_content` is set for H1_RESPONSE_CONTENT only. */
enum h1_response_event h1_response_next(struct h1_response_parser *engine, struct slice *input,
                                        struct h1_response_head *head, struct slice *ret_content) MUST_CHECK;

/* The peer closed, and `input_length` bytes are left that h1_response_next wanted more of. Returns
 * H1_RESPONSE_END where that ends content as it should, H1_RESPONSE_MORE where no answer had begun, and
 * H1_RESPONSE_BAD where one was cut short. */
enum h1_response_event h1_response_close(struct h1_response_parser *engine, size_t input_length) MUST_CHECK;

/* Goes on as if h1_response_next had just returned H1_RESPONSE_HEAD with this head, or one of the same
 * framing. For callers that recognise a head without parsing it: the same bytes, in answer to the same
 * method, mean the same. */
void h1_response_skip_head(struct h1_response_parser *engine, enum h1_response_body body,
                           uint64_t content_length);

/* The engine is inside an answer: a head that began, or content that is not at its end. */
static inline bool h1_response_is_inside(const struct h1_response_parser *engine)
{
    return engine->state != H1_RESPONSE_STATE_HEAD || engine->scanned > 0;
}

#endif
