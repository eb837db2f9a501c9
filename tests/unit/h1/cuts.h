/* Tables of inputs and transcripts, each fed in every way of cutting it. */
#ifndef TESTS_UNIT_H1_CUTS_H
#define TESTS_UNIT_H1_CUTS_H

#include "../test.h"

#include "transcript.h"

#include <stdio.h>

#define RANDOM_CUTS 10

struct h1_case {
    struct slice input;
    const char *expected;
};

/* The input may hold NULs. */
#define CASE(text, transcript)                                                         \
    {                                                                                  \
        .input = {.data = "" text, .length = sizeof(text) - 1}, .expected = transcript \
    }

static inline void cuts_check(struct transcript *transcript, const struct h1_case *one, const char *how,
                              size_t at)
{
    struct slice got = transcript_end(transcript);
    struct slice expected = slice_from(one->expected);
    if (!slice_equal(got, expected)) {
        fprintf(stderr, "input:\n%.*s\n", SLICE_ARGS(one->input));
        fail_msg("%s at %zu: got \"%.*s\", expected \"%.*s\"", how, at, SLICE_ARGS(got),
                 SLICE_ARGS(expected));
    }
    transcript_finish(transcript);
}

/* At once, in two at every place, byte by byte, and in random pieces from a seed, by an engine that
 * recognises heads and by one that does not. */
static inline void cuts_run(const struct h1_limits *limits, const struct h1_case *one)
{
    struct transcript transcript;
    struct slice input = one->input;
    for (size_t at = 0; at <= input.length; at++) {
        transcript_init(&transcript, limits);
        transcript_feed(&transcript, slice_take(input, at));
        transcript_feed(&transcript, slice_skip(input, at));
        cuts_check(&transcript, one, "cut in two", at);
    }
    transcript_init(&transcript, limits);
    for (size_t i = 0; i < input.length; i++)
        transcript_feed(&transcript, slice_make(input.data + i, 1));
    cuts_check(&transcript, one, "byte by byte", 0);

    static struct h1_recent_head recent;
    uint32_t random = 12345;
    for (size_t i = 0; i < RANDOM_CUTS; i++) {
        transcript_init(&transcript, limits);
        transcript.recent = i % 2 ? &recent : NULL;
        struct slice rest = input;
        while (rest.length > 0) {
            random = random * 1664525u + 1013904223u;
            size_t length = MIN(rest.length, (size_t)(random >> 16) % 40);
            transcript_feed(&transcript, slice_take(rest, length));
            rest = slice_skip(rest, length);
        }
        cuts_check(&transcript, one, "random cuts", i);
    }
}

static inline void cuts_run_all(const struct h1_limits *limits, const struct h1_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++)
        cuts_run(limits, &cases[i]);
}

#endif
