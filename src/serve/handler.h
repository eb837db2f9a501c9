/* A handler: what answers the requests of one kind of route. */
#ifndef SERVE_HANDLER_H
#define SERVE_HANDLER_H

#include "base/slice.h"

struct exchange;
struct root;

/* One constant for each kind of handler. `state` is what it was registered with. */
struct handler_type {
    /* It takes GET, HEAD and OPTIONS: all other methods are refused with 405 before it is called. */
    bool reads_only;
    /* It takes the content of requests as it comes, see serve/sink.h: `handle` is called when the head is
     * complete. Of all others content is read to its end and dropped before they are called. */
    bool streams_content;
    /* Answers the exchange, at once or later. */
    void (*handle)(struct exchange *exchange);
    /* Ends the begun response, an error, with the file at this path beneath the root. NULL where it has none.
     */
    void (*respond_error)(struct exchange *exchange, struct root *root, struct slice path);
    /* Lets what changed outside up to this moment take effect. NULL: it keeps nothing that could change. */
    void (*see_changes)(void *state);
    /* Gives descriptors back that it can do without; false where there was none. NULL: it holds none. */
    bool (*give_descriptors)(void *state);
};

struct handler {
    const struct handler_type *type;
    void *state;
};

#endif
