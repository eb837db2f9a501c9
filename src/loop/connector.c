/* Connecting: call sys_connected; if the connection is still in progress, wait until the socket is
 * writable and call it again. A writable socket may also have failed to connect; sys_connected tells. */
#include "loop/connector.h"

#include <errno.h>

static struct connector *connector_of(struct watch *watch)
{
    return CONTAINER_OF(watch, struct connector, watch);
}

static void end_waiting(struct connector *connector)
{
    assert(connector->is_connecting);
    connector->is_connecting = false;
    timer_disarm(&connector->deadline);
}

void connector_cancel(struct connector *connector)
{
    if (!connector->is_connecting)
        return;
    end_waiting(connector);
    watch_close(connector->loop, &connector->watch);
}

static void fail_connecting(struct connector *connector, int error)
{
    assert(connector->is_connecting && error < 0);
    connector_cancel(connector);
    connector->events->on_failed(connector, error);
}

static void on_writable(struct watch *watch, unsigned events)
{
    (void)events;
    struct connector *connector = connector_of(watch);
    int error = connector->is_connecting ? sys_connected(watch->fd, connector->address) : -EALREADY;
    if (error == -EALREADY)
        return;
    if (error < 0) {
        fail_connecting(connector, error);
        return;
    }
    end_waiting(connector);
    watch_stop(connector->loop, watch);
    connector->events->on_connected(connector, watch->fd);
}

static void on_deadline(struct timer *timer)
{
    fail_connecting(CONTAINER_OF(timer, struct connector, deadline), -ETIMEDOUT);
}

static const struct watch_events connector_watch_events = {.on_ready = on_writable, .name = "connecting"};

void connector_init(struct connector *connector, struct loop *loop, const struct connector_events *events)
{
    assert(events->on_connected != NULL && events->on_failed != NULL);
    *connector = (struct connector){.loop = loop, .events = events, .watch.fd = -1};
    timer_init(&connector->deadline, on_deadline);
}

int connector_start(struct connector *connector, const struct address *address, uint64_t timeout_ms)
{
    assert(!connector->is_connecting);
    int fd = sys_connect(address);
    if (fd < 0)
        return fd;
    int error = sys_connected(fd, address);
    if (error == 0)
        return fd;
    if (error == -EALREADY) {
        connector->address = address;
        connector->watch = (struct watch){.events = &connector_watch_events, .fd = fd};
        error = watch_start(connector->loop, &connector->watch, WATCH_LEVEL_WRITABLE);
    }
    if (error < 0) {
        sys_close(fd);
        return error;
    }
    wheel_arm(loop_wheel(connector->loop), &connector->deadline, timeout_ms);
    connector->is_connecting = true;
    return -EINPROGRESS;
}
