/* Both versions begin with bytes that no other protocol has. Read proxy_header_read first. */
#include "front/proxy_header.h"

#include <netinet/in.h>

/* ---- version 1: a line of text ---- */

#define V1_BYTES_MAX 107 /* with CR and LF */

static const struct slice v1_begin = {.data = "PROXY ", .length = 6};

static enum proxy_header_result proxy_header_fail(struct proxy_header *header, const char *fault)
{
    header->fault = fault;
    return PROXY_HEADER_BAD;
}

/* The next word and the single space behind it. Returns false if there is none. */
static bool next_word(struct slice *rest, struct slice *ret_word)
{
    size_t end = slice_find(*rest, ' ');
    *ret_word = slice_take(*rest, end);
    *rest = slice_skip(*rest, MIN(end + 1, rest->length));
    return end > 0;
}

static bool proxy_header_is_port(struct slice word)
{
    uint64_t port;
    bool has_zero = word.length > 1 && word.data[0] == '0';
    return slice_to_u64(word, &port) && port <= UINT16_MAX && !has_zero;
}

/* Two addresses, two ports, and nothing more. */
static enum proxy_header_result read_v1_addresses(struct slice rest, bool is_v6, struct proxy_header *header)
{
    struct slice words[4];
    struct network_address server;
    for (size_t i = 0; i < ARRAY_LENGTH(words); i++) {
        if (!next_word(&rest, &words[i]))
            return proxy_header_fail(header, "an address or port is missing");
    }
    for (size_t i = 0; i < 2; i++) {
        bool has_colon = slice_find(words[i], ':') < words[i].length;
        if (has_colon != is_v6 || !network_read_address(words[i], i == 0 ? &header->client : &server))
            return proxy_header_fail(header, "an address is malformed");
    }
    if (!proxy_header_is_port(words[2]) || !proxy_header_is_port(words[3]))
        return proxy_header_fail(header, "a port is malformed");
    /* `rest` is empty behind the last word, and behind a space that ends the line. */
    bool ends = words[3].data + words[3].length == rest.data + rest.length;
    return ends ? PROXY_HEADER_DONE : proxy_header_fail(header, "something follows the ports");
}

static enum proxy_header_result read_v1_line(struct slice line, struct proxy_header *header)
{
    struct slice family, rest = slice_skip(line, v1_begin.length);
    if (slice_find(line, '\r') < line.length || !next_word(&rest, &family))
        return proxy_header_fail(header, "the line is malformed");
    if (slice_equal(family, SLICE("UNKNOWN")))
        return PROXY_HEADER_DONE;
    bool is_v6 = slice_equal(family, SLICE("TCP6"));
    if (!is_v6 && !slice_equal(family, SLICE("TCP4")))
        return proxy_header_fail(header, "the family is none of TCP4, TCP6 and UNKNOWN");
    return read_v1_addresses(rest, is_v6, header);
}

static enum proxy_header_result read_v1(struct slice input, struct proxy_header *header)
{
    struct slice scope = slice_take(input, MIN(input.length, (size_t)V1_BYTES_MAX));
    size_t end = slice_find(scope, '\n');
    if (end == scope.length)
        return scope.length < V1_BYTES_MAX ? PROXY_HEADER_MORE
                                           : proxy_header_fail(header, "the line is too long");
    if (input.data[end - 1] != '\r')
        return proxy_header_fail(header, "the line ends without CR");
    header->length = end + 1;
    return read_v1_line(slice_take(input, end - 1), header);
}

/* ---- version 2: binary ---- */

#define V2_HEAD_BYTES 16 /* signature, command, family, length */

static const struct slice v2_begin = {.data = "\r\n\r\n\0\r\nQUIT\n", .length = 12};

enum { V2_LOCAL = 0x20, V2_PROXY = 0x21 };

/* Address family and transport; `bytes` of both addresses and ports. */
static const struct v2_kind {
    uint8_t code;
    uint8_t family; /* AF_UNSPEC: no address is given */
    uint8_t bytes;
} v2_kinds[] = {
    {0x00, AF_UNSPEC, 0},
    {0x11, AF_INET, 12},
    {0x21, AF_INET6, 36},
    {0x31, AF_UNIX, 216},
};

static const struct v2_kind *v2_find_kind(uint8_t code)
{
    for (size_t i = 0; i < ARRAY_LENGTH(v2_kinds); i++) {
        if (v2_kinds[i].code == code)
            return &v2_kinds[i];
    }
    return NULL;
}

static size_t read_u16(const char *bytes)
{
    return (size_t)(uint8_t)bytes[0] << 8 | (uint8_t)bytes[1];
}

/* A kind, a length, and so many bytes, again and again. */
static bool has_whole_extensions(struct slice rest)
{
    while (rest.length >= 3) {
        size_t length = read_u16(rest.data + 1);
        if (length > rest.length - 3)
            return false;
        rest = slice_skip(rest, 3 + length);
    }
    return rest.length == 0;
}

static enum proxy_header_result read_v2_addresses(struct slice rest, uint8_t code,
                                                  struct proxy_header *header)
{
    const struct v2_kind *kind = v2_find_kind(code);
    if (kind == NULL)
        return proxy_header_fail(header, "the family or transport is not supported");
    if (rest.length < kind->bytes)
        return proxy_header_fail(header, "it is too short for its addresses");
    if (!has_whole_extensions(slice_skip(rest, kind->bytes)))
        return proxy_header_fail(header, "an extension is cut off");
    header->client.family = kind->family;
    if (kind->family == AF_INET)
        memcpy(header->client.bytes, rest.data, 4);
    else if (kind->family == AF_INET6)
        memcpy(header->client.bytes, rest.data, 16);
    return PROXY_HEADER_DONE;
}

static enum proxy_header_result read_v2(struct slice input, struct proxy_header *header)
{
    if (input.length < V2_HEAD_BYTES)
        return PROXY_HEADER_MORE;
    uint8_t command = (uint8_t)input.data[12], code = (uint8_t)input.data[13];
    size_t length = read_u16(input.data + 14);
    if (command != V2_LOCAL && command != V2_PROXY)
        return proxy_header_fail(header, "the version or command is not supported");
    if (length > PROXY_HEADER_BYTES_MAX - V2_HEAD_BYTES)
        return proxy_header_fail(header, "it is too long");
    header->length = V2_HEAD_BYTES + length;
    if (input.length < header->length)
        return PROXY_HEADER_MORE;
    if (command == V2_LOCAL)
        return PROXY_HEADER_DONE; /* what it carries has no meaning */
    return read_v2_addresses(slice_make(input.data + V2_HEAD_BYTES, length), code, header);
}

/* Whether the input is the beginning, or begins with it. */
static bool agrees_with(struct slice input, struct slice begin)
{
    size_t length = MIN(input.length, begin.length);
    return slice_equal(slice_take(input, length), slice_take(begin, length));
}

enum proxy_header_result proxy_header_read(struct slice input, struct proxy_header *ret_header)
{
    *ret_header = (struct proxy_header){0};
    if (agrees_with(input, v1_begin))
        return read_v1(input, ret_header);
    if (agrees_with(input, v2_begin))
        return read_v2(input, ret_header);
    return proxy_header_fail(ret_header, "the connection does not begin with one");
}
