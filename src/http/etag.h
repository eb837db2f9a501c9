/* Entity tags: RFC 9110 section 8.8.3. A tag is kept as it stands on the wire, quotes and W/ included. */
#ifndef HTTP_ETAG_H
#define HTTP_ETAG_H

#include "base/hash.h"

/* How two tags are compared: RFC 9110 section 8.8.3.2. */
enum http_etag_comparison {
    HTTP_ETAG_STRONG, /* neither is weak, the same opaque tag: for ranges and changes */
    HTTP_ETAG_WEAK,   /* the same opaque tag: for caches */
};

/* Whether the slice is one well-formed tag and nothing else. */
bool http_etag_is_valid(struct slice slice);

/* Compares two well-formed tags. */
bool http_etag_equal(struct slice a, struct slice b, enum http_etag_comparison comparison);

/* Whether `etag`, a well-formed tag, is in a comma-separated list of tags (which may have commas inside).
 * Empty elements are skipped. The list counts up to its first fault: what lies behind it cannot be told
 * apart. "*" is not a tag. */
bool http_etag_list_has(struct slice list, struct slice etag, enum http_etag_comparison comparison);

/* What a tag is made of. */
struct http_etag_source {
    struct digest digest; /* of the content, or of what is known of it */
    struct slice
        coding; /* of this representation, "gzip"; empty for the identity: each has a strong tag of its own */
    bool is_weak;
};

/* The longest tag that http_etag_format writes. */
#define HTTP_ETAG_MAX        56
#define HTTP_ETAG_CODING_MAX 16

/* Writes a tag at `out` (at least HTTP_ETAG_MAX bytes), without NUL; returns its length. The coding is at
 * most HTTP_ETAG_CODING_MAX bytes, none of them a quote. */
size_t http_etag_format(char *out, const struct http_etag_source *source);

#endif
