/* Any bytes as what a server sends. The first byte chooses the method that is answered and how the rest is
 * cut into pieces; whatever way it is cut, the engine must say the same as when it gets everything at once.
 */
#include "fuzz.h"

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
    return 0;
}
