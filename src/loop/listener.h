/* A listener: accepts connections from a listening socket, and survives the want of descriptors.
 *
 * When accept(2) fails with EMFILE or ENFILE the listener asks its owner to make room; if that helps nothing
 * it uses a descriptor kept in reserve to accept and turn one client away, then rests for LISTENER_REST_MS:
 * never a spin. */
#ifndef LOOP_LISTENER_H
#define LOOP_LISTENER_H

#include "loop/watch.h"
#include "loop/wheel.h"
#include "sys/socket.h"

#define LISTENER_REST_MS 100

/* A listener accepts at most so many connections a turn. */
#define LISTENER_BATCH 64

struct listener;

struct listener_events {
    /* A connection: `fd` is non-blocking, close-on-exec and the callee's. */
    void (*on_accept)(struct listener *listener, int fd, const struct address *peer);
    /* accept failed for want of descriptors or memory (`error`: -errno). Returns true when the callee closed
     * something, so that trying again makes sense. */
    bool (*on_exhausted)(struct listener *listener, int error);
    /* Every descriptor is taken: `fd` may be answered in one write and is closed after the call. */
    void (*on_turned_away)(struct listener *listener, int fd);
};

struct listener {
    struct watch watch;
    struct loop *loop;
    const struct listener_events *events;
    struct timer rest;
    int reserve_fd; /* closed to make one descriptor free when there is none */
    bool running;
};

/* Listens on `fd` (non-blocking, listening), which stays the caller's. Returns 0 or -errno. */
int listener_start(struct listener *listener, struct loop *loop, int fd,
                   const struct listener_events *events) MUST_CHECK;

/* Accepts all that has queued up to now, rather than when the loop comes to it and in turns. May call back
 * before it returns. */
void listener_accept(struct listener *listener);

/* Accepts no more; the socket stays open, its queue untouched. From any callback. The memory is free at the
 * end of the turn. */
void listener_stop(struct listener *listener);

#endif
