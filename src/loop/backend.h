/* What a backend of the loop does: wait for descriptors, and say which are ready. One table a backend.
 *
 * A readiness backend (epoll, poll, select) fills this table and shares stream.c and listener.c. */
#ifndef LOOP_BACKEND_H
#define LOOP_BACKEND_H

#include "loop/watch.h"

struct backend_state;

struct backend {
    const char *name;
    int (*open)(struct backend_state **ret_state);
    void (*close)(struct backend_state *state);
    int (*start)(struct backend_state *state, struct watch *watch, enum watch_mode mode);
    void (*stop)(struct backend_state *state, struct watch *watch);
    /* Waits at most `timeout_ms` and fetches what is ready; returns how many, or -errno. */
    int (*wait)(struct backend_state *state, int timeout_ms);
    /* The i-th of what the last wait fetched. A watch that was stopped or closed since is NULL. */
    struct watch *(*ready)(struct backend_state *state, int i, unsigned *ret_events);
};

extern const struct backend backend_epoll;

#endif
