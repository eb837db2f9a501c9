/* Any bytes as what a server sends. The first byte chooses the method that is answered and how the rest is
 * cut into pieces; whatever way it is cut, the engine must say the same as when it gets everything at once.
 *
 * Of the first response the strict engine, which is the proxy's, must also say the same as a reader that
 * shares no code with it (response_reader.h): it refuses what that refuses, and what it accepts has the same
 * status, headers, content and end. A head that is recognised instead of parsed is compared with it, too. */
#include "fuzz.h"

#include "h1/recent_response.h"
#include "response_reader.h"

#include "../unit/h1/response_transcript.h"

/* Small, so that inputs of a few hundred bytes reach every limit. */
static const struct h1_limits limits = {.head_bytes = 400, .fields = 12, .body_bytes = 600};

static const enum http_method methods[] = {HTTP_METHOD_GET, HTTP_METHOD_HEAD, HTTP_METHOD_CONNECT,
                                           HTTP_METHOD_POST};

static void check_same(struct answer_transcript *whole, struct answer_transcript *pieces)
{
    assert(slice_equal(answer_transcript_end(whole), answer_transcript_end(pieces)));
    assert(whole->engine.state == pieces->engine.state);
    assert(whole->engine.content.state == pieces->engine.content.state);
    assert(whole->kept_length == pieces->kept_length);
}

/* Feeds pieces of `seed`'s choice: some always one byte, others up to 64. */
static void feed_pieces(struct answer_transcript *transcript, struct slice input, uint32_t seed)
{
    uint32_t random = seed;
    while (input.length > 0) {
        random = random * 1664525u + 1013904223u;
        size_t wanted = seed % 4 == 0 ? 1 : (random >> 16) % 65;
        size_t length = MIN(input.length, wanted);
        answer_transcript_feed(transcript, slice_take(input, length));
        input = slice_skip(input, length);
    }
}

/* ---- the strict engine and the other reader ---- */

static bool exceeds_head(const struct read_head *head)
{
    return head->bytes > limits.head_bytes || head->fields.count > limits.fields;
}

/* Clear, but beyond a limit; so are trailers and lines of chunks, whose bytes are not counted here. */
static bool exceeds_limits(const struct read_response *read)
{
    bool exceeds = exceeds_head(&read->head) || read->interim_count > H1_RESPONSE_INTERIMS_MAX ||
                   (read->framing == READ_LENGTH && read->length > limits.body_bytes);
    for (unsigned i = 0; i < read->interim_count; i++)
        exceeds |= exceeds_head(read->interims[i]);
    return exceeds;
}

static void compare_heads(const struct http_response_head *head, const struct read_head *read)
{
    assert(head->status == read->status && head->field_count == read->fields.count);
    for (unsigned i = 0; i < head->field_count; i++) {
        assert(slice_equal(head->fields[i].name_text, read->fields.fields[i].name));
        assert(slice_equal(head->fields[i].value, read->fields.fields[i].value));
    }
}

static void compare_framings(const struct http_response_head *head, const struct read_response *read)
{
    static const enum read_framing framings[] = {
        [HTTP_RESPONSE_BODY_NONE] = READ_NONE,       [HTTP_RESPONSE_BODY_LENGTH] = READ_LENGTH,
        [HTTP_RESPONSE_BODY_CHUNKED] = READ_CHUNKED, [HTTP_RESPONSE_BODY_UNTIL_CLOSE] = READ_UNTIL_CLOSE,
        [HTTP_RESPONSE_BODY_TUNNEL] = READ_TUNNEL,
    };
    assert(read->framing == framings[head->body]);
    assert(head->body != HTTP_RESPONSE_BODY_LENGTH || read->length == head->content_length);
}

