/* Accepting connections. The socket is watched level-triggered: edges cannot be missed during a pause, and
 * accepting may stop after a batch to serve the connections that already exist. */
#include "loop/listener.h"

#include "loop/internal.h"
#include "sys/file.h"

#include <errno.h>

/* The number of connections that one callback may always accept, whatever the time: accepting is cheap. */
#define ACCEPT_FEW 8

/* No queue is longer (net.core.somaxconn). The limit prevents new clients from keeping listener_accept
 * busy forever. */
#define QUEUE_MAX 65536

static const struct watch_events listener_watch_events;

static void open_reserve(struct listener *listener)
{
    if (listener->reserve_fd < 0)
        listener->reserve_fd = sys_open_null();
}

/* No descriptor is left and the owner could free none. Closing the reserve frees one: enough to accept a
 * client and tell it so, instead of letting it wait for a response that cannot come. */
static void turn_one_away(struct listener *listener)
{
    if (listener->reserve_fd < 0)
        return;
    sys_close(listener->reserve_fd);
    listener->reserve_fd = -1;
    struct address peer;
    int fd = sys_accept(listener->watch.fd, &peer);
    if (fd >= 0) {
        listener->events->on_turned_away(listener, fd);
        sys_close(fd);
    }
    if (listener->running)
        open_reserve(listener);
}

static void listener_pause(struct listener *listener)
{
    assert(listener->running);
    watch_stop(listener->loop, &listener->watch);
    wheel_arm(loop_wheel(listener->loop), &listener->pause, LISTENER_PAUSE_MS);
}

static void listener_resume(struct timer *timer)
{
    struct listener *listener = CONTAINER_OF(timer, struct listener, pause);
    assert(listener->running && listener->watch.fd >= 0);
    open_reserve(listener);
    if (watch_start(listener->loop, &listener->watch, WATCH_LEVEL) < 0)
        wheel_arm(loop_wheel(listener->loop), &listener->pause, LISTENER_PAUSE_MS);
}

static bool is_exhaustion(int error)
{
    return error == -EMFILE || error == -ENFILE || error == -ENOBUFS || error == -ENOMEM;
}

/* Errors of the connection to be accepted (accept(2), "Error handling"; EPERM comes from the firewall):
 * the next one may succeed. */
static bool is_of_connection(int error)
{
    switch (-error) {
    case ECONNABORTED:
    case ECONNRESET:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case ENETDOWN:
    case ENETUNREACH:
    case ENONET:
    case ENOPROTOOPT:
    case EOPNOTSUPP:
    case EPERM:
    case EPROTO:
    case ETIMEDOUT: return true;
    default: return false;
    }
}

/* Frees descriptors, or turns one client away and pauses. Any other error is the socket's own, such as
 * EINVAL after another process that shares it has shut it down: the listener pauses then, too, since the
 * backend would report the socket as ready forever. Returns true if accept should be tried again. */
static bool deal_with(struct listener *listener, int error)
{
    if (is_exhaustion(error)) {
        /* Without a free descriptor accept(2) fails even if no connection is waiting. */
        if (!sys_is_readable(listener->watch.fd))
            return false;
        if (listener->events->on_exhausted(listener, error)) {
            loop_flush(listener->loop);
            return true;
        }
        if (listener->running)
            turn_one_away(listener);
    }
    if (listener->running)
        listener_pause(listener);
    return false;
}

/* Checks the time, because a connection is usually served as soon as it is accepted, and may bring many
 * requests. */
static bool may_accept(const struct listener *listener, unsigned accepted)
{
    return listener->running && accepted < LISTENER_BATCH &&
           (accepted < ACCEPT_FEW || loop_has_time(listener->loop));
}

/* Returns whether there may be more to accept. */
static bool accept_one(struct listener *listener)
{
    struct address peer;
    int fd = sys_accept(listener->watch.fd, &peer);
    if (fd < 0)
        return fd != -EAGAIN && (is_of_connection(fd) || deal_with(listener, fd));
    listener->events->on_accept(listener, fd, &peer);
    loop_check_stall(listener->loop, &listener->watch);
    return true;
}

void listener_accept(struct listener *listener)
{
    for (unsigned i = 0; i < QUEUE_MAX && listener->running && accept_one(listener); i++)
        continue;
}

static void listener_on_ready(struct watch *watch, unsigned events)
{
    (void)events;
    struct listener *listener = CONTAINER_OF(watch, struct listener, watch);
    for (unsigned i = 0; may_accept(listener, i) && accept_one(listener); i++)
        continue;
}

static const struct watch_events listener_watch_events = {.on_ready = listener_on_ready,
                                                          .name = "accepting connections"};

int listener_start(struct listener *listener, struct loop *loop, int fd, const struct listener_events *events)
{
    assert(fd >= 0);
    assert(events->on_accept != NULL && events->on_exhausted != NULL && events->on_turned_away != NULL);
    *listener = (struct listener){
        .watch = {.events = &listener_watch_events, .fd = fd},
        .loop = loop,
        .events = events,
        .reserve_fd = -1,
    };
    timer_init(&listener->pause, listener_resume);
    int error = watch_start(loop, &listener->watch, WATCH_LEVEL);
    if (error < 0)
        return error;
    open_reserve(listener);
    listener->running = true;
    return 0;
}

void listener_stop(struct listener *listener)
{
    if (!listener->running)
        return;
    listener->running = false;
    assert(listener->watch.fd >= 0);
    if (timer_is_armed(&listener->pause))
        timer_disarm(&listener->pause);
    else
        watch_stop(listener->loop, &listener->watch);
    if (listener->reserve_fd >= 0)
        sys_close(listener->reserve_fd);
    listener->reserve_fd = -1;
}
