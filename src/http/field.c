/* Header names and the byte classes of RFC 9110 section 5. */
#include "http/field.h"

#include "base/word.h"

static const struct slice field_names[HTTP_FIELD_NAME_COUNT] = {[HTTP_FIELD_OTHER] = {0},
#define X(member, name) [HTTP_FIELD_##member] = {.data = name, .length = sizeof(name) - 1},
                                                                HTTP_FIELD_TABLE(X)
#undef X
};

/* Known names are chained by a cheap hash of length, first and last letter. It is chosen so that chains
 * have one or two members, without a generated table that has to be kept up to date. */
#define BUCKET_COUNT 64

static unsigned http_field_bucket_of(struct slice name)
{
    assert(name.length > 0);
    unsigned first = (unsigned char)name.data[0] | 0x20u;
    unsigned last = (unsigned char)name.data[name.length - 1] | 0x20u;
    return (unsigned)(name.length * 5 + first * 3 + last) % BUCKET_COUNT;
}

static unsigned char bucket_first[BUCKET_COUNT];
static unsigned char bucket_next[HTTP_FIELD_NAME_COUNT];

__attribute__((constructor)) static void chain_names(void)
{
    for (unsigned i = 1; i < HTTP_FIELD_NAME_COUNT; i++) {
        unsigned bucket = http_field_bucket_of(field_names[i]);
        bucket_next[i] = bucket_first[bucket];
        bucket_first[bucket] = (unsigned char)i;
    }
}

enum http_field_name http_field_lookup(struct slice name)
{
    if (name.length == 0)
        return HTTP_FIELD_OTHER;
    for (unsigned i = bucket_first[http_field_bucket_of(name)]; i != 0; i = bucket_next[i]) {
        if (slice_equal_nocase(name, field_names[i]))
            return (enum http_field_name)i;
    }
    return HTTP_FIELD_OTHER;
}

struct slice http_field_text(enum http_field_name name)
{
    assert(name < HTTP_FIELD_NAME_COUNT);
    return field_names[name];
}

const unsigned char http_byte_classes[256] = {
    ['\t'] = HTTP_BYTE_VALUE,
    [' '] = HTTP_BYTE_VALUE,
    ['"'] = HTTP_BYTE_VALUE,
    ['('] = HTTP_BYTE_VALUE,
    [')'] = HTTP_BYTE_VALUE,
    [','] = HTTP_BYTE_VALUE,
    ['/'] = HTTP_BYTE_VALUE,
    [':' ... '@'] = HTTP_BYTE_VALUE,
    ['[' ... ']'] = HTTP_BYTE_VALUE,
    ['{'] = HTTP_BYTE_VALUE,
    ['}'] = HTTP_BYTE_VALUE,
    ['!'] = HTTP_BYTE_TOKEN | HTTP_BYTE_VALUE,
    ['#' ... '\''] = HTTP_BYTE_TOKEN | HTTP_BYTE_VALUE,
    ['*'] = HTTP_BYTE_TOKEN | HTTP_BYTE_VALUE,
    ['+'] = HTTP_BYTE_TOKEN | HTTP_BYTE_VALUE,
    ['-'] = HTTP_BYTE_TOKEN | HTTP_BYTE_VALUE,
    ['.'] = HTTP_BYTE_TOKEN | HTTP_BYTE_VALUE,
    ['0' ... '9'] = HTTP_BYTE_TOKEN | HTTP_BYTE_VALUE,
    ['A' ... 'Z'] = HTTP_BYTE_TOKEN | HTTP_BYTE_VALUE,
    ['^' ... 'z'] = HTTP_BYTE_TOKEN | HTTP_BYTE_VALUE,
    ['|'] = HTTP_BYTE_TOKEN | HTTP_BYTE_VALUE,
    ['~'] = HTTP_BYTE_TOKEN | HTTP_BYTE_VALUE,
    [0x80 ... 0xff] = HTTP_BYTE_VALUE,
};

/* A fast test of eight bytes at a time for visible ASCII and spaces, which is all that most values
 * contain. Other values are checked byte by byte. */
static bool http_field_is_plain(struct slice slice)
{
    uint64_t odd = 0;
    size_t at = 0;
    if (slice.length < sizeof(odd))
        return false;
    for (; at + sizeof(odd) < slice.length; at += sizeof(odd))
        odd |= word_has_less(word_load(slice.data + at), ' ') | word_has(word_load(slice.data + at), 0x7f);
    uint64_t last = word_load(slice.data + slice.length - sizeof(odd));
    odd |= word_has_less(last, ' ') | word_has(last, 0x7f);
    return odd == 0;
}

bool http_is_field_value(struct slice slice)
{
    if (LIKELY(http_field_is_plain(slice)))
        return true;
    for (size_t i = 0; i < slice.length; i++) {
        if (!http_is_field_value_byte((unsigned char)slice.data[i]))
            return false;
    }
    return true;
}
