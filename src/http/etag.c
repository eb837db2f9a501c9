/* Parsing, comparing and making entity tags. An opaque tag has no escapes: a backslash is an ordinary
 * character, and any quote ends the tag. */
#include "http/etag.h"

static bool is_weak(struct slice etag)
{
    return slice_starts_with(etag, SLICE("W/")); /* case-sensitive */
}

static struct slice opaque_tag(struct slice etag)
{
    return is_weak(etag) ? slice_skip(etag, 2) : etag;
}

/* etagc of RFC 9110 section 8.8.3: all visible characters except the quote, and obs-text. */
static bool is_etag_byte(char byte)
{
    unsigned char value = (unsigned char)byte;
    return value > ' ' && value != '"' && value != 0x7f;
}

/* The length of the tag at the front, 0 if there is none. */
static size_t etag_length(struct slice slice)
{
    size_t length = is_weak(slice) ? 2 : 0;
    if (length == slice.length || slice.data[length] != '"')
        return 0;
    do {
        length++;
    } while (length < slice.length && is_etag_byte(slice.data[length]));
    return length < slice.length && slice.data[length] == '"' ? length + 1 : 0;
}

bool http_etag_is_valid(struct slice slice)
{
    return slice.length > 0 && etag_length(slice) == slice.length;
}

bool http_etag_equal(struct slice a, struct slice b, enum http_etag_comparison comparison)
{
    if (comparison == HTTP_ETAG_STRONG && (is_weak(a) || is_weak(b)))
        return false;
    return slice_equal(opaque_tag(a), opaque_tag(b));
}

/* Skips leading blanks and commas. */
static struct slice skip_separators(struct slice rest)
{
    while (rest.length > 0 && (rest.data[0] == ' ' || rest.data[0] == '\t' || rest.data[0] == ','))
        rest = slice_skip(rest, 1);
    return rest;
}

/* Whether a list element may end before `rest`. */
static bool is_element_end(struct slice rest)
{
    rest = slice_trim(rest);
    return rest.length == 0 || rest.data[0] == ',';
}

bool http_etag_list_has(struct slice list, struct slice etag, enum http_etag_comparison comparison)
{
    for (struct slice rest = skip_separators(list); rest.length > 0; rest = skip_separators(rest)) {
        size_t length = etag_length(rest);
        struct slice element = slice_take(rest, length);
        rest = slice_skip(rest, length);
        if (length == 0 || !is_element_end(rest))
            return false;
        if (http_etag_equal(element, etag, comparison))
            return true;
    }
    return false;
}

/* Writes all 16 digits, so that different digests differ in text. */
static char *put_hex(char *out, uint64_t value)
{
    for (int shift = 60; shift >= 0; shift -= 4)
        *out++ = "0123456789abcdef"[value >> shift & 15];
    return out;
}

size_t http_etag_format(char *out, const struct http_etag_source *source)
{
    assert(source->coding.length <= HTTP_ETAG_CODING_MAX);
    char *end = out;
    if (source->is_weak) {
        *end++ = 'W';
        *end++ = '/';
    }
    *end++ = '"';
    end = put_hex(end, source->digest.first);
    end = put_hex(end, source->digest.second);
    if (source->coding.length > 0) {
        *end++ = '-';
        memcpy(end, source->coding.data, source->coding.length);
        end += source->coding.length;
    }
    *end++ = '"';
    assert(end - out <= HTTP_ETAG_MAX);
    return (size_t)(end - out);
}

static_assert(2 + 2 + 32 + 1 + HTTP_ETAG_CODING_MAX <= HTTP_ETAG_MAX, "every tag fits");
