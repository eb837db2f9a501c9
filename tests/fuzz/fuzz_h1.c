/* Any bytes as what a client sends. The first byte chooses how the rest is cut into pieces; whatever way it
 * is cut, the engine must say the same as when it gets everything at once, and every request must be in
 * order. So must it when it has a recent head to recognise, which stays from one input to the next. */
#include "fuzz.h"

#include "../unit/h1/transcript.h"

/* Small, so that inputs of a few hundred bytes reach every limit. */
static const struct h1_limits limits = {.head_bytes = 400, .uri_bytes = 100, .fields = 12, .body_bytes = 600};

/* `text`: the whole one's, which ends once. */
static void check_same(const struct transcript *whole, struct slice text, struct transcript *pieces)
{
    assert(slice_equal(text, transcript_end(pieces)));
    assert(whole->engine.state == pieces->engine.state && whole->engine.status == pieces->engine.status);
    assert(whole->engine.content.state == pieces->engine.content.state);
    assert(whole->kept_length == pieces->kept_length);
}

/* Feeds pieces of `seed`'s choice: some always one byte, others up to 64. */
static void feed_pieces(struct transcript *transcript, struct slice input, uint32_t seed)
{
    uint32_t random = seed;
    while (input.length > 0) {
        random = random * 1664525u + 1013904223u;
        size_t wanted = seed % 4 == 0 ? 1 : (random >> 16) % 65;
        size_t length = MIN(input.length, wanted);
        transcript_feed(transcript, slice_take(input, length));
        input = slice_skip(input, length);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct slice input = slice_make((const char *)data + 1, size - 1);
    static struct h1_recent_head recent;
    struct transcript whole, pieces, recognised;
    transcript_init(&whole, &limits);
    transcript_init(&pieces, &limits);
    transcript_init(&recognised, &limits);
    recognised.recent = &recent;
    transcript_feed(&whole, input);
    feed_pieces(&pieces, input, data[0]);
    feed_pieces(&recognised, input, data[0] + 1u);
    struct slice text = transcript_end(&whole);
    check_same(&whole, text, &pieces);
    check_same(&whole, text, &recognised);
    transcript_finish(&whole);
    transcript_finish(&pieces);
    transcript_finish(&recognised);
    return 0;
}
