/* Remembers how the head of a recent request was written for a server, in case the next ones are identical: a
 * client that repeats a request, as one that asks an API again and again, gets it written by one copy.
 *
 * What is written depends only on the bytes of the client's head, on who the client is, on the server, and on
 * the route's settings. So there is one for each route, and a head that would say more, such as the id of its
 * request or what the client's certificate says, is written anew each time. */
#ifndef PROXY_RECENT_REQUEST_H
#define PROXY_RECENT_REQUEST_H

#include "proxy/request_writer.h"

/* Longer heads are written anew each time. */
#define RECENT_REQUEST_BYTES 512

/* All zero: nothing is remembered. */
struct recent_request {
    size_t text_length; /* of the client's head; 0: nothing is remembered */
    size_t head_length; /* of what was written for the server */
    unsigned others;    /* number of different heads since then */
    struct peer peer;
    struct slice server_authority; /* borrowed: whoever has the same memory is the same server */
    char text[RECENT_REQUEST_BYTES];
    char head[2 * RECENT_REQUEST_BYTES];
};

/* As request_write, and with the same result. The settings of all plans are those of one route. */
int recent_request_write(struct recent_request *recent, const struct request_plan *plan, struct arena *arena,
                         struct slice *ret_head) MUST_CHECK;

#endif
