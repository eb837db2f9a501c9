/* The first byte chooses the size, the rest is a Range value. Whatever is granted lies inside the size, is
 * disjoint, and is no more than there is; less room can refuse a value but not change the answer. */
#include "fuzz.h"

#include "http/range.h"

#define ROOM_SMALL 3

static void check_ranges(const struct http_range *ranges, size_t count, uint64_t size)
{
    uint64_t left = size;
    for (size_t i = 0; i < count; i++) {
        assert(ranges[i].first <= ranges[i].last && ranges[i].last < size);
        assert(http_range_length(ranges[i]) <= left);
        left -= http_range_length(ranges[i]);
        for (size_t j = 0; j < i; j++)
            assert(ranges[i].first > ranges[j].last + 1 || ranges[j].first > ranges[i].last + 1);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint64_t sizes[] = {0, 1, 10, 10000, UINT64_C(1) << 40, UINT64_MAX};
    if (size == 0)
        return 0;
    struct slice value = slice_make((const char *)data + 1, size - 1);
    uint64_t bytes = sizes[data[0] % ARRAY_LENGTH(sizes)];
    struct http_range ranges[HTTP_RANGES_MAX], few[ROOM_SMALL];
    size_t count = HTTP_RANGES_MAX, few_count = ROOM_SMALL;
    enum http_range_result result = http_range_parse(value, bytes, ranges, &count);
    enum http_range_result few_result = http_range_parse(value, bytes, few, &few_count);
    assert(few_result == result || few_result == HTTP_RANGE_IGNORE);
    if (result == HTTP_RANGE_SATISFIABLE) {
        assert(count > 0 && count <= HTTP_RANGES_MAX);
        check_ranges(ranges, count, bytes);
    }
    if (few_result == HTTP_RANGE_SATISFIABLE)
        assert(few_count == count && memcmp(few, ranges, count * sizeof(*ranges)) == 0);
    return 0;
}
