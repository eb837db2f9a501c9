/* The framing of content. Chunked framing is parsed byte by byte by a state machine and never buffered, so
 * it can resume anywhere; only the data is taken in pieces. The grammar is exactly RFC 9112 section 7.1:
 * CRLF only, blanks only where BWS is allowed, extensions of a name and a value. */
#include "h1/content.h"

#include "h1/h1.h"

#define CHUNK_SIZE_MAX (UINT64_MAX >> 8)

void h1_content_begin_length(struct h1_content *content, uint64_t length)
{
    *content = (struct h1_content){
        .remaining = length,
        .room = length,
        .state = length > 0 ? H1_CONTENT_STATE_LENGTH : H1_CONTENT_STATE_DONE,
    };
}

void h1_content_begin_chunked(struct h1_content *content, uint64_t bytes_max)
{
    *content = (struct h1_content){.room = bytes_max, .state = H1_CONTENT_STATE_CHUNK_SIZE};
}

void h1_content_begin_until_close(struct h1_content *content, uint64_t bytes_max)
{
    *content = (struct h1_content){.room = bytes_max, .state = H1_CONTENT_STATE_UNTIL_CLOSE};
}

/* Returns available content, up to `remaining`. */
static enum h1_content_event take_piece(struct h1_content *content, struct slice *input, uint64_t piece_max,
                                        struct slice *ret_piece, enum h1_content_state state_after)
{
    if (input->length == 0)
        return H1_CONTENT_MORE;
    if (piece_max == 0)
        return H1_CONTENT_FULL;
    size_t length = (size_t)MIN((uint64_t)input->length, MIN(content->remaining, piece_max));
    *ret_piece = slice_take(*input, length);
    *input = slice_skip(*input, length);
    content->remaining -= length;
    content->room -= length;
    if (content->remaining == 0)
        content->state = (uint8_t)state_after;
    return H1_CONTENT_PIECE;
}

static enum h1_content_event take_until_close(struct h1_content *content, struct slice *input,
                                              uint64_t piece_max, struct slice *ret_piece)
{
    if (input->length == 0)
        return H1_CONTENT_MORE;
    content->remaining = content->room;
    if (content->remaining == 0) {
        content->status = 413;
        return H1_CONTENT_BAD;
    }
    return take_piece(content, input, piece_max, ret_piece, H1_CONTENT_STATE_UNTIL_CLOSE);
}

