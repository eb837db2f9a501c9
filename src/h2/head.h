/* The head of a request while it is received: checks each header, then all of them together (RFC 9113 section
 * 8). Does not deal with frames. */
#ifndef H2_HEAD_H
#define H2_HEAD_H

#include "h2/h2.h"

struct h2_head {
    const struct h2_limits *limits;
    struct http_request request; /* its `fields` points to the array below */
    struct slice scheme, authority, protocol;
    uint16_t reject_status; /* for the first fault that gets a response, not a reset; 0: none yet */
    bool is_invalid;        /* the stream was reset because of it */
    unsigned continuations; /* number of CONTINUATION frames */
    uint64_t list_bytes;    /* names and values so far, including dropped ones */
    char *text;             /* all names and values, concatenated */
    uint32_t text_used;
    uint32_t text_max;
    uint32_t fields_max;
    struct http_field fields[];
};

/* Allocates a head within these limits; NULL if out of memory. Free it with free(3). */
struct h2_head *h2_head_create(const struct h2_limits *limits) MUST_CHECK;

/* Begins the headers of a request, or its trailers. */
void h2_head_begin(struct h2_head *head);

/* Adds a header whose name and value are valid by themselves. Returns false if the list is so far over the
 * limit that it must be an attack. */
bool h2_head_add(struct h2_head *head, struct slice name, struct slice value) MUST_CHECK;

/* All headers are in: `request` is complete, or `reject_status` is set. */
void h2_head_end(struct h2_head *head, bool has_content);

#endif
