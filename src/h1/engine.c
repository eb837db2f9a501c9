/* The engine's state machine: heads by head.c, then content by content.c. */
#include "h1/h1.h"

/* Empty lines before a request line are skipped (RFC 9112 section 2.2), but not more than this. */
#define EMPTY_LINES_MAX 4

void h1_init(struct h1 *engine, const struct h1_limits *limits)
{
    *engine = (struct h1){.limits = limits, .state = H1_STATE_HEAD};
}

static enum h1_event h1_die(struct h1 *engine, uint16_t status)
{
    engine->state = H1_STATE_DEAD;
    engine->status = status;
    return H1_ERROR;
}

static void h1_begin_content(struct h1 *engine, const struct http_request *request)
{
    switch (request->body) {
    case HTTP_BODY_NONE: engine->state = H1_STATE_END; return;
    case HTTP_BODY_LENGTH: h1_content_begin_length(&engine->content, request->content_length); break;
    case HTTP_BODY_CHUNKED:
        h1_content_begin_chunked(&engine->content, engine->limits->body_bytes);
        engine->content.keeps_trailers = true;
        break;
    }
    engine->state = H1_STATE_CONTENT;
}

void h1_take_head(struct h1 *engine, struct slice *input, size_t length, const struct http_request *request)
{
    assert(engine->state == H1_STATE_HEAD);
    *input = slice_skip(*input, length);
    engine->scanned = 0;
    engine->empty_lines = 0;
    h1_begin_content(engine, request);
}

/* Removes empty lines from the front. They are not part of a head, so a connection that received only
 * those counts as idle and buffers nothing. */
static enum h1_head_result take_empty_lines(struct h1 *engine, struct slice *input)
{
    while (input->length > 0 && input->data[0] == '\r') {
        if (input->length == 1)
            return H1_HEAD_MORE;
        if (input->data[1] != '\n' || ++engine->empty_lines > EMPTY_LINES_MAX)
            return H1_HEAD_BAD;
        *input = slice_skip(*input, 2);
        engine->scanned = 0;
    }
    return H1_HEAD_DONE;
}

static enum h1_event h1_next_head(struct h1 *engine, struct slice *input, struct http_request *request,
                                  const struct h1_recent_head *recent)
{
    enum h1_head_result empty = take_empty_lines(engine, input);
    if (empty != H1_HEAD_BAD && input->length == 0)
        return H1_MORE;
    /* A method begins with a token byte. A TLS handshake or random bytes do not: they are rejected without
     * waiting for a line end. */
    bool can_begin = empty == H1_HEAD_MORE || http_is_token_byte((unsigned char)input->data[0]);
    if (empty == H1_HEAD_BAD || !can_begin) {
        http_request_clear(request);
        return h1_die(engine, 400);
    }
    /* Parsing restarts with each new line, but no byte is searched twice for a line end. */
    bool may_parse =
        engine->scanned == 0 ||
        slice_find(slice_skip(*input, engine->scanned), '\n') < input->length - engine->scanned ||
        input->length > engine->limits->head_bytes;
    engine->scanned = (uint32_t)MIN(input->length, (size_t)UINT32_MAX);
    if (!may_parse)
        return H1_MORE;
    size_t length;
    uint16_t status;
    switch (h1_parse_head(*input, engine->limits, recent, request, &length, &status)) {
    case H1_HEAD_MORE: return H1_MORE;
    case H1_HEAD_BAD: return h1_die(engine, status);
    case H1_HEAD_DONE: break;
    }
    h1_take_head(engine, input, length, request);
    return H1_REQUEST;
}

static enum h1_event h1_next_content(struct h1 *engine, struct slice *input, uint64_t content_max,
                                     struct slice *ret_content)
{
    switch (h1_content_next(&engine->content, engine->limits, input, content_max, ret_content)) {
    case H1_CONTENT_MORE: return H1_MORE;
    case H1_CONTENT_PIECE:
        if (engine->content.state == H1_CONTENT_STATE_DONE)
            engine->state = H1_STATE_END;
        return H1_CONTENT;
    case H1_CONTENT_FULL: return H1_FULL;
    case H1_CONTENT_DONE: engine->state = H1_STATE_HEAD; return H1_END;
    case H1_CONTENT_BAD: return h1_die(engine, engine->content.status);
    }
    UNREACHABLE();
}

enum h1_event h1_next_within(struct h1 *engine, struct slice *input, struct http_request *request,
                             const struct h1_recent_head *recent, uint64_t content_max,
                             struct slice *ret_content)
{
    switch ((enum h1_state)engine->state) {
    case H1_STATE_HEAD: return h1_next_head(engine, input, request, recent);
    case H1_STATE_CONTENT: return h1_next_content(engine, input, content_max, ret_content);
    case H1_STATE_END:
        engine->state = H1_STATE_HEAD;
        *ret_content = (struct slice){0};
        return H1_END;
    case H1_STATE_DEAD: *input = slice_skip(*input, input->length); return H1_MORE;
    }
    UNREACHABLE();
}
