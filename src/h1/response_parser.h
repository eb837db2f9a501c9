/* The HTTP/1 engine of a client: bytes in, responses out (RFC 9112). The counterpart of h1/h1.h, with the
 * same properties: no I/O, no clock, no allocation.
 *
 * How to use it:
 *  1. Before the first byte of a response, call h1_response_expect with the method of its request, which
 *     decides whether content follows.
 *  2. Call h1_response_next repeatedly with the available input; each call removes the bytes it used from the
 *     front of the input and returns one event. The input must be writable: line ends in folded values are
 *     replaced by blanks.
 *  3. On H1_RESPONSE_MORE keep the rest of the input, and call again with more bytes appended to it. If the
 *     peer has closed instead, h1_response_close returns what that means.
 *  4. Any number of H1_RESPONSE_INTERIM events (1xx) are followed by H1_RESPONSE_HEAD with the head, whose
 *     slices point into the input. Content follows as H1_RESPONSE_CONTENT events, then H1_RESPONSE_END
 *     (immediately if there is no content).
 *  5. On H1_RESPONSE_BAD close: the end of this response is uncertain, and nothing after it is ever parsed.
 *     `engine->fault` says what is wrong.
 *
 * However the input is divided, the events are the same, except for the sizes of content pieces. */
#ifndef H1_RESPONSE_PARSER_H
#define H1_RESPONSE_PARSER_H

#include "h1/h1.h"
#include "http/response_head.h"

enum h1_response_state {
    H1_RESPONSE_STATE_HEAD,    /* the status line and the headers, also of an interim response */
    H1_RESPONSE_STATE_CONTENT, /* see h1/content.h */
    H1_RESPONSE_STATE_TUNNEL,  /* the connection belongs to the caller */
    H1_RESPONSE_STATE_DEAD,    /* after H1_RESPONSE_BAD: discards everything */
};

enum h1_response_event {
    H1_RESPONSE_MORE,    /* more bytes are needed; in a tunnel: the bytes are the caller's */
    H1_RESPONSE_INTERIM, /* the head of a 1xx response other than 101; the final response follows */
    H1_RESPONSE_HEAD,    /* a complete head */
    H1_RESPONSE_CONTENT, /* a piece of content, never empty */
    H1_RESPONSE_END,     /* the response is complete */
    H1_RESPONSE_BAD,     /* not HTTP/1, or a limit was exceeded: close */
};

/* enum member, what is wrong, for people */
#define H1_RESPONSE_FAULT_TABLE(X)                                                       \
    X(STATUS_LINE, "it does not begin with a status line of HTTP/1")                     \
    X(STATUS, "its status is not one of 100 to 599")                                     \
    X(HEADER, "a line of its head is not a header")                                      \
    X(FOLDED, "a header is folded over several lines")                                   \
    X(HEAD_TOO_LONG, "its head is longer than the limit")                                \
    X(TOO_MANY_HEADERS, "it has more headers than the limit")                            \
    X(LENGTH, "its Content-Length is not a number, or there are several different ones") \
    X(LENGTH_AND_CODING, "it has both Content-Length and Transfer-Encoding")             \
    X(CODING, "it has a transfer coding that is not a single \"chunked\" in HTTP/1.1")   \
    X(CONTENT_TOO_LONG, "its content is longer than the limit")                          \
    X(CHUNK, "its chunks are malformed")                                                 \
    X(TOO_MANY_INTERIMS, "there are too many interim responses before it")               \
    X(CUT, "it ends early")

enum h1_response_fault {
    H1_RESPONSE_FAULT_NONE,
#define X(name, text) H1_RESPONSE_FAULT_##name,
    H1_RESPONSE_FAULT_TABLE(X)
#undef X
};

/* Continues "the response is bad: ". Never NULL, static. */
const char *h1_response_fault_text(enum h1_response_fault fault);

/* The most interim responses before one final response; more give H1_RESPONSE_BAD. */
#define H1_RESPONSE_INTERIMS_MAX 16

struct h1_response_parser {
    const struct h1_limits *limits;
    struct h1_content content;
    uint32_t scanned;    /* bytes at the front of the input that were searched for the end of the head */
    uint8_t state;       /* enum h1_response_state */
    uint8_t method;      /* enum http_method: of the request */
    uint8_t interims;    /* seen before this response */
    uint8_t fault;       /* enum h1_response_fault: after H1_RESPONSE_BAD */
    bool keeps_trailers; /* set by the owner: H1_RESPONSE_END comes with the trailer section, see h1/content.h
                          */
    bool is_strict; /* set by the owner: repairs nothing, see the top of the .c file, and accepts no status
                       above 599; for a proxy, whose clients might understand a response differently */
};

/* `limits` must live as long as the engine: head_bytes (also for all trailers), fields, and body_bytes
 * (content without framing); uri_bytes is not used. */
void h1_response_init(struct h1_response_parser *engine, const struct h1_limits *limits);

/* The next response answers a request with this method. Only between responses. */
void h1_response_expect(struct h1_response_parser *engine, enum http_method method);

/* Returns the next event; see the top. `ret_content` is set with H1_RESPONSE_CONTENT, and with
 * H1_RESPONSE_END to the trailer section, if it is kept. */
enum h1_response_event h1_response_next(struct h1_response_parser *engine, struct slice *input,
                                        struct http_response_head *head,
                                        struct slice *ret_content) MUST_CHECK;

/* The peer closed the connection; `input_length` bytes are left that were incomplete for h1_response_next.
 * Returns H1_RESPONSE_END if that ends the content properly, H1_RESPONSE_MORE if no response had begun,
 * and H1_RESPONSE_BAD if a response was truncated. */
enum h1_response_event h1_response_close(struct h1_response_parser *engine, size_t input_length) MUST_CHECK;

/* Continues as if h1_response_next had just returned H1_RESPONSE_HEAD with a head of this framing. For
 * callers that recognise a head without parsing it: the same bytes, in response to the same method, mean
 * the same. */
void h1_response_skip_head(struct h1_response_parser *engine, enum http_response_body body,
                           uint64_t content_length);

/* Whether the engine is inside a response: a head has begun, or content has not ended. */
static inline bool h1_response_is_inside(const struct h1_response_parser *engine)
{
    return engine->state != H1_RESPONSE_STATE_HEAD || engine->scanned > 0;
}

#endif
