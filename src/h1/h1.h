/* The HTTP/1 engine: bytes in, requests out (RFC 9112). It does no I/O, uses no clock and allocates nothing,
 * so the same code runs in an event loop, a blocking thread, a fuzzer and a simulator.
 *
 * How to use it:
 *  1. Call h1_next repeatedly with the available input; each call removes the bytes it used from the front of
 *     the input and returns one event.
 *  2. On H1_MORE keep the rest of the input, and call again with more bytes appended to it.
 *  3. On H1_REQUEST the head is in `request`; its slices point into the input. Content follows as H1_CONTENT
 *     events, then H1_END, with the trailers (immediately if there is no content).
 *  4. On H1_ERROR respond with `engine->status` and close: the framing is uncertain, and nothing after it is
 *     ever parsed. `request` then holds the request line and the headers before the error; or nothing, if the
 *     request line itself is invalid.
 *
 * However the input is divided, the events are the same, except for the sizes of content pieces. */
#ifndef H1_H1_H
#define H1_H1_H

#include "h1/content.h"
#include "http/request.h"

struct h1_recent_head;

struct h1_limits {
    uint32_t head_bytes; /* size of the head with all line ends: beyond it 414 in the request line, 431 in the
                            headers; also of all trailers together: 431 */
    uint32_t uri_bytes;  /* size of the request target: beyond it 414 */
    uint32_t fields;     /* number of headers, limited by the request's array, too: beyond it 431 */
    uint64_t body_bytes; /* size of the content without chunked framing: beyond it 413 */
};

static inline bool h1_limits_equal(const struct h1_limits *a, const struct h1_limits *b)
{
    return a->head_bytes == b->head_bytes && a->uri_bytes == b->uri_bytes && a->fields == b->fields &&
           a->body_bytes == b->body_bytes;
}

enum h1_state {
    H1_STATE_HEAD,    /* the request line and the headers */
    H1_STATE_CONTENT, /* see h1/content.h */
    H1_STATE_END,     /* all content was returned; H1_END is next */
    H1_STATE_DEAD,    /* after H1_ERROR: discards everything */
};

enum h1_event {
    H1_MORE,    /* more bytes are needed */
    H1_REQUEST, /* a complete head */
    H1_CONTENT, /* a piece of content, never empty */
    H1_FULL,    /* content is available, but `content_max` is 0: call again when some is wanted */
    H1_END,     /* the message is complete; the next h1_next begins a new one */
    H1_ERROR,   /* respond with `status`, then close */
};

struct h1 {
    const struct h1_limits *limits;
    struct h1_content content;
    uint32_t scanned;    /* bytes at the front of the input that were searched for the end of the head */
    uint16_t status;     /* after H1_ERROR */
    uint8_t state;       /* enum h1_state */
    uint8_t empty_lines; /* seen before the next head */
};

/* `limits` must live as long as the engine. */
void h1_init(struct h1 *engine, const struct h1_limits *limits);

/* Returns the next event; see the top. `ret_content` is set with H1_CONTENT, and is at most `content_max`
 * bytes long; and with H1_END, to the trailer section with its empty line, or to nothing. `recent` only makes
 * parsing faster, see h1/recent_head.h; it may be NULL. */
enum h1_event h1_next_within(struct h1 *engine, struct slice *input, struct http_request *request,
                             const struct h1_recent_head *recent, uint64_t content_max,
                             struct slice *ret_content) MUST_CHECK;

/* The same, with content pieces of any length. */
static inline enum h1_event h1_next(struct h1 *engine, struct slice *input, struct http_request *request,
                                    struct slice *ret_content)
{
    return h1_next_within(engine, input, request, NULL, UINT64_MAX, ret_content);
}

/* Whether the engine is inside a message: a head has begun, or content has not ended. */
static inline bool h1_is_inside(const struct h1 *engine)
{
    return engine->state != H1_STATE_HEAD || engine->scanned > 0;
}

/* After H1_REQUEST without content: takes the H1_END that is next. It says nothing, so a caller who has
 * nothing to do then saves a call. */
static inline void h1_skip_end(struct h1 *engine)
{
    assert(engine->state == H1_STATE_END);
    engine->state = H1_STATE_HEAD;
}

/* Continues as if the head of `length` bytes at the front of `input` had just been parsed as `request`.
 * For h1/recent_head.h. */
void h1_take_head(struct h1 *engine, struct slice *input, size_t length, const struct http_request *request);

/* Parses a complete head at the front of `input`, without leading empty lines: the stateless part of the
 * engine, see head.c. */
enum h1_head_result { H1_HEAD_DONE, H1_HEAD_MORE, H1_HEAD_BAD };
enum h1_head_result h1_parse_head(struct slice input, const struct h1_limits *limits,
                                  const struct h1_recent_head *recent, struct http_request *request,
                                  size_t *ret_length, uint16_t *ret_status) MUST_CHECK;

#endif
