/* Byte ranges: RFC 9110 section 14. */
#ifndef HTTP_RANGE_H
#define HTTP_RANGE_H

#include "base/slice.h"

/* A reasonable limit for the number of ranges. Media players ask for one, document viewers for a few,
 * programs that fetch the changed parts of a file (zsync, zchunk) for up to 256. */
#define HTTP_RANGES_MAX 256

/* Up to this number, ranges may be in any order, overlap a little and be adjacent. More ranges must be
 * ascending: legitimate clients send them so, and it is checked in one pass. */
#define HTTP_RANGES_UNORDERED_MAX 16

/* Bytes `first` to `last`, both included, as in Content-Range. */
struct http_range {
    uint64_t first, last;
};

static inline uint64_t http_range_length(struct http_range range)
{
    return range.last - range.first + 1;
}

enum http_range_result {
    HTTP_RANGE_IGNORE, /* respond with the whole: unknown unit, excessive, or the representation is empty */
    HTTP_RANGE_SATISFIABLE,   /* 206 */
    HTTP_RANGE_UNSATISFIABLE, /* 416: no range is within the size, or "bytes=" without any range */
};

/* Parses a Range header's value for a representation of `size` bytes. `*count` is the capacity of `ranges`
 * on input and, if the result is HTTP_RANGE_SATISFIABLE, the number of ranges on output; otherwise it is
 * left alone (`ranges` is scratch).
 *
 * The resulting ranges lie within the size, are not adjacent, and are in the requested order (section
 * 15.3.7.2); ranges that overlap or are adjacent are merged, at the position of the first. To defend
 * against requests made to be expensive (sections 14.2, 17.15), a value is ignored if it has more ranges
 * than the capacity, asks for more bytes than there are, has more than two overlapping ranges, or more
 * than HTTP_RANGES_UNORDERED_MAX that are not ascending. All ranges of an empty representation are
 * ignored, too: no Content-Range can describe them, and clients that resume or slice can continue with the
 * whole. */
enum http_range_result http_range_parse(struct slice value, uint64_t size, struct http_range *ranges,
                                        size_t *count);

#endif
