/* Entity tags: RFC 9110 section 8.8.3. A tag is stored as sent, including quotes and W/. */
#ifndef HTTP_ETAG_H
#define HTTP_ETAG_H

#include "base/hash.h"

/* How two tags are compared: RFC 9110 section 8.8.3.2. */
enum http_etag_comparison {
    HTTP_ETAG_STRONG, /* equal opaque tags, and neither is weak: for ranges and changes */
    HTTP_ETAG_WEAK,   /* equal opaque tags: for caches */
};

/* Whether the slice is exactly one well-formed tag. */
bool http_etag_is_valid(struct slice slice);

/* Compares two well-formed tags. */
bool http_etag_equal(struct slice a, struct slice b, enum http_etag_comparison comparison);

/* Whether `etag`, a well-formed tag, is in a comma-separated list of tags (a tag may contain commas).
 * Empty elements are skipped. The list counts up to its first syntax error: after that, tags cannot be
 * separated reliably. "*" is not a tag. */
bool http_etag_list_has(struct slice list, struct slice etag, enum http_etag_comparison comparison);

/* Input for making a tag. */
struct http_etag_source {
    struct digest digest; /* of the content, or of its status */
    struct slice
        coding; /* of this representation, "gzip"; empty for identity: each coding has its own strong tag */
    bool is_weak;
};

/* The longest tag that http_etag_format writes. */
#define HTTP_ETAG_MAX        56
#define HTTP_ETAG_CODING_MAX 16

/* Writes a tag to `out` (at least HTTP_ETAG_MAX bytes), without NUL; returns its length. The coding must
 * be at most HTTP_ETAG_CODING_MAX bytes and contain no quote. */
size_t http_etag_format(char *out, const struct http_etag_source *source);

#endif
