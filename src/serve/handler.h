/* A handler answers the requests of one kind of route. */
#ifndef SERVE_HANDLER_H
#define SERVE_HANDLER_H

#include "base/slice.h"

struct exchange;
struct root;

/* One constant for each kind of handler. `state` is that of struct handler. */
struct handler_type {
    /* Accepts only GET, HEAD and OPTIONS: other methods are rejected with 405 before it is called. */
    bool reads_only;
    /* Takes the content of requests as it arrives, see serve/sink.h: `handle` is called when the head is
     * complete. For other handlers, content is read to its end and dropped first. */
    bool streams_content;
    /* Takes methods that vif does not know, too; for other handlers they are rejected with 501. */
    bool takes_any_method;
    /* Answers extended CONNECT (RFC 8441); for other handlers it is rejected with 501. */
    bool makes_tunnels;
    /* Answers the exchange, at once or later. */
    void (*handle)(struct exchange *exchange);
    /* Completes the error response that was begun with the file at this path below the root. May be NULL. */
    void (*respond_error)(struct exchange *exchange, struct root *root, struct slice path);
    /* Applies all changes outside the server (files) up to now. NULL: it caches nothing. */
    void (*see_changes)(void *state);
    /* Closes descriptors that it can spare; returns false if there are none. NULL: it holds none. */
    bool (*give_descriptors)(void *state);
};

struct handler {
    const struct handler_type *type;
    void *state;
};

#endif
