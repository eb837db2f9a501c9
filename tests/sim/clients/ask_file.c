/* Conditions, ranges and codings. Tags and dates are those of the file's versions, as a client would have
 * them that was here before, or of none. */
#include "ask_parts.h"

#include "tags.h"

#include <inttypes.h>
#include <stdio.h>

static bool is_about_file(const struct ask *ask)
{
    return ask->target->kind == TARGET_FILE && ask->status == 0;
}

/* Any version that ever was, of any form. */
static const struct version *some_version(const struct ask *ask, struct sim_chance *chance,
                                          enum form_kind *ret_kind)
{
    *ret_kind = (enum form_kind)(sim_one_in(chance, 2) ? 0 : sim_below(chance, FORM_COUNT));
    const struct form *form = &ask->target->file->forms[*ret_kind];
    if (form->count == 0)
        return NULL;
    return &form->versions[sim_one_in(chance, 3) ? sim_below(chance, form->count) : form->count - 1];
}

static void make_tag(const struct ask *ask, struct sim_chance *chance, char out[ETAG_TEXT_MAX])
{
    enum form_kind kind;
    const struct version *version = some_version(ask, chance, &kind);
    const char *known = version ? tag_known(&ask->target->file->forms[kind], version) : "";
    if (known[0] && !sim_one_in(chance, 5))
        snprintf(out, ETAG_TEXT_MAX, "%s%s", sim_one_in(chance, 4) ? "W/" : "", known);
    else
        snprintf(out, ETAG_TEXT_MAX, "%s",
                 ASK_ONE_OF(chance, "\"x\"", "W/\"\"", "\"0-0\"", "\"\xc3\xa9,!\""));
}

static void write_tags(struct ask *ask, const char *name, struct ask_tags *tags, struct sim_chance *chance)
{
    tags->is_there = true;
    tags->is_star = sim_one_in(chance, 5);
    if (tags->is_star) {
        buffer_printf(&ask->bytes, "%s: *\r\n", name);
        return;
    }
    tags->count = sim_between(chance, 1, ASK_TAGS_MAX);
    buffer_printf(&ask->bytes, "%s: ", name);
    for (size_t i = 0; i < tags->count; i++) {
        make_tag(ask, chance, tags->tags[i]);
        buffer_printf(&ask->bytes, "%s%s", i ? ASK_ONE_OF(chance, ", ", ",", " ,, ") : "", tags->tags[i]);
    }
    buffer_append(&ask->bytes, SLICE("\r\n"));
}

static void write_date(struct ask *ask, const char *name, struct ask_date *date, struct sim_chance *chance)
{
    enum form_kind kind;
    const struct version *version = some_version(ask, chance, &kind);
    char text[DATE_TEXT_MAX];
    date->is_there = true;
    date->seconds = seconds_of(version ? version->modified_ns : sim_wall_ns());
    date->seconds += (int64_t)sim_below(chance, 3) - 1;
    date_write(text, date->seconds);
    buffer_printf(&ask->bytes, "%s: %s\r\n", name, text);
}

static void write_conditions(struct ask *ask, struct sim_chance *chance)
{
    if (sim_one_in(chance, 5))
        write_tags(ask, "If-None-Match", &ask->none_match, chance);
    if (sim_one_in(chance, 10))
        write_tags(ask, "If-Match", &ask->match, chance);
    if (sim_one_in(chance, 8))
        write_date(ask, "If-Modified-Since", &ask->modified_since, chance);
    if (sim_one_in(chance, 12))
        write_date(ask, "If-Unmodified-Since", &ask->unmodified_since, chance);
}

/* ---- ranges ---- */

/* A position around those that matter: 0, the end, past it. */
static uint64_t position(uint64_t size, struct sim_chance *chance)
{
    switch (sim_below(chance, 6)) {
    case 0: return 0;
    case 1: return size > 0 ? size - 1 : 0;
    case 2: return size + sim_below(chance, 3);
    case 3: return sim_below(chance, 10);
    default: return sim_below(chance, size + 1);
    }
}

