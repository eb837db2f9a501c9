/* A watch: a descriptor whose readiness the backend waits for. Streams and listeners are built on it, and
 * everything else with a descriptor (the wake-up of the offload pool, inotify, signals). */
#ifndef LOOP_WATCH_H
#define LOOP_WATCH_H

#include "loop/loop.h"

enum watch_event {
    WATCH_READABLE = 1,
    WATCH_WRITABLE = 2,
    WATCH_ENDED = 4,     /* the peer closed its sending side, or both; not every backend reports it */
    WATCH_FAILED = 8,    /* an error is pending, or both halves are closed */
    WATCH_PRIORITY = 16, /* POLLPRI: see WATCH_CHANGES */
};

enum watch_mode {
    /* Readable, level-triggered. */
    WATCH_LEVEL,
    /* Writable, level-triggered: for a connection in progress, see connect(2). */
    WATCH_LEVEL_WRITABLE,
    /* WATCH_PRIORITY only: for a file of /proc that is always readable and reports changes by POLLPRI. The
     * kernel reports each change once per open descriptor, whoever polls it. */
    WATCH_CHANGES,
    /* Readable and writable: the owner reads and writes until EAGAIN, and says by watch_want what it waits
     * for. Reported at least once per change (edge-triggered), or repeatedly if the backend is
     * level-triggered. */
    WATCH_STREAM,
};

struct watch;

struct watch_events {
    void (*on_ready)(struct watch *watch, unsigned events); /* a set of enum watch_event, not empty */
    /* What the watch does, for stall reports: "accepting connections". */
    const char *name;
    /* Adds details, see stream_events; may be NULL. */
    size_t (*describe)(const struct watch *watch, char *out, size_t size);
};

struct watch {
    const struct watch_events *events;
    int fd;
    uint32_t slot; /* for the backend */
};

/* Begins to wait; a WATCH_STREAM watch waits for reading at first. Returns 0 or -errno: -ERANGE if the
 * backend cannot handle a descriptor of that number, see loop_accepts_fd. The memory must stay valid until
 * the end of the turn in which watch_stop or watch_close is called. */
int watch_start(struct loop *loop, struct watch *watch, enum watch_mode mode) MUST_CHECK;

/* Sets what a WATCH_STREAM watch waits for: WATCH_READABLE, WATCH_WRITABLE, both or 0. Other events may be
 * reported as well. A wanted condition that already holds is reported, too. */
void watch_want(struct loop *loop, struct watch *watch, unsigned events);

/* Stops waiting; the descriptor stays open. Does nothing if it is not waiting. */
void watch_stop(struct loop *loop, struct watch *watch);

/* Stops waiting and closes the descriptor: cheaper than watch_stop where the kernel removes closed
 * descriptors itself. */
void watch_close(struct loop *loop, struct watch *watch);

#endif
