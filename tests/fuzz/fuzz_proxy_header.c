/* Any bytes as the header of the PROXY protocol: the result must not depend on how they were cut. */
#include "fuzz.h"

#include "front/proxy_header.h"

#include <stdlib.h>

/* In memory that ends with them. */
static enum proxy_header_result read_exactly(struct slice input, size_t length, struct proxy_header *header)
{
    char *copy = malloc(MAX(length, (size_t)1));
    if (length > 0)
        memcpy(copy, input.data, length);
    enum proxy_header_result result = proxy_header_read(slice_make(copy, length), header);
    free(copy);
    return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = slice_make((const char *)data, size);
    struct proxy_header whole, part;
    enum proxy_header_result result = read_exactly(input, size, &whole);
    assert(result != PROXY_HEADER_MORE || size < PROXY_HEADER_BYTES_MAX);
    assert(result != PROXY_HEADER_DONE ||
           (whole.length > 0 && whole.length <= MIN(size, (size_t)PROXY_HEADER_BYTES_MAX)));
    assert(result != PROXY_HEADER_BAD || whole.fault != NULL);
    for (size_t length = 0; length < size; length++) {
        enum proxy_header_result before = read_exactly(input, length, &part);
        if (before == PROXY_HEADER_MORE)
            continue;
        assert(before == result);
        assert(before == PROXY_HEADER_BAD || part.length == whole.length);
        assert(before == PROXY_HEADER_BAD || memcmp(&part.client, &whole.client, sizeof(part.client)) == 0);
        break;
    }
    return 0;
}
