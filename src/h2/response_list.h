/* The headers of a response, or its trailers, while they are received: collects them in one piece of text,
 * within limits. Does not deal with frames. */
#ifndef H2_RESPONSE_LIST_H
#define H2_RESPONSE_LIST_H

#include "http/response_head.h"

struct h2_response_list {
    struct http_response_head head;
    uint64_t list_bytes;    /* names and values so far, including dropped ones */
    unsigned continuations; /* number of CONTINUATION frames */
    uint32_t fields_max;
    uint32_t text_used;
    uint32_t text_max;
    uint32_t room; /* at least text_max */
    char text[];   /* all names and values, concatenated */
};

/* Allocates a list with room for so many bytes of text; NULL if out of memory. Free it with free(3). */
struct h2_response_list *h2_response_list_create(uint32_t room) MUST_CHECK;

/* Begins a head, or trailers, with these limits. */
void h2_response_list_begin(struct h2_response_list *list, uint32_t text_max, uint32_t fields_max);

/* Adds a header whose name and value are valid by themselves. Returns NULL, or what is wrong. */
const char *h2_response_list_add(struct h2_response_list *list, struct slice name,
                                 struct slice value) MUST_CHECK;

/* Whether the list is so far over its limit that it must be an attack (HPACK bomb). */
bool h2_response_list_is_bomb(const struct h2_response_list *list);

/* All headers of a head are in. `is_end`: no content follows; `is_head`: the method was HEAD. Returns NULL,
 * or what is wrong. */
const char *h2_response_list_end(struct h2_response_list *list, bool is_end, bool is_head) MUST_CHECK;

#endif
