/* A watch: a descriptor that the backend waits on for readiness. Streams and listeners are built on it, as is
 * what else has a descriptor (the wake-up of the offload pool, inotify, signals). */
#ifndef LOOP_WATCH_H
#define LOOP_WATCH_H

#include "loop/loop.h"

enum watch_event {
    WATCH_READABLE = 1,
    WATCH_WRITABLE = 2,
    WATCH_ENDED = 4,  /* the peer closed its half, or both */
    WATCH_FAILED = 8, /* the descriptor has an error pending */
};

enum watch_mode {
    WATCH_LEVEL, /* readable, told again as long as it holds */
    WATCH_EDGE,  /* readable and writable, told once a change: read and write until EAGAIN */
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
};

/* Begins to wait; returns 0 or -errno. The watch stays the caller's until watch_stop or the close of its
 * descriptor, and then until the end of the turn. */
int watch_start(struct loop *loop, struct watch *watch, enum watch_mode mode) MUST_CHECK;

/* Stops waiting; the descriptor stays open. */
void watch_stop(struct loop *loop, struct watch *watch);

#endif