static void make_range(struct ask_range *range, uint64_t size, struct sim_chance *chance)
{
    uint64_t a = position(size, chance), b = position(size, chance);
    switch (sim_below(chance, 4)) {
    case 0: *range = (struct ask_range){RANGE_FROM, a, 0}; return;
    case 1:
        *range = (struct ask_range){RANGE_LAST, sim_one_in(chance, 2) ? a : sim_below(chance, 20), 0};
        return;
    default: *range = (struct ask_range){RANGE_BETWEEN, MIN(a, b), MAX(a, b)}; return;
    }
}

static void write_range(struct buffer *out, const struct ask_range *range)
{
    switch (range->kind) {
    case RANGE_BETWEEN: buffer_printf(out, "%" PRIu64 "-%" PRIu64, range->first, range->last); return;
    case RANGE_FROM: buffer_printf(out, "%" PRIu64 "-", range->first); return;
    case RANGE_LAST: buffer_printf(out, "-%" PRIu64, range->first); return;
    }
    UNREACHABLE();
}

/* Around the counts from which on other rules hold, as far as the head may be so long. */
static size_t range_count(const struct ask *ask, const struct website *website, struct sim_chance *chance)
{
    size_t room =
        website->limits->head_bytes - MIN(website->limits->head_bytes, (uint32_t)ask->bytes.length + 600);
    size_t count =
        sim_one_in(chance, 2) ? sim_between(chance, 15, 40) : sim_between(chance, 250, ASK_RANGES_MAX);
    return MAX(MIN(count, room / 20), (size_t)2);
}

static void write_ranges(struct ask *ask, const struct website *website, struct sim_chance *chance)
{
    const struct version *now = form_now(&ask->target->file->forms[FORM_PLAIN]);
    uint64_t size = now ? now->size : 10;
    bool is_many = sim_one_in(chance, 3);
    ask->range_count = !is_many                ? 1
                       : sim_one_in(chance, 4) ? range_count(ask, website, chance)
                                               : sim_between(chance, 2, 5);
    /* Parts of a whole, so that more than a few are neither too much nor overlap. */
    uint64_t part = size / ask->range_count;
    uint64_t stray_odds = ask->range_count > 16 ? 2 * ask->range_count : 4;
    buffer_append(&ask->bytes, slice_from(ASK_ONE_OF(chance, "Range: bytes=", "range: BYTES=")));
    for (size_t i = 0; i < ask->range_count; i++) {
        struct ask_range *range = &ask->ranges[i];
        make_range(range, size, chance);
        if (is_many && part > 2 && !sim_one_in(chance, stray_odds))
            *range = (struct ask_range){RANGE_BETWEEN, part * i, part * i + sim_below(chance, part)};
        buffer_append(&ask->bytes, slice_from(i ? ASK_ONE_OF(chance, ",", ", ", ",,\t") : ""));
        write_range(&ask->bytes, range);
    }
    buffer_append(&ask->bytes, SLICE("\r\n"));
}

static void write_odd_range(struct ask *ask, struct sim_chance *chance)
{
    ask->range_is_odd = sim_one_in(chance, 3);
    ask->range_is_none = !ask->range_is_odd;
    buffer_append(
        &ask->bytes,
        slice_from(ask->range_is_odd
                       ? ASK_ONE_OF(chance, "Range: bytes=0-1\r\nRange: bytes=2-3\r\n",
                                    "Range: lines=1-2\r\n", "Range: bytes\r\n")
                       : ASK_ONE_OF(chance, "Range: bytes=5-2\r\n", "Range: bytes=a-b\r\n",
                                    "Range: bytes=10\r\n", "Range: bytes=\r\n", "Range: bytes=0-1,x\r\n",
                                    "Range: bytes=0-1;2-3\r\n", "Range: bytes=-\r\n")));
}