static int hex_digit(char byte)
{
    if (byte >= '0' && byte <= '9')
        return byte - '0';
    char lower = ascii_lower(byte);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* Chunk extensions: *( BWS ";" BWS name [ BWS "=" BWS ( token / quoted-string ) ] ), as a table from a
 * state and a byte class to the next state. Everything without an entry is rejected. */
enum ext_byte {
    EXT_BLANK,
    EXT_TOKEN,
    EXT_SEMICOLON,
    EXT_EQUALS,
    EXT_QUOTE,
    EXT_BACKSLASH,
    EXT_CR,
    EXT_TEXT,
    EXT_BAD
};

#define STATE(name) H1_CONTENT_STATE_##name
/* clang-format off */
static const uint8_t ext_next[H1_CONTENT_STATE_COUNT][EXT_BAD + 1] = {
    [STATE(EXT_BLANKS)] = {[EXT_BLANK] = STATE(EXT_BLANKS), [EXT_SEMICOLON] = STATE(EXT_START)},
    [STATE(EXT_START)] = {[EXT_BLANK] = STATE(EXT_START), [EXT_TOKEN] = STATE(EXT_NAME)},
    [STATE(EXT_NAME)] = {[EXT_TOKEN] = STATE(EXT_NAME), [EXT_BLANK] = STATE(EXT_NAME_BLANKS),
                         [EXT_EQUALS] = STATE(EXT_VALUE), [EXT_SEMICOLON] = STATE(EXT_START),
                         [EXT_CR] = STATE(CHUNK_LF)},
    [STATE(EXT_NAME_BLANKS)] = {[EXT_BLANK] = STATE(EXT_NAME_BLANKS), [EXT_EQUALS] = STATE(EXT_VALUE),
                                [EXT_SEMICOLON] = STATE(EXT_START)},
    [STATE(EXT_VALUE)] = {[EXT_BLANK] = STATE(EXT_VALUE), [EXT_TOKEN] = STATE(EXT_TOKEN),
                          [EXT_QUOTE] = STATE(EXT_QUOTED)},
    [STATE(EXT_TOKEN)] = {[EXT_TOKEN] = STATE(EXT_TOKEN), [EXT_BLANK] = STATE(EXT_BLANKS),
                          [EXT_SEMICOLON] = STATE(EXT_START), [EXT_CR] = STATE(CHUNK_LF)},
    [STATE(EXT_QUOTED)] = {[EXT_BLANK ... EXT_EQUALS] = STATE(EXT_QUOTED), [EXT_QUOTE] = STATE(EXT_END),
                           [EXT_BACKSLASH] = STATE(EXT_ESCAPED), [EXT_TEXT] = STATE(EXT_QUOTED)},
    [STATE(EXT_ESCAPED)] = {[EXT_BLANK ... EXT_BACKSLASH] = STATE(EXT_QUOTED),
                            [EXT_TEXT] = STATE(EXT_QUOTED)},
    [STATE(EXT_END)] = {[EXT_BLANK] = STATE(EXT_BLANKS), [EXT_SEMICOLON] = STATE(EXT_START),
                        [EXT_CR] = STATE(CHUNK_LF)},
};
/* clang-format on */

static enum ext_byte ext_byte(char byte)
{
    switch (byte) {
    case ' ':
    case '\t': return EXT_BLANK;
    case ';': return EXT_SEMICOLON;
    case '=': return EXT_EQUALS;
    case '"': return EXT_QUOTE;
    case '\\': return EXT_BACKSLASH;
    case '\r': return EXT_CR;
    }
    if (http_is_token_byte((unsigned char)byte))
        return EXT_TOKEN;
    return http_is_field_value_byte((unsigned char)byte) ? EXT_TEXT : EXT_BAD;
}

/* The steps return 0 to continue, or the status to refuse the request with. */
static uint16_t step_ext(struct h1_content *content, enum h1_content_state state, char byte)
{
    content->state = ext_next[state][ext_byte(byte)];
    return content->state ? 0 : 400;
}

static_assert(H1_CONTENT_STATE_DONE == 0, "what has no entry is told from a state");

static uint16_t step_chunk_size(struct h1_content *content, char byte)
{
    int digit = hex_digit(byte);
    if (digit >= 0) {
        if (content->remaining > CHUNK_SIZE_MAX >> 4)
            return 413;
        content->remaining = content->remaining << 4 | (unsigned)digit;
        return 0;
    }
    return content->line_bytes == 1 ? 400 : step_ext(content, H1_CONTENT_STATE_EXT_END, byte);
}

static uint16_t end_chunk_size_line(struct h1_content *content)
{
    content->line_bytes = 0;
    if (content->remaining > content->room)
        return 413;
    content->state = content->remaining > 0 ? H1_CONTENT_STATE_CHUNK_DATA : H1_CONTENT_STATE_TRAILER_START;
    return 0;
}

static uint16_t step_trailer(struct h1_content *content, char byte)
{
    bool is_token = http_is_token_byte((unsigned char)byte);
    switch ((enum h1_content_state)content->state) {
    case H1_CONTENT_STATE_TRAILER_START:
        if ((byte == ' ' || byte == '\t') && content->takes_folds && content->line_bytes > 1) {
            content->state = H1_CONTENT_STATE_TRAILER_VALUE;
            return 0;
        }
        if (byte != '\r' && !is_token)
            return 400;
        content->state = byte == '\r' ? H1_CONTENT_STATE_LAST_LF : H1_CONTENT_STATE_TRAILER_NAME;
        return 0;
    case H1_CONTENT_STATE_TRAILER_NAME:
        if (byte == ':')
            content->state = H1_CONTENT_STATE_TRAILER_VALUE;
        else if (!is_token)
            return 400;
        return 0;
    case H1_CONTENT_STATE_TRAILER_VALUE:
        if (byte == '\r')
            content->state = H1_CONTENT_STATE_TRAILER_LF;
        else if (!http_is_field_value_byte((unsigned char)byte))
            return 400;
        return 0;
    default: UNREACHABLE();
    }
}

static uint16_t h1_content_expect(struct h1_content *content, char byte, char expected,
                                  enum h1_content_state state_after)
{
    content->state = (uint8_t)state_after;
    return byte == expected ? 0 : 400;
}

/* Processes one byte of chunked framing. */
static uint16_t step_framing(struct h1_content *content, const struct h1_limits *limits, char byte)
{
    enum h1_content_state state = (enum h1_content_state)content->state;
    content->line_bytes++;
    switch (state) {
    case H1_CONTENT_STATE_CHUNK_SIZE:
    case H1_CONTENT_STATE_EXT_BLANKS:
    case H1_CONTENT_STATE_EXT_START:
    case H1_CONTENT_STATE_EXT_NAME:
    case H1_CONTENT_STATE_EXT_NAME_BLANKS:
    case H1_CONTENT_STATE_EXT_VALUE:
    case H1_CONTENT_STATE_EXT_TOKEN:
    case H1_CONTENT_STATE_EXT_QUOTED:
    case H1_CONTENT_STATE_EXT_ESCAPED:
    case H1_CONTENT_STATE_EXT_END:
        if (content->line_bytes >= H1_CHUNK_LINE_BYTES_MAX) /* at least the LF is still missing */
            return 400;
        return state == H1_CONTENT_STATE_CHUNK_SIZE ? step_chunk_size(content, byte)
                                                    : step_ext(content, state, byte);
    case H1_CONTENT_STATE_CHUNK_LF: return byte == '\n' ? end_chunk_size_line(content) : 400;
    case H1_CONTENT_STATE_CHUNK_END_CR:
        return h1_content_expect(content, byte, '\r', H1_CONTENT_STATE_CHUNK_END_LF);
    case H1_CONTENT_STATE_CHUNK_END_LF:
        content->line_bytes = 0;
        return h1_content_expect(content, byte, '\n', H1_CONTENT_STATE_CHUNK_SIZE);
    case H1_CONTENT_STATE_TRAILER_START:
    case H1_CONTENT_STATE_TRAILER_NAME:
    case H1_CONTENT_STATE_TRAILER_VALUE:
        return content->line_bytes >= limits->head_bytes ? 431 : step_trailer(content, byte);
    case H1_CONTENT_STATE_TRAILER_LF:
        return h1_content_expect(content, byte, '\n', H1_CONTENT_STATE_TRAILER_START);
    case H1_CONTENT_STATE_LAST_LF: return h1_content_expect(content, byte, '\n', H1_CONTENT_STATE_DONE);
    case H1_CONTENT_STATE_DONE:
    case H1_CONTENT_STATE_LENGTH:
    case H1_CONTENT_STATE_UNTIL_CLOSE:
    case H1_CONTENT_STATE_CHUNK_DATA:
    case H1_CONTENT_STATE_COUNT: break;
    }
    UNREACHABLE();
}

/* Whether the bytes belong to trailers that stay in the input: `line_bytes` of them were checked already. */
static bool is_in_kept_trailers(const struct h1_content *content)
{
    return content->keeps_trailers && content->state >= H1_CONTENT_STATE_TRAILER_START;
}

static void end_chunked(struct h1_content *content, struct slice *input, struct slice *ret_trailers)
{
    size_t length = content->keeps_trailers ? content->line_bytes : 0;
    *ret_trailers = slice_take(*input, length);
    *input = slice_skip(*input, length);
}

static enum h1_content_event next_chunked(struct h1_content *content, const struct h1_limits *limits,
                                          struct slice *input, uint64_t piece_max, struct slice *ret_piece)
{
    while (content->state != H1_CONTENT_STATE_DONE) {
        if (content->state == H1_CONTENT_STATE_CHUNK_DATA)
            return take_piece(content, input, piece_max, ret_piece, H1_CONTENT_STATE_CHUNK_END_CR);
        bool is_kept = is_in_kept_trailers(content);
        size_t at = is_kept ? content->line_bytes : 0;
        if (input->length == at)
            return H1_CONTENT_MORE;
        content->status = step_framing(content, limits, input->data[at]);
        if (!is_kept)
            *input = slice_skip(*input, 1);
        if (content->status)
            return H1_CONTENT_BAD;
    }
    end_chunked(content, input, ret_piece);
    return H1_CONTENT_DONE;
}

enum h1_content_event h1_content_next(struct h1_content *content, const struct h1_limits *limits,
                                      struct slice *input, uint64_t piece_max, struct slice *ret_piece)
{
    switch ((enum h1_content_state)content->state) {
    case H1_CONTENT_STATE_DONE: *ret_piece = (struct slice){0}; return H1_CONTENT_DONE;
    case H1_CONTENT_STATE_LENGTH:
        return take_piece(content, input, piece_max, ret_piece, H1_CONTENT_STATE_DONE);
    case H1_CONTENT_STATE_UNTIL_CLOSE: return take_until_close(content, input, piece_max, ret_piece);
    default: return next_chunked(content, limits, input, piece_max, ret_piece);
    }
}
