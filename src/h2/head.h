/* The head of a request while it is being received: header by header, and then what they say together
 * (RFC 9113 section 8). No word of frames. */
#ifndef H2_HEAD_H
#define H2_HEAD_H

#include "h2/h2.h"

struct h2_head {
    const struct h2_limits *limits;
    struct http_request request; /* whose fields are ours */
    struct slice scheme, authority;
    uint16_t reject_status; /* of the first fault that is answered rather than reset; 0: none yet */
    bool is_trailer;        /* nothing is kept of it */
    unsigned continuations; /* frames of it behind the first */
    uint64_t list_bytes;    /* names and values so far, those that are not kept too */
    char *text;             /* of all names and values, one behind the other */
    uint32_t text_used;
    uint32_t text_max;
    uint32_t fields_max;
    struct http_field fields[];
};

/* Room for a head within these limits; NULL without memory. Freed by free(3). */
struct h2_head *h2_head_create(const struct h2_limits *limits) MUST_CHECK;

void h2_head_begin(struct h2_head *head, bool is_trailer);

/* A header, whose name and value are in order by themselves. False where the list is so large that it can
 * only be meant to be. */
bool h2_head_add(struct h2_head *head, struct slice name, struct slice value) MUST_CHECK;

/* All headers are in: `request` is complete, or `reject_status` is set. */
void h2_head_end(struct h2_head *head, bool has_content);

#endif
