/* The Range header: each range-spec is parsed, cut to the size and collected; then overlapping and
 * adjacent ranges are merged. A few ranges are all compared with each other; many must be ascending, and
 * are compared only with their neighbours. */
#include "http/range.h"

enum spec {
    SPEC_BAD,
    SPEC_SATISFIABLE,
    SPEC_UNSATISFIABLE,
};

/* A number with any number of digits; one that is too large counts as the largest. */
static bool read_position(struct slice digits, uint64_t *ret_value)
{
    if (digits.length == 0)
        return false;
    for (size_t i = 0; i < digits.length; i++) {
        if (digits.data[i] < '0' || digits.data[i] > '9')
            return false;
    }
    if (!slice_to_u64(digits, ret_value))
        *ret_value = UINT64_MAX;
    return true;
}

/* "-N": the last N bytes. */
static enum spec read_suffix(struct slice digits, uint64_t size, struct http_range *ret_range)
{
    uint64_t length;
    if (!read_position(digits, &length))
        return SPEC_BAD;
    if (length == 0)
        return SPEC_UNSATISFIABLE;
    if (size == 0)
        return SPEC_UNSATISFIABLE;
    *ret_range = (struct http_range){.first = size - MIN(length, size), .last = size - 1};
    return SPEC_SATISFIABLE;
}

static enum spec read_spec(struct slice text, uint64_t size, struct http_range *ret_range)
{
    uint64_t first, last = UINT64_MAX;
    size_t dash = slice_find(text, '-');
    if (dash == text.length)
        return SPEC_BAD;
    struct slice behind = slice_skip(text, dash + 1);
    if (dash == 0)
        return read_suffix(behind, size, ret_range);
    if (!read_position(slice_take(text, dash), &first) ||
        (behind.length > 0 && !read_position(behind, &last)) || last < first)
        return SPEC_BAD;
    if (first >= size)
        return SPEC_UNSATISFIABLE;
    *ret_range = (struct http_range){.first = first, .last = MIN(last, size - 1)};
    return SPEC_SATISFIABLE;
}

static bool overlap(struct http_range a, struct http_range b)
{
    return a.first <= b.last && b.first <= a.last;
}

/* Whether the ranges overlap or are adjacent. Positions are always less than UINT64_MAX, so nothing
 * overflows. */
static bool touch(struct http_range a, struct http_range b)
{
    assert(a.last < UINT64_MAX && b.last < UINT64_MAX);
    return a.first <= b.last + 1 && b.first <= a.last + 1;
}

/* Whether the ranges ask for more bytes than there are, or more than two of them overlap. */
static bool is_abusive(const struct http_range *ranges, size_t count, uint64_t size)
{
    uint64_t left = size;
    unsigned overlaps = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t length = http_range_length(ranges[i]);
        if (length > left)
            return true;
        left -= length;
        for (size_t j = 0; j < i; j++)
            overlaps += overlap(ranges[i], ranges[j]);
    }
    return overlaps > 1;
}

/* Merges overlapping and adjacent ranges into the first of them; returns how many remain. The union of two
 * ranges touches a third one only if one of them does, so the ranges before `i` are final. */
static size_t coalesce(struct http_range *ranges, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t j = i + 1; j < count;) {
            if (!touch(ranges[i], ranges[j])) {
                j++;
                continue;
            }
            ranges[i].first = MIN(ranges[i].first, ranges[j].first);
            ranges[i].last = MAX(ranges[i].last, ranges[j].last);
            memmove(&ranges[j], &ranges[j + 1], (--count - j) * sizeof(*ranges));
            j = i + 1; /* it has grown: check again */
        }
    }
    return count;
}

static bool is_ascending(const struct http_range *ranges, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        if (ranges[i].first <= ranges[i - 1].last)
            return false;
    }
    return true;
}

/* Like coalesce, for ascending ranges. */
static size_t join_neighbours(struct http_range *ranges, size_t count)
{
    assert(count > 0);
    size_t kept = 1;
    for (size_t i = 1; i < count; i++) {
        if (touch(ranges[kept - 1], ranges[i]))
            ranges[kept - 1].last = ranges[i].last;
        else
            ranges[kept++] = ranges[i];
    }
    return kept;
}

/* Parses all specs; false if the set is malformed. Counts all, and stores the satisfiable ones; beyond the
 * capacity it only counts. */
static bool read_specs(struct slice set, uint64_t size, struct http_range *ranges, size_t room,
                       size_t *ret_specs, size_t *ret_used)
{
    size_t specs = 0, used = 0;
    struct slice text;
    while (slice_next(&set, ',', &text)) {
        struct http_range range;
        if (text.length == 0)
            continue;
        enum spec spec = read_spec(text, size, &range);
        if (spec == SPEC_BAD)
            return false;
        if (spec == SPEC_SATISFIABLE && specs < room)
            ranges[used++] = range;
        specs++;
    }
    *ret_specs = specs;
    *ret_used = used;
    return specs > 0;
}

enum http_range_result http_range_parse(struct slice value, uint64_t size, struct http_range *ranges,
                                        size_t *count)
{
    size_t specs, used;
    size_t equals = slice_find(value, '=');
    if (equals == value.length || !slice_equal_nocase(slice_take(value, equals), SLICE("bytes")))
        return HTTP_RANGE_IGNORE;
    if (!read_specs(slice_skip(value, equals + 1), size, ranges, *count, &specs, &used))
        return HTTP_RANGE_UNSATISFIABLE;
    if (size == 0 || specs > *count)
        return HTTP_RANGE_IGNORE;
    if (used == 0)
        return HTTP_RANGE_UNSATISFIABLE;
    bool is_ordered = used > HTTP_RANGES_UNORDERED_MAX;
    if (is_ordered ? !is_ascending(ranges, used) : is_abusive(ranges, used, size))
        return HTTP_RANGE_IGNORE;
    *count = is_ordered ? join_neighbours(ranges, used) : coalesce(ranges, used);
    assert(*count > 0 && *count <= used);
    return HTTP_RANGE_SATISFIABLE;
}
