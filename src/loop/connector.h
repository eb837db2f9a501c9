/* A connector: opens one connection to an address, TCP or Unix, without blocking and with a timeout.
 *
 * Life: connector_init → connector_start → on_connected or on_failed, or connector_cancel. It may then be
 * started again. The resulting descriptor is meant for stream_init. */
#ifndef LOOP_CONNECTOR_H
#define LOOP_CONNECTOR_H

#include "loop/watch.h"
#include "loop/wheel.h"
#include "sys/socket.h"

struct connector;

struct connector_events {
    /* `fd` is connected, non-blocking and close-on-exec; the callee owns it. */
    void (*on_connected)(struct connector *connector, int fd);
    /* connect(2) failed with `error` (-errno), or the timeout expired: -ETIMEDOUT. */
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

/* Begins to connect to `address`, which must stay valid until the end. Returns:
 *   - the descriptor, if it connected at once (the usual case for loopback and Unix sockets);
 *   - -EINPROGRESS: one of the callbacks will be called within `timeout_ms`;
 *   - another -errno, and no callback follows: see connect(2); -EAGAIN if the queue of a Unix socket is
 *   full, -ERANGE if the backend cannot wait for the descriptor. */
int connector_start(struct connector *connector, const struct address *address,
                    uint64_t timeout_ms) MUST_CHECK;

/* Gives up: closes the socket and calls nothing back. Does nothing if no connection is in progress. The
 * memory may be freed at the end of the turn. */
void connector_cancel(struct connector *connector);

#endif
