/* The engine's state machine: heads by way of head.c, then content by length or by chunks.
 *
 * Chunked framing is read byte by byte through its states and never buffered, so it resumes anywhere; only
 * the data is taken in pieces. The grammar is RFC 9112 section 7.1 to the letter: CRLF only, no blanks around
 * the size. */
#include "h1/h1.h"

#define CHUNK_SIZE_MAX (UINT64_MAX >> 8)

/* Lines that are empty, before a request line, are skipped (RFC 9112 section 2.2); no more of them than this.
 */
#define EMPTY_LINES_MAX 4

void h1_init(struct h1 *engine, const struct h1_limits *limits)
{
    *engine = (struct h1){.limits = limits, .state = H1_STATE_HEAD};
}

static enum h1_event die(struct h1 *engine, uint16_t status)
{
    engine->state = H1_STATE_DEAD;
    engine->status = status;
    return H1_ERROR;
}

static void begin_content(struct h1 *engine, const struct http_request *request)
{
    engine->received = 0;
    engine->line_bytes = 0;
    engine->remaining = 0;
    switch (request->body) {
    case HTTP_BODY_NONE: engine->state = H1_STATE_END; return;
    case HTTP_BODY_LENGTH:
        engine->remaining = request->content_length;
        engine->state = H1_STATE_LENGTH;
        return;
    case HTTP_BODY_CHUNKED: engine->state = H1_STATE_CHUNK_SIZE; return;
    }
    UNREACHABLE();
}

/* Takes empty lines from the front: they are no part of a head, so that a connection where only they came is
 * idle and keeps nothing. */
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

static enum h1_event next_head(struct h1 *engine, struct slice *input, struct http_request *request)
{
    enum h1_head_result empty = take_empty_lines(engine, input);
    if (empty != H1_HEAD_BAD && input->length == 0)
        return H1_MORE;
    /* A method begins with a token byte; a TLS handshake or line noise does not, and must not wait for a line
     * end. */
    bool can_begin = empty == H1_HEAD_MORE || http_is_token_byte((unsigned char)input->data[0]);
    if (empty == H1_HEAD_BAD || !can_begin) {
        http_request_clear(request);
        return die(engine, 400);
    }
    /* Parsing starts over with each new line, but looks at no byte twice while it waits for one. */
    bool may_parse =
        slice_find(slice_skip(*input, engine->scanned), '\n') < input->length - engine->scanned ||
        input->length > engine->limits->head_bytes;
    engine->scanned = (uint32_t)MIN(input->length, (size_t)UINT32_MAX);
    if (!may_parse)
        return H1_MORE;
    size_t length;
    uint16_t status;
    switch (h1_parse_head(*input, engine->limits, request, &length, &status)) {
    case H1_HEAD_MORE: return H1_MORE;
    case H1_HEAD_BAD: return die(engine, status);
    case H1_HEAD_DONE: break;
    }
    *input = slice_skip(*input, length);
    engine->scanned = 0;
    engine->empty_lines = 0;
    begin_content(engine, request);
    return H1_REQUEST;
}

/* Gives the content at hand, up to `remaining`. */
static enum h1_event take_content(struct h1 *engine, struct slice *input, struct slice *ret_content,
                                  enum h1_state state_after)
{
    if (input->length == 0)
        return H1_MORE;
    size_t length = (size_t)MIN((uint64_t)input->length, engine->remaining);
    *ret_content = slice_take(*input, length);
    *input = slice_skip(*input, length);
    engine->remaining -= length;
    engine->received += length;
    if (engine->remaining == 0)
        engine->state = (uint8_t)state_after;
    return H1_CONTENT;
}

