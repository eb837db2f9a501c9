/* A slice: bytes with a length, borrowed from somebody else.
 *
 * Bytes from the network or from a file are not NUL-terminated in vif; they are slices. A slice owns
 * nothing: whoever returns one documents how long it lives. The data pointer of an empty slice may be
 * NULL. */
#ifndef BASE_SLICE_H
#define BASE_SLICE_H

#include "base/compiler.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct slice {
    const char *data;
    size_t length;
};

/* A slice over a string literal, usable in static initialisers. */
#define SLICE(literal) ((struct slice){.data = "" literal, .length = sizeof(literal) - 1})

/* Arguments for printf's "%.*s". */
#define SLICE_ARGS(slice) (int)(slice).length, (slice).data

static inline struct slice slice_make(const char *data, size_t length)
{
    return (struct slice){.data = data, .length = length};
}

/* The bytes of a NUL-terminated string, without its NUL; NULL gives the empty slice. */
static inline struct slice slice_from(const char *string)
{
    return slice_make(string, string ? strlen(string) : 0);
}

/* From `start` (at most the length) to the end. An empty slice may have no address, to which nothing can be
 * added, not even 0 (C17 6.5.6). */
static inline struct slice slice_skip(struct slice slice, size_t start)
{
    assert(start <= slice.length);
    return slice_make(start > 0 ? slice.data + start : slice.data, slice.length - start);
}

/* The first `length` bytes (at most the slice's length). */
static inline struct slice slice_take(struct slice slice, size_t length)
{
    assert(length <= slice.length);
    return slice_make(slice.data, length);
}

static inline bool slice_equal(struct slice a, struct slice b)
{
    return a.length == b.length && (a.length == 0 || memcmp(a.data, b.data, a.length) == 0);
}

static inline bool slice_starts_with(struct slice slice, struct slice prefix)
{
    return slice.length >= prefix.length && slice_equal(slice_take(slice, prefix.length), prefix);
}

static inline bool slice_ends_with(struct slice slice, struct slice suffix)
{
    return slice.length >= suffix.length &&
           slice_equal(slice_skip(slice, slice.length - suffix.length), suffix);
}

/* ASCII lower case, whatever the locale. */
static inline char ascii_lower(char byte)
{
    return byte >= 'A' && byte <= 'Z' ? (char)(byte | 0x20) : byte;
}

/* Equality that ignores the case of ASCII letters, as RFC 9110 compares header names and most tokens. */
bool slice_equal_nocase(struct slice a, struct slice b);

/* The index of the first `byte`; the length if there is none. */
static inline size_t slice_find(struct slice slice, char byte)
{
    const char *found = slice.length ? memchr(slice.data, byte, slice.length) : NULL;
    return found ? (size_t)(found - slice.data) : slice.length;
}

/* The number of occurrences of `byte`. */
static inline size_t slice_count(struct slice slice, char byte)
{
    size_t count = 0;
    for (size_t i = 0; i < slice.length; i++)
        count += slice.data[i] == byte;
    return count;
}

/* Without leading and trailing SP and HTAB (OWS of RFC 9110 section 5.6.3). */
struct slice slice_trim(struct slice slice);

/* Takes the next element of a list separated by `separator` from the front of `rest` and stores it,
 * trimmed, in `ret_element`. Returns false and leaves `ret_element` alone if nothing is left. Empty
 * elements are returned as empty slices: the caller decides whether its grammar allows them. Quoted
 * strings are not recognised. */
bool slice_next(struct slice *rest, char separator, struct slice *ret_element);

/* Reads an unsigned decimal that fills the whole slice: digits only, at least one, no overflow past
 * UINT64_MAX. Returns false and leaves `ret_value` alone for anything else. */
bool slice_to_u64(struct slice slice, uint64_t *ret_value);

#endif
