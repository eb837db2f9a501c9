/* A connector: makes one connection to an address, TCP or Unix, without waiting, and within a time.
 *
 * Life: connector_init → connector_start → on_connected or on_failed, or connector_cancel. It may then be
 * started again. What it gives is a descriptor for stream_init. */
#ifndef LOOP_CONNECTOR_H
#define LOOP_CONNECTOR_H

#include "loop/watch.h"
#include "loop/wheel.h"
#include "sys/socket.h"

struct connector;

struct connector_events {
    /* `fd` is connected, non-blocking, close-on-exec, and the callee's. */
    void (*on_connected)(struct connector *connector, int fd);
    /* connect(2) failed with `error` (-errno), or took longer than it may: -ETIMEDOUT. */
    void (*on_failed)(struct connector *connector, int error);
};

struct connector {
    struct watch watch;
    struct timer deadline;
    struct loop *loop;
    const struct connector_events *events;
    const struct address *address;
    bool is_connecting;
};

void connector_init(struct connector *connector, struct loop *loop, const struct connector_events *events);

/* Begins to connect to `address`, which must stay until the end. Returns the connected descriptor, where that
 * was done at once (over loopback and Unix sockets it mostly is); -EINPROGRESS: one of the callbacks will
 * come, within `timeout_ms`; or another -errno, and no callback follows: see connect(2), -EAGAIN where the
 * queue of a Unix socket is full, -ERANGE where the backend cannot wait for the descriptor. */
int connector_start(struct connector *connector, const struct address *address,
                    uint64_t timeout_ms) MUST_CHECK;

/* Gives up: the socket is closed and nothing is called back. Nothing happens where nothing is under way. The
 * memory is free at the end of the turn. */
void connector_cancel(struct connector *connector);

#endif
