/* Remembers the head of a recent response, in case the next ones are identical: what a server repeats it
 * sends with the same bytes, but for the date, which changes once a second. The counterpart of
 * h1/recent_head.h.
 *
 * The meaning of a head depends only on its bytes, on the method that it answers, and on the limits and the
 * strictness of the engine. So for identical bytes the same head is returned; it cannot be distinguished from
 * one that was parsed, except that its slices point into the memory of the recent head. */
#ifndef H1_RECENT_RESPONSE_H
#define H1_RECENT_RESPONSE_H

#include "h1/response_parser.h"

/* Longer heads are parsed each time. */
#define H1_RECENT_RESPONSE_BYTES 1024

/* About 40 KB. All zero: nothing is remembered. */
struct h1_recent_response {
    size_t length; /* of the head; 0: nothing is remembered */
    struct h1_limits limits;
    enum http_method method;
    bool is_strict;
    unsigned others;                /* number of different heads since then */
    struct http_response_head head; /* its slices point into `bytes` */
    char bytes[H1_RECENT_RESPONSE_BYTES];
};

/* If the input begins with the recent head, takes it as the engine would, and returns it; the engine then
 * continues as after H1_RESPONSE_HEAD. The result is valid until the next call of h1_recent_response_note.
 * Otherwise, also if the head is incomplete or the engine is inside a response, returns NULL and changes
 * nothing. */
const struct http_response_head *h1_recent_response_take(const struct h1_recent_response *recent,
                                                         struct h1_response_parser *engine,
                                                         struct slice *input);

/* The engine has returned H1_RESPONSE_HEAD with `head`, whose bytes are `text`: it may be remembered. */
void h1_recent_response_note(struct h1_recent_response *recent, const struct h1_response_parser *engine,
                             const struct http_response_head *head, struct slice text);

#endif
