/* A listener: accepts connections from a listening socket, and copes with a lack of descriptors.
 *
 * When accept(2) fails with EMFILE or ENFILE, the listener asks its owner to free some. If that does not
 * help, it closes a reserve descriptor to accept and turn away one client, then pauses for
 * LISTENER_PAUSE_MS, so that it never spins. */
#ifndef LOOP_LISTENER_H
#define LOOP_LISTENER_H

#include "loop/watch.h"
#include "loop/wheel.h"
#include "sys/socket.h"

#define LISTENER_PAUSE_MS 100

/* The most connections that a listener accepts per turn. */
#define LISTENER_BATCH 64

struct listener;

struct listener_events {
    /* A connection: `fd` is non-blocking and close-on-exec; the callee owns it. */
    void (*on_accept)(struct listener *listener, int fd, const struct address *peer);
    /* accept failed for lack of descriptors or memory (`error`: -errno). Returns true if the callee closed
     * something, so that accept should be tried again. */
    bool (*on_exhausted)(struct listener *listener, int error);
    /* No descriptor is left: the callee may answer `fd` with one write; it is closed after the call. */
    void (*on_turned_away)(struct listener *listener, int fd);
};

struct listener {
    struct watch watch;
    struct loop *loop;
    const struct listener_events *events;
    struct timer pause;
    int reserve_fd; /* closed to free one descriptor when there are none left */
    bool running;
};

/* Listens on `fd` (non-blocking, listening), which stays the caller's. Returns 0 or -errno. */
int listener_start(struct listener *listener, struct loop *loop, int fd,
                   const struct listener_events *events) MUST_CHECK;

/* Accepts at once all connections queued up to now, instead of in batches when the loop gets to them. May
 * call back before it returns. */
void listener_accept(struct listener *listener);

/* Stops accepting; the socket stays open and its queue is untouched. May be called from any callback. The
 * memory may be freed at the end of the turn. */
void listener_stop(struct listener *listener);

#endif
