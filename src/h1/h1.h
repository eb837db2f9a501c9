/* The HTTP/1 engine: bytes in, requests out (RFC 9112). It does no I/O, knows no clock and allocates nothing,
 * so the same code runs under an event loop, a blocking thread, a fuzzer and a simulator.
 *
 * Protocol of use:
 *  1. Call h1_next with the input that is at hand, again and again; each call takes what it used from the
 * front of the input and returns one event.
 *  2. On H1_MORE keep what is left of the input, and call again with it and further bytes behind it.
 *  3. On H1_REQUEST the head is in `request`, whose slices point into the input. Content follows as
 * H1_CONTENT events, then H1_END (at once when there is none).
 *  4. On H1_ERROR answer with `engine->status` and close: framing is in doubt, nothing behind it is ever
 * parsed. A head that was refused leaves its request line and the fields in front of the fault in `request`,
 * or nothing at all where the request line itself is bad.
 *
 * Whatever way the input is cut into pieces, the events are the same, but for the pieces of content. */
#ifndef H1_H1_H
#define H1_H1_H

#include "h1/content.h"
#include "http/request.h"

struct h1_recent_head;

struct h1_limits {
    uint32_t head_bytes; /* the head with every line end: else 414 in the request line, 431 in the fields;
                            also all trailers: else 431 */
    uint32_t uri_bytes;  /* the request target: else 414 */
    uint32_t fields;     /* and at most what the request has room for: else 431 */
    uint64_t body_bytes; /* content after removal of chunked framing: else 413 */
};

enum h1_state {
    H1_STATE_HEAD,    /* the request line and the fields */
    H1_STATE_CONTENT, /* see h1/content.h */
    H1_STATE_END,     /* all content was given; H1_END is due */
    H1_STATE_DEAD,    /* after H1_ERROR: swallows everything */
};

enum h1_event {
    H1_MORE,    /* nothing more to say without more bytes */
    H1_REQUEST, /* a whole head */
    H1_CONTENT, /* a piece of content, never empty */
    H1_FULL,    /* content is at hand, and none is wanted: call again when some is */
    H1_END,     /* the message is complete; the next h1_next begins a new one */
    H1_ERROR,   /* answer `status`, close */
};

struct h1 {
    const struct h1_limits *limits;
    struct h1_content content;
    uint32_t scanned;    /* bytes of the input's front that hold no end of a head */
    uint16_t status;     /* after H1_ERROR */
    uint8_t state;       /* enum h1_state */
    uint8_t empty_lines; /* before the head that comes next */
};

/* `limits` are borrowed for the engine's life. */
void h1_init(struct h1 *engine, const struct h1_limits *limits);

/* The next event; see the top. `ret_content` is set for H1_CONTENT only, and no longer than `content_max`.
 * `recent` makes no difference but in time: see h1/recent_head.h. NULL: there is none. */
enum h1_event h1_next_within(struct h1 *engine, struct slice *input, struct http_request *request,
                             const struct h1_recent_head *recent, uint64_t content_max,
                             struct slice *ret_content) MUST_CHECK;

/* The same, with content of any length. */
static inline enum h1_event h1_next(struct h1 *engine, struct slice *input, struct http_request *request,
                                    struct slice *ret_content)
{
    return h1_next_within(engine, input, request, NULL, UINT64_MAX, ret_content);
}

/* The engine is inside a message: a head that began, or content that is not at its end. */
static inline bool h1_is_inside(const struct h1 *engine)
{
    return engine->state != H1_STATE_HEAD || engine->scanned > 0;
}

/* The head at the front of `input` is parsed, and `request` what it says: the engine goes on behind it. For
 * h1/recent_head.h. */
void h1_take_head(struct h1 *engine, struct slice *input, size_t length, const struct http_request *request);

/* Parses a whole head at the front of `input`, where no empty line is: the stateless part of the engine, see
 * head.c. */
enum h1_head_result { H1_HEAD_DONE, H1_HEAD_MORE, H1_HEAD_BAD };
enum h1_head_result h1_parse_head(struct slice input, const struct h1_limits *limits,
                                  const struct h1_recent_head *recent, struct http_request *request,
                                  size_t *ret_length, uint16_t *ret_status) MUST_CHECK;

#endif