static int hex_digit(char byte)
{
    if (byte >= '0' && byte <= '9')
        return byte - '0';
    char lower = ascii_lower(byte);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* Results of a step through the framing: 0 goes on, else the status to refuse with. */
static uint16_t step_chunk_size(struct h1 *engine, char byte)
{
    int digit = hex_digit(byte);
    if (digit >= 0) {
        if (engine->remaining > CHUNK_SIZE_MAX >> 4)
            return 413;
        engine->remaining = engine->remaining << 4 | (unsigned)digit;
        return 0;
    }
    if (engine->line_bytes == 1)
        return 400; /* no digit at all */
    if (byte == ';')
        engine->state = H1_STATE_CHUNK_EXT;
    else if (byte == '\r')
        engine->state = H1_STATE_CHUNK_LF;
    else
        return 400;
    return 0;
}

static uint16_t end_chunk_size_line(struct h1 *engine)
{
    engine->line_bytes = 0;
    if (engine->remaining > engine->limits->body_bytes ||
        engine->received > engine->limits->body_bytes - engine->remaining)
        return 413;
    engine->state = engine->remaining > 0 ? H1_STATE_CHUNK_DATA : H1_STATE_TRAILER_START;
    return 0;
}

static uint16_t step_trailer(struct h1 *engine, char byte)
{
    bool is_token = http_is_token_byte((unsigned char)byte);
    switch ((enum h1_state)engine->state) {
    case H1_STATE_TRAILER_START:
        if (byte != '\r' && !is_token)
            return 400;
        engine->state = byte == '\r' ? H1_STATE_LAST_LF : H1_STATE_TRAILER_NAME;
        return 0;
    case H1_STATE_TRAILER_NAME:
        if (byte == ':')
            engine->state = H1_STATE_TRAILER_VALUE;
        else if (!is_token)
            return 400;
        return 0;
    case H1_STATE_TRAILER_VALUE:
        if (byte == '\r')
            engine->state = H1_STATE_TRAILER_LF;
        else if (!http_is_field_value_byte((unsigned char)byte))
            return 400;
        return 0;
    default: UNREACHABLE();
    }
}

static uint16_t expect(struct h1 *engine, char byte, char expected, enum h1_state state_after)
{
    engine->state = (uint8_t)state_after;
    return byte == expected ? 0 : 400;
}

/* One byte of chunked framing. Trailers are checked and dropped: nothing may be merged into the head unasked
 * (RFC 9110 section 6.5.1). */
static uint16_t step_framing(struct h1 *engine, char byte)
{
    engine->line_bytes++;
    switch ((enum h1_state)engine->state) {
    case H1_STATE_CHUNK_SIZE:
    case H1_STATE_CHUNK_EXT:
        if (engine->line_bytes >= H1_CHUNK_LINE_BYTES_MAX) /* an LF comes at least */
            return 400;
        if (engine->state == H1_STATE_CHUNK_SIZE)
            return step_chunk_size(engine, byte);
        if (byte == '\r')
            engine->state = H1_STATE_CHUNK_LF;
        return byte == '\r' || http_is_field_value_byte((unsigned char)byte) ? 0 : 400;
    case H1_STATE_CHUNK_LF: return byte == '\n' ? end_chunk_size_line(engine) : 400;
    case H1_STATE_CHUNK_END_CR: return expect(engine, byte, '\r', H1_STATE_CHUNK_END_LF);
    case H1_STATE_CHUNK_END_LF:
        engine->line_bytes = 0;
        return expect(engine, byte, '\n', H1_STATE_CHUNK_SIZE);
    case H1_STATE_TRAILER_START:
    case H1_STATE_TRAILER_NAME:
    case H1_STATE_TRAILER_VALUE:
        return engine->line_bytes >= engine->limits->head_bytes ? 431 : step_trailer(engine, byte);
    case H1_STATE_TRAILER_LF: return expect(engine, byte, '\n', H1_STATE_TRAILER_START);
    case H1_STATE_LAST_LF: return expect(engine, byte, '\n', H1_STATE_END);
    case H1_STATE_HEAD:
    case H1_STATE_LENGTH:
    case H1_STATE_CHUNK_DATA:
    case H1_STATE_END:
    case H1_STATE_DEAD: break;
    }
    UNREACHABLE();
}

static enum h1_event next_chunked(struct h1 *engine, struct slice *input, struct slice *ret_content)
{
    while (engine->state != H1_STATE_END) {
        if (engine->state == H1_STATE_CHUNK_DATA)
            return take_content(engine, input, ret_content, H1_STATE_CHUNK_END_CR);
        if (input->length == 0)
            return H1_MORE;
        uint16_t status = step_framing(engine, input->data[0]);
        *input = slice_skip(*input, 1);
        if (status)
            return die(engine, status);
    }
    engine->state = H1_STATE_HEAD;
    return H1_END;
}

enum h1_event h1_next(struct h1 *engine, struct slice *input, struct http_request *request,
                      struct slice *ret_content)
{
    switch ((enum h1_state)engine->state) {
    case H1_STATE_HEAD: return next_head(engine, input, request);
    case H1_STATE_LENGTH: return take_content(engine, input, ret_content, H1_STATE_END);
    case H1_STATE_END: engine->state = H1_STATE_HEAD; return H1_END;
    case H1_STATE_DEAD: *input = slice_skip(*input, input->length); return H1_MORE;
    case H1_STATE_CHUNK_SIZE:
    case H1_STATE_CHUNK_EXT:
    case H1_STATE_CHUNK_LF:
    case H1_STATE_CHUNK_DATA:
    case H1_STATE_CHUNK_END_CR:
    case H1_STATE_CHUNK_END_LF:
    case H1_STATE_TRAILER_START:
    case H1_STATE_TRAILER_NAME:
    case H1_STATE_TRAILER_VALUE:
    case H1_STATE_TRAILER_LF:
    case H1_STATE_LAST_LF: return next_chunked(engine, input, ret_content);
    }
    UNREACHABLE();
}
