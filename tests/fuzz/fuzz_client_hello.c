/* Any bytes as what a client sends first. However they are cut, the scan must say the same; what it finds
 * whole must be read without leaving the input. The first byte chooses the cuts. */
#include "fuzz.h"

#include "tls/client_hello.h"

#include <stdlib.h>

#define BOUND CLIENT_HELLO_BYTES_MIN

/* The scan sees allocations of exactly the size that it is told of. */
static enum client_hello_result scan_pieces(struct slice input, size_t step, struct client_hello_fault *fault)
{
    struct client_hello_scan scan = {0};
    enum client_hello_result result = CLIENT_HELLO_MORE;
    for (size_t length = 0; result == CLIENT_HELLO_MORE && length < input.length;) {
        length = MIN(length + step, input.length);
        char *copy = malloc(length);
        memcpy(copy, input.data, length);
        result = client_hello_scan(&scan, slice_make(copy, length), BOUND, fault);
        free(copy);
    }
    return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct slice input = slice_make((const char *)data + 1, size - 1);
    struct client_hello_fault fault = {.alert = TLS_ALERT_NONE}, other = fault;
    enum client_hello_result result = scan_pieces(input, input.length + 1, &fault);
    assert(scan_pieces(input, 1u + data[0] % 32, &other) == result);
    assert(fault.alert == other.alert && fault.text == other.text);
    struct client_hello hello;
    if (result == CLIENT_HELLO_DONE && client_hello_parse(input, &hello, &fault))
        assert(client_hello_name(&hello).length <= CLIENT_HELLO_NAME_BYTES_MAX && hello.version <= 0xffff);
    return 0;
}
