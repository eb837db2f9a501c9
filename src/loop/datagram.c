/* Datagram sockets. They are watched like streams, so the rules of stream_ready.c apply: receive until
 * EAGAIN, or continue in the next turn, because an edge is reported only once. */
#include "loop/datagram.h"

#include <errno.h>
#include <stdlib.h>

static struct datagram_socket *datagram_of(struct watch *watch)
{
    return CONTAINER_OF(watch, struct datagram_socket, watch);
}

static bool datagram_is_closed(const struct datagram_socket *socket)
{
    return socket->room == NULL;
}

static void datagram_wait_for_change(struct datagram_socket *socket)
{
    watch_want(socket->loop, &socket->watch, WATCH_READABLE | (socket->is_full ? WATCH_WRITABLE : 0u));
}

/* Returns whether there may be more. An error concerns a packet sent earlier and is reported once. If the
 * kernel lacks memory for a moment, the next turn tries again. */
static bool datagram_receive_batch(struct datagram_socket *socket)
{
    assert(!datagram_is_closed(socket));
    struct udp_run runs[UDP_BATCH_MAX];
    for (unsigned i = 0; i < UDP_BATCH_MAX; i++)
        runs[i] = (struct udp_run){.bytes = socket->room + (size_t)i * UDP_RUN_BYTES_MAX,
                                   .length = UDP_RUN_BYTES_MAX};
    int count = sys_udp_receive(socket->watch.fd, runs, UDP_BATCH_MAX);
    assert(count <= UDP_BATCH_MAX);
    if (count > 0)
        socket->events->on_receive(socket, runs, (unsigned)count);
    return count != -EAGAIN && !datagram_is_closed(socket);
}

static void datagram_receive(struct datagram_socket *socket)
{
    while (datagram_receive_batch(socket)) {
        if (!loop_has_time(socket->loop)) {
            task_defer(socket->loop, &socket->go_on);
            return;
        }
    }
}

static void datagram_go_on(struct task *task)
{
    datagram_receive(CONTAINER_OF(task, struct datagram_socket, go_on));
}

static void datagram_on_ready(struct watch *watch, unsigned events)
{
    struct datagram_socket *socket = datagram_of(watch);
    if (!datagram_is_closed(socket) && socket->is_full && events & (WATCH_WRITABLE | WATCH_FAILED)) {
        socket->is_full = false;
        datagram_wait_for_change(socket);
        socket->events->on_writable(socket);
    }
    if (!datagram_is_closed(socket) && events & (WATCH_READABLE | WATCH_ENDED | WATCH_FAILED))
        datagram_receive(socket);
}

static const struct watch_events datagram_watch_events = {.on_ready = datagram_on_ready,
                                                          .name = "receiving packets"};

int datagram_start(struct datagram_socket *socket, struct loop *loop, int fd,
                   const struct datagram_events *events)
{
    assert(fd >= 0 && events->on_receive != NULL && events->on_writable != NULL);
    *socket = (struct datagram_socket){
        .watch = {.events = &datagram_watch_events, .fd = fd}, .loop = loop, .events = events};
    task_init(&socket->go_on, datagram_go_on);
    int error = watch_start(loop, &socket->watch, WATCH_STREAM);
    if (error < 0)
        return error;
    socket->room = malloc((size_t)UDP_BATCH_MAX * UDP_RUN_BYTES_MAX);
    if (socket->room)
        return 0;
    watch_stop(loop, &socket->watch);
    return -ENOMEM;
}

int datagram_send(struct datagram_socket *socket, const struct udp_run *runs, unsigned count,
                  unsigned *ret_sent)
{
    int result = 0;
    unsigned sent = 0;
    assert(!datagram_is_closed(socket));
    while (sent < count && result >= 0) {
        result = sys_udp_send(socket->watch.fd, runs + sent, count - sent);
        sent += result > 0 ? (unsigned)result : 0;
    }
    assert(sent <= count);
    *ret_sent = sent;
    if (result == -EAGAIN && !socket->is_full) {
        socket->is_full = true;
        datagram_wait_for_change(socket);
    }
    return MIN(result, 0);
}

void datagram_close(struct datagram_socket *socket)
{
    if (datagram_is_closed(socket))
        return;
    free(socket->room);
    socket->room = NULL;
    task_cancel(&socket->go_on);
    watch_close(socket->loop, &socket->watch);
}