/* Takes all content, which must be the reader's. Returns whether it is whole, `ret_length` of it. */
static bool take_content(struct h1_response_parser *engine, struct slice *input,
                         const struct read_response *read, size_t *ret_length)
{
    static struct http_response_head unused;
    struct slice piece;
    *ret_length = 0;
    for (;;) {
        switch (h1_response_next(engine, input, &unused, &piece)) {
        case H1_RESPONSE_CONTENT:
            assert(piece.length <= read->content_length - *ret_length);
            assert(memcmp(read->content + *ret_length, piece.data, piece.length) == 0);
            *ret_length += piece.length;
            break;
        case H1_RESPONSE_END: return true;
        case H1_RESPONSE_MORE:
            return engine->state != H1_RESPONSE_STATE_TUNNEL &&
                   h1_response_close(engine, input->length) == H1_RESPONSE_END;
        default: return false;
        }
    }
}

static void compare_content(struct h1_response_parser *engine, struct slice *input,
                            const struct http_response_head *head, const struct read_response *read)
{
    size_t length;
    bool is_whole = take_content(engine, input, read, &length);
    if (head->body == HTTP_RESPONSE_BODY_TUNNEL)
        return;
    if (is_whole) {
        assert(read->end == READ_WHOLE && length == read->content_length);
    } else if (read->end == READ_WHOLE) {
        assert(read->may_be_refused || read->content_length > limits.body_bytes ||
               engine->content.status == 431);
    }
}

static void begin_strict(struct h1_response_parser *engine, enum http_method method)
{
    h1_response_init(engine, &limits);
    engine->is_strict = engine->keeps_trailers = true;
    h1_response_expect(engine, method);
}

/* `engine` has parsed `head`, whose bytes are `text`. */
static void compare_recognised(const struct h1_response_parser *engine, const struct http_response_head *head,
                               struct slice text, const struct read_head *read)
{
    static struct h1_recent_response recent;
    struct h1_response_parser again;
    begin_strict(&again, (enum http_method)engine->method);
    recent.length = 0;
    h1_recent_response_note(&recent, engine, head, text);
    const struct http_response_head *recognised = h1_recent_response_take(&recent, &again, &text);
    assert(recognised != NULL && text.length == 0);
    assert(again.state == engine->state && again.content.state == engine->content.state);
    assert(recognised->body == head->body && recognised->keep_alive == head->keep_alive);
    compare_heads(recognised, read);
}

static void compare_readers(struct h1_response_parser *engine, struct slice input,
                            const struct read_response *read, bool is_clear)
{
    static struct http_response_head head; /* too large for a stack with sanitizers */
    struct slice piece;
    enum h1_response_event event;
    struct slice before = input;
    unsigned interims = 0;
    while ((event = h1_response_next(engine, &input, &head, &piece)) == H1_RESPONSE_INTERIM) {
        assert(interims < read->interim_count);
        compare_heads(&head, read->interims[interims++]);
        before = input;
    }
    if (event != H1_RESPONSE_HEAD) {
        assert(!is_clear || read->may_be_refused || exceeds_limits(read));
        return;
    }
    assert(is_clear && interims == read->interim_count && !exceeds_limits(read));
    compare_heads(&head, &read->head);
    compare_recognised(engine, &head, slice_take(before, before.length - input.length), &read->head);
    compare_framings(&head, read);
    compare_content(engine, &input, &head, read);
}

static void check_strict(struct slice input, enum http_method method)
{
    static struct read_response read;
    struct h1_response_parser engine;
    if (method == HTTP_METHOD_CONNECT) /* the proxy never sends it */
        return;
    char *copy = malloc(input.length + 1); /* the engine may write to it */
    assert(copy != NULL);
    memcpy(copy, input.data, input.length);
    begin_strict(&engine, method);
    bool is_clear = response_read(&read, input, method == HTTP_METHOD_HEAD, true);
    compare_readers(&engine, slice_make(copy, input.length), &read, is_clear);
    response_release(&read);
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct slice input = slice_make((const char *)data + 1, size - 1);
    enum http_method method = methods[data[0] >> 6];
    struct answer_transcript whole, pieces;
    answer_transcript_init(&whole, &limits, method);
    answer_transcript_init(&pieces, &limits, method);
    answer_transcript_feed(&whole, input);
    feed_pieces(&pieces, input, data[0]);
    check_same(&whole, &pieces);
    answer_transcript_finish(&whole);
    answer_transcript_finish(&pieces);
    check_strict(input, method);
    return 0;
}
