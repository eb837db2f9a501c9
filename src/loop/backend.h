/* What a backend of the loop does: wait for descriptors, and say which are ready. One table a backend.
 *
 * A readiness backend (epoll, poll, select) fills this table and has the verbs of stream_ready.c;
 * io_uring has its own, of stream_uring.c, and tells of completions in the guise of events. */
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
    bool lacks_failed; /* WATCH_FAILED is never told: a reset makes a socket readable, and that is all */
    int (*open)(struct backend_state **ret_state);
    void (*close)(struct backend_state *state);
    int (*start)(struct backend_state *state, struct watch *watch, enum watch_mode mode);
    /* See watch_want. */
    void (*want)(struct backend_state *state, struct watch *watch, unsigned events);
    void (*stop)(struct backend_state *state, struct watch *watch);
    /* The descriptor is about to be closed. NULL where the kernel takes it out by itself. */
    void (*forget)(struct backend_state *state, struct watch *watch);
    /* Hands the kernel what was put off: descriptors that were closed are free then. NULL where nothing is.
     */
    void (*flush)(struct backend_state *state);
    /* Closed streams that would take their time are ended. NULL where none does. */
    void (*give_up)(struct backend_state *state);
    /* The descriptor that is readable when there is something to fetch. NULL where there is none. */
    int (*fd)(const struct backend_state *state);
    /* Hands the kernel what was put off, before a wait that is somebody else's; returns `timeout_ms`, or less
     * where the backend must be asked earlier. NULL where nothing is put off. */
    int (*prepare)(struct backend_state *state, int timeout_ms);
    /* Waits at most `timeout_ms` and fetches what is ready; returns how many, or -errno. */
    int (*wait)(struct backend_state *state, int timeout_ms);
    /* The i-th of what the last wait fetched, asked for in order. NULL for a watch that was stopped or
     * closed since. */
    struct watch *(*ready)(struct backend_state *state, int i, unsigned *ret_events);
};

extern const struct backend backend_epoll;
extern const struct backend backend_epoll_lt;
extern const struct backend backend_poll;
extern const struct backend backend_select;
extern const struct backend backend_io_uring; /* where vif is built with it */

#endif
