/* A watch: a descriptor that the backend waits on for readiness. Streams and listeners are built on it, as is
 * what else has a descriptor (the wake-up of the offload pool, inotify, signals). */
#ifndef LOOP_WATCH_H
#define LOOP_WATCH_H

#include "loop/loop.h"

enum watch_event {
    WATCH_READABLE = 1,
    WATCH_WRITABLE = 2,
    WATCH_ENDED = 4,     /* the peer closed its half, or both; not every backend can tell */
    WATCH_FAILED = 8,    /* an error is pending, or both halves are closed */
    WATCH_PRIORITY = 16, /* POLLPRI: see WATCH_CHANGES */
};

enum watch_mode {
    /* Readable, told again as long as it holds. */
    WATCH_LEVEL,
    /* The same for writable: a connection that is being made, see connect(2). */
    WATCH_LEVEL_WRITABLE,
    /* WATCH_PRIORITY and nothing else: a file of /proc that is always readable, and says by POLLPRI that what
     * is in it has changed. The kernel tells of a change once to each descriptor, whoever asks. */
    WATCH_CHANGES,
    /* Readable and writable: the owner reads and writes until EAGAIN, and says by watch_want what it waits
     * for. Told at least once a change, and again and again where the backend knows no edges. */
    WATCH_STREAM,
};

struct watch;

struct watch_events {
    void (*on_ready)(struct watch *watch, unsigned events); /* enum watch_event, at least one */
    /* What it does, for a stall report: "accepting connections". */
    const char *name;
    /* More about that, see stream_events; may be NULL. */
    size_t (*describe)(const struct watch *watch, char *out, size_t size);
};

struct watch {
    const struct watch_events *events;
    int fd;
    uint32_t slot; /* the backend's own */
};

/* Begins to wait, a stream at first to read; returns 0 or -errno: -ERANGE where the backend cannot take a
 * descriptor of that number, see loop_accepts_fd. The watch stays the caller's until watch_stop or
 * watch_close, and then until the end of the turn. */
int watch_start(struct loop *loop, struct watch *watch, enum watch_mode mode) MUST_CHECK;

/* What a WATCH_STREAM watch waits for from now on: WATCH_READABLE, WATCH_WRITABLE, both or 0. It may be told
 * of more; of what it wants it is told if it holds already. */
void watch_want(struct loop *loop, struct watch *watch, unsigned events);

/* Stops waiting; the descriptor stays open. Nothing happens where nobody waits. */
void watch_stop(struct loop *loop, struct watch *watch);

/* Closes the descriptor, and so stops waiting: cheaper than watch_stop where the kernel forgets what is
 * closed. */
void watch_close(struct loop *loop, struct watch *watch);

#endif
