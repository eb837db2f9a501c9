/* The slice functions that are too long for the header. Pure functions over borrowed bytes. */
#include "base/slice.h"

#include "base/word.h"

/* Whether two byte strings are identical, which most strings are that are equal ignoring case. Always
 * false for fewer than eight bytes. */
static bool are_same_bytes(const char *a, const char *b, size_t length)
{
    uint64_t difference = 0;
    if (length < sizeof(difference))
        return false;
    for (size_t at = 0; at + sizeof(difference) < length; at += sizeof(difference))
        difference |= word_load(a + at) ^ word_load(b + at);
    size_t last = length - sizeof(difference);
    return (difference | (word_load(a + last) ^ word_load(b + last))) == 0;
}

bool slice_equal_nocase(struct slice a, struct slice b)
{
    if (a.length != b.length)
        return false;
    if (are_same_bytes(a.data, b.data, a.length))
        return true;
    for (size_t i = 0; i < a.length; i++) {
        if (a.data[i] != b.data[i] && ascii_lower(a.data[i]) != ascii_lower(b.data[i]))
            return false;
    }
    return true;
}

static bool slice_is_blank(char byte)
{
    return byte == ' ' || byte == '\t';
}

struct slice slice_trim(struct slice slice)
{
    while (slice.length > 0 && slice_is_blank(slice.data[0]))
        slice = slice_skip(slice, 1);
    while (slice.length > 0 && slice_is_blank(slice.data[slice.length - 1]))
        slice.length--;
    return slice;
}

bool slice_next(struct slice *rest, char separator, struct slice *ret_element)
{
    if (rest->data == NULL)
        return false;
    size_t end = slice_find(*rest, separator);
    *ret_element = slice_trim(slice_take(*rest, end));
    /* A null pointer marks the end of the list: an empty rest after a separator is one more (empty)
     * element. */
    *rest = end < rest->length ? slice_skip(*rest, end + 1) : (struct slice){0};
    return true;
}

/* A number with this many digits never exceeds UINT64_MAX. */
#define DIGITS_WITHOUT_OVERFLOW 19

bool slice_to_u64(struct slice slice, uint64_t *ret_value)
{
    uint64_t value = 0;
    size_t i = 0;
    if (slice.length == 0)
        return false;
    for (; i < MIN(slice.length, (size_t)DIGITS_WITHOUT_OVERFLOW); i++) {
        unsigned digit = (unsigned char)slice.data[i] - (unsigned)'0';
        if (digit > 9)
            return false;
        value = value * 10 + digit;
    }
    for (; i < slice.length; i++) {
        unsigned digit = (unsigned char)slice.data[i] - (unsigned)'0';
        if (digit > 9 || __builtin_mul_overflow(value, (uint64_t)10, &value) ||
            __builtin_add_overflow(value, (uint64_t)digit, &value))
            return false;
    }
    *ret_value = value;
    return true;
}
