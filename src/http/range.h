/* Byte ranges: RFC 9110 section 14. */
#ifndef HTTP_RANGE_H
#define HTTP_RANGE_H

#include "base/slice.h"

/* A good bound for the count of ranges. Players ask for one, readers of documents for a few, programs that
 * fetch what has changed in a file (zsync, zchunk) for up to 256. */
#define HTTP_RANGES_MAX 256

/* So many may stand in any order, overlap a little and touch. More must ascend: only that is how a program
 * asks that means it, and it is judged in one pass. */
#define HTTP_RANGES_UNORDERED_MAX 16

/* Bytes first to last, both included, as Content-Range counts them. */
struct http_range {
    uint64_t first, last;
};

static inline uint64_t http_range_length(struct http_range range)
{
    return range.last - range.first + 1;
}

enum http_range_result {
    HTTP_RANGE_IGNORE,      /* answer with the whole: another unit, too much, or nothing to have a part of */
    HTTP_RANGE_SATISFIABLE, /* 206 */
    HTTP_RANGE_UNSATISFIABLE, /* 416: nothing of it is there, or it says "bytes=" and then no ranges */
};

/* Reads a Range field's value for a representation of `size` bytes. `*count` is the room in `ranges` on the
 * way in and, where the result is HTTP_RANGE_SATISFIABLE, the count of ranges on the way out; otherwise it is
 * left alone (`ranges` is scratch).
 *
 * The ranges lie inside the size, do not touch each other, and stand in the order in which they were asked
 * for (section 15.3.7.2); those that overlap or touch have become one, in the place of the first. Against
 * requests made to be costly (sections 14.2, 17.15) a value is ignored that has more ranges than room, asks
 * for more bytes than there are, has more than two that overlap, or more than HTTP_RANGES_UNORDERED_MAX that
 * do not ascend. So is every range of an empty representation: no Content-Range can say what there is of it,
 * and who resumes or slices goes on from the whole. */
enum http_range_result http_range_parse(struct slice value, uint64_t size, struct http_range *ranges,
                                        size_t *count);

#endif
