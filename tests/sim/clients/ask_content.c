/* Content of requests: with a length, or in chunks with extensions and trailers; announced by Expect or not.
 * Requests that never end are here, too: they stop in their head or in their content. */
#include "ask_parts.h"

#include <stdio.h>

#define TRAILERS_MAX 3

void ask_end_head(struct ask *ask)
{
    buffer_append(&ask->bytes, SLICE("\r\n"));
    ask->head_bytes = ask->bytes.length;
}

static void write_bytes(struct buffer *out, uint64_t length, struct sim_chance *chance)
{
    /* Bytes that would be requests, were they taken for such. */
    static const char text[] = "GET /one.txt HTTP/1.1\r\nHost: smuggled\r\n\r\n0\r\n\r\n";
    uint64_t shift = sim_below(chance, sizeof(text) - 1);
    for (uint64_t i = 0; i < length; i++)
        buffer_append_byte(out, text[(i + shift) % (sizeof(text) - 1)]);
}

static uint64_t content_length(const struct website *website, struct sim_chance *chance)
{
    uint64_t most = website->limits->body_bytes;
    if (sim_one_in(chance, 6) && most < 200000)
        return most;
    /* More than the loop reads at once. */
    if (sim_one_in(chance, 8))
        return MIN(most, sim_between(chance, 60000, 200000));
    return sim_size(chance, MIN(most, (uint64_t)100000));
}

static void write_with_length(struct ask *ask, const struct website *website, struct sim_chance *chance)
{
    uint64_t length = sim_one_in(chance, 5) ? 0 : content_length(website, chance);
    ask->has_content = length > 0;
    buffer_printf(&ask->bytes, "%s: %s%llu\r\n", ASK_ONE_OF(chance, "Content-Length", "content-length"),
                  ASK_ONE_OF(chance, "", "", "00"), (unsigned long long)length);
    ask_end_head(ask);
    write_bytes(&ask->bytes, length, chance);
}

static void write_chunk(struct ask *ask, uint64_t length, struct sim_chance *chance)
{
    buffer_printf(&ask->bytes, sim_one_in(chance, 2) ? "%llx" : "00%llX", (unsigned long long)length);
    buffer_append(&ask->bytes,
                  slice_from(ASK_ONE_OF(chance, "\r\n", "\r\n", ";a=b\r\n", " ; a\t= \"b \\\"c\" ;d\r\n")));
    write_bytes(&ask->bytes, length, chance);
    buffer_append(&ask->bytes, slice_from(length > 0 ? "\r\n" : ""));
}

static void write_chunked(struct ask *ask, const struct website *website, struct sim_chance *chance)
{
    uint64_t left = sim_one_in(chance, 5) ? 0 : content_length(website, chance);
    ask->has_content = true;
    buffer_append(&ask->bytes, slice_from(ASK_ONE_OF(
                                   chance, "Transfer-Encoding: chunked\r\n", "transfer-encoding:Chunked \r\n",
                                   "Transfer-Encoding:,\r\nTransfer-Encoding: chunked,\r\n")));
    ask_end_head(ask);
    for (unsigned count = 0; left > 0; count++) {
        uint64_t length = count > 20 ? left : sim_size(chance, left);
        write_chunk(ask, length, chance);
        left -= length;
    }
    write_chunk(ask, 0, chance);
    for (uint64_t i = sim_below(chance, TRAILERS_MAX); i > 0; i--)
        buffer_append(&ask->bytes,
                      slice_from(ASK_ONE_OF(chance, "X-Sum: 1\r\n", "Content-Length: 7\r\n", "Host:\r\n")));
    buffer_append(&ask->bytes, SLICE("\r\n"));
}

void ask_write_content(struct ask *ask, const struct website *website, struct sim_chance *chance)
{
    bool wants = !ask->is_head && strcmp(ask->method, "GET") != 0 && strcmp(ask->method, "OPTIONS") != 0;
    enum { NONE, LENGTH, CHUNKED } kind = NONE;
    if (sim_one_in(chance, wants ? 1 : 12))
        kind = ask->is_old || sim_one_in(chance, 2) ? LENGTH : CHUNKED;
    bool says_expect = kind != NONE && sim_one_in(chance, 3);
    if (says_expect)
        buffer_append(&ask->bytes,
                      slice_from(ASK_ONE_OF(chance, "Expect: 100-continue\r\n", "expect: 100-Continue\r\n",
                                            "Expect: x\r\nExpect: 100-continue\r\n")));
    switch (kind) {
    case NONE: ask_end_head(ask); break;
    case LENGTH: write_with_length(ask, website, chance); break;
    case CHUNKED: write_chunked(ask, website, chance); break;
    }
    /* Expect means nothing to HTTP/1.0, nor where nothing follows. */
    ask->expects = says_expect && !ask->is_old && ask->has_content;
}

void ask_make_endless(struct ask *ask, const struct website *website, struct sim_chance *chance)
{
    size_t length;
    do {
        ask_make(ask, website, chance);
        bool in_content = ask->has_content && !(ask->expects && ask->status);
        /* Something of the head must be there, or the connection is idle rather than reading. */
        length = in_content && sim_one_in(chance, 2)
                     ? sim_between(chance, ask->head_bytes, ask->bytes.length - 1)
                     : sim_between(chance, 3, ask->head_bytes - 1);
        if (ask->expects && ask->status)
            ask_finish(ask);
    } while (ask->expects && ask->status);
    ask->bytes.length = length;
    ask->head_bytes = MIN(ask->head_bytes, length);
    ask->end = ASK_NEVER_ENDS;
}

void ask_make_half(struct ask *ask, const struct target *target, const struct website *website,
                   struct sim_chance *chance)
{
    for (;;) {
        ask_make_for(ask, target, website, chance);
        if (ask->has_content && !ask->expects && ask->status == 0)
            break;
        ask_finish(ask);
    }
    ask->bytes.length = sim_between(chance, ask->head_bytes, ask->bytes.length - 1);
    ask->end = ASK_NEVER_ENDS;
}
