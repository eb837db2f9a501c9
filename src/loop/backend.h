/* The interface of a loop backend: it waits for descriptors and reports which are ready. One table per
 * backend.
 *
 * A readiness backend (epoll, poll, select) fills in this table and uses the stream functions of
 * stream_ready.c. io_uring has its own, in stream_uring.c, and reports completions as if they were events. */
#ifndef LOOP_BACKEND_H
#define LOOP_BACKEND_H

#include "loop/watch.h"

struct backend_state;
struct stream_verbs;

struct backend {
    const char *name;
    const struct stream_verbs *streams;
    int fd_end;        /* descriptors below this one can be watched; 0: all */
    bool is_ordered;   /* see loop_is_ordered */
    bool lacks_failed; /* never reports WATCH_FAILED: a reset only makes the socket readable */
    int (*open)(struct backend_state **ret_state);
    void (*close)(struct backend_state *state);
    int (*start)(struct backend_state *state, struct watch *watch, enum watch_mode mode);
    /* See watch_want. */
    void (*want)(struct backend_state *state, struct watch *watch, unsigned events);
    void (*stop)(struct backend_state *state, struct watch *watch);
    /* The descriptor is about to be closed. NULL if the kernel removes closed descriptors by itself. */
    void (*forget)(struct backend_state *state, struct watch *watch);
    /* Submits deferred operations to the kernel; afterwards closed descriptors are free. NULL if there are
     * none. */
    void (*flush)(struct backend_state *state);
    /* Ends closed streams that would otherwise take time to finish sending. NULL if there are none. */
    void (*give_up)(struct backend_state *state);
    /* Returns the descriptor that is readable when there are events to fetch. NULL if there is none. */
    int (*fd)(const struct backend_state *state);
    /* Called before an outer loop waits: submits deferred operations. Returns `timeout_ms`, or less if the
     * backend must be called earlier. NULL if nothing is deferred. */
    int (*prepare)(struct backend_state *state, int timeout_ms);
    /* Waits at most `timeout_ms` and fetches events; returns their number, or -errno. */
    int (*wait)(struct backend_state *state, int timeout_ms);
    /* The i-th event of the last wait; called in order. NULL if its watch has been stopped or closed
     * since. */
    struct watch *(*ready)(struct backend_state *state, int i, unsigned *ret_events);
};

extern const struct backend backend_epoll;
extern const struct backend backend_epoll_lt;
extern const struct backend backend_poll;
extern const struct backend backend_select;
extern const struct backend backend_io_uring; /* if vif is built with it */

#endif