/* A date counts as a strong validator only where it is old enough: only those are asked for. */
static void write_if_range(struct ask *ask, struct sim_chance *chance)
{
    enum form_kind kind;
    const struct version *version = some_version(ask, chance, &kind);
    char text[DATE_TEXT_MAX];
    if (sim_one_in(chance, 2)) {
        make_tag(ask, chance, ask->if_range_tag);
        buffer_printf(&ask->bytes, "If-Range: %s\r\n", ask->if_range_tag);
    } else if (version && version->modified_ns < sim_wall_ns() - INT64_C(10000000000)) {
        ask->if_range_date =
            (struct ask_date){true, seconds_of(version->modified_ns) - sim_one_in(chance, 3)};
        date_write(text, ask->if_range_date.seconds);
        buffer_printf(&ask->bytes, "If-Range: %s\r\n", text);
    }
}

/* ---- codings ---- */

static void write_weight(struct buffer *out, int weight)
{
    if (weight < 1000)
        buffer_printf(out, ";q=0.%03d", weight);
}

static void write_codings(struct ask *ask, struct sim_chance *chance)
{
    struct ask_codings *codings = &ask->codings;
    const char *names[] = {"identity", "gzip", "zstd", "BR"};
    bool is_first = true;
    codings->is_there = true;
    codings->others = ASK_UNSAID;
    buffer_append(&ask->bytes, SLICE("Accept-Encoding: "));
    for (unsigned kind = 0; kind < FORM_COUNT; kind++) {
        codings->weights[kind] = ASK_UNSAID;
        if (!sim_one_in(chance, kind == FORM_PLAIN ? 5 : 2))
            continue;
        codings->weights[kind] = sim_one_in(chance, 2) ? 1000 : (int)sim_below(chance, 3) * 500;
        buffer_printf(&ask->bytes, "%s%s", is_first ? "" : ", ", names[kind]);
        write_weight(&ask->bytes, codings->weights[kind]);
        is_first = false;
    }
    if (sim_one_in(chance, 5)) {
        codings->others = (int)sim_below(chance, 3) * 500;
        buffer_append(&ask->bytes, is_first ? SLICE("*") : SLICE(", *"));
        write_weight(&ask->bytes, codings->others);
    }
    buffer_append(&ask->bytes, SLICE("\r\n"));
}

static void write_accept(struct ask *ask, struct sim_chance *chance)
{
    ask->wants_json = sim_one_in(chance, ask->target->kind == TARGET_LISTING ? 3 : 6);
    if (ask->wants_json)
        buffer_append(&ask->bytes,
                      slice_from(ASK_ONE_OF(chance, "Accept: application/json\r\n",
                                            "Accept: image/png\r\nAccept: application/json\r\n")));
}

static void write_origin(struct ask *ask, struct sim_chance *chance)
{
    ask->origin = ASK_ONE_OF(chance, WEBSITE_ORIGIN, "https://a.b.wild.example:8443",
                             "https://wild.example:8443", "https://evil.example", "null");
    buffer_printf(&ask->bytes, "Origin: %s\r\n", ask->origin);
    ask->asks_what_it_may = strcmp(ask->method, "OPTIONS") == 0 && sim_one_in(chance, 2);
    if (!ask->asks_what_it_may)
        return;
    buffer_printf(&ask->bytes, "Access-Control-Request-Method: %s\r\n", ASK_ONE_OF(chance, "GET", "PUT"));
    ask->asks_headers = ASK_ONE_OF(chance, "", "if-none-match", "content-type, x-requested-with");
    if (ask->asks_headers[0])
        buffer_printf(&ask->bytes, "Access-Control-Request-Headers: %s\r\n", ask->asks_headers);
}

void ask_write_file_fields(struct ask *ask, const struct website *website, struct sim_chance *chance)
{
    write_accept(ask, chance);
    if (sim_one_in(chance, 4))
        write_origin(ask, chance);
    if (!is_about_file(ask))
        return;
    if (sim_one_in(chance, ask->target->file->is_negotiated ? 2 : 6))
        write_codings(ask, chance);
    if (sim_one_in(chance, 3))
        write_conditions(ask, chance);
    ask->has_range = sim_one_in(chance, 4);
    if (ask->has_range && sim_one_in(chance, 8))
        write_odd_range(ask, chance);
    else if (ask->has_range)
        write_ranges(ask, website, chance);
    if (ask->has_range && sim_one_in(chance, 4))
        write_if_range(ask, chance);
}
