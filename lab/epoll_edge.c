/* epoll(7), edge-triggered: told once, when it becomes ready.
 *
 * Each socket is registered for everything, once, and epoll_ctl is never called again. The kernel tells of a
 * change from not ready to ready, and then no more until there is another. So the program must go on until
 * the socket says EAGAIN, or, as a stream that gives less than the buffer holds is empty by that, until a
 * short read: that saves the second recv(2) of each request, but must not be trusted when the client's FIN
 * came along (EPOLLRDHUP). nginx works like this, and so does vif.
 *
 * What it costs: care. What was not finished will not be told again. Here that is a client who takes a large
 * file as fast as we can send it: for the others' sake it is left after a megabyte, and must be remembered,
 * in `again`. Level-triggered servers have that for nothing. What it saves is measurable where responses fill
 * the sockets, and hardly where they are small.
 *
 * What breaks it: a forgotten edge, which shows as a connection that hangs for ever, once in a million; and,
 * as in every loop, a handler that blocks.
 *
 * The listening socket stays level-triggered: where accept failed for want of descriptors, those who wait in
 * its queue would otherwise never be heard of again. */
#include "lab/client.h"
#include "lab/models.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define EVENTS_MAX 256

struct edges {
    int epoll_fd;
    struct lab_crowd crowd;
    struct list again; /* clients, by queue, who had their share and are still ready */
};

static void go_on(struct edges *edges, struct lab_client *client)
{
    list_remove(&client->queue);
    if (lab_client_go_on_here(client) == LAB_NEEDS_CLOSE) {
        lab_client_destroy(client);
        return;
    }
    if (client->has_more)
        list_append(&edges->again, &client->queue);
    lab_crowd_note(&edges->crowd, client);
}

static void on_event(struct edges *edges, const struct epoll_event *event)
{
    struct lab_client *client = event->data.ptr;
    client->peer_ended |= (event->events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
    go_on(edges, client);
}

/* Those who were there before this turn: each has one share a turn. */
static void go_on_again(struct edges *edges)
{
    struct list due;
    list_init(&due);
    list_splice(&due, &edges->again);
    while (!list_is_empty(&due))
        go_on(edges, CONTAINER_OF(due.next, struct lab_client, queue));
}

static void accept_clients(struct edges *edges, int listening_fd)
{
    struct lab_client *client;
    while ((client = lab_accept(edges->crowd.site, listening_fd, SOCK_NONBLOCK)) != NULL) {
        struct epoll_event event = {EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, {.ptr = client}};
        if (epoll_ctl(edges->epoll_fd, EPOLL_CTL_ADD, client->fd, &event) < 0)
            lab_client_refuse(client);
        else
            lab_crowd_note(&edges->crowd, client);
    }
}

static void drop_silent(struct lab_crowd *crowd)
{
    struct lab_client *client;
    while ((client = lab_crowd_next_silent(crowd)) != NULL)
        lab_client_destroy(client);
}

int lab_serve_epoll_edge(struct lab_site *site, int listening_fd)
{
    struct edges edges = {.epoll_fd = epoll_create1(EPOLL_CLOEXEC)};
    struct epoll_event listening = {EPOLLIN, {.ptr = NULL}};
    if (edges.epoll_fd < 0 || epoll_ctl(edges.epoll_fd, EPOLL_CTL_ADD, listening_fd, &listening) < 0)
        return -errno;
    int error = lab_site_open(site);
    if (error < 0)
        return error;
    lab_set_blocking(listening_fd, false);
    lab_crowd_init(&edges.crowd, site);
    list_init(&edges.again);
    for (;;) {
        go_on_again(&edges); /* not behind the wait: it may end clients that there are events of */
        struct epoll_event events[EVENTS_MAX];
        int count = epoll_wait(edges.epoll_fd, events, EVENTS_MAX, list_is_empty(&edges.again) ? 1000 : 0);
        for (int i = 0; i < count; i++) {
            if (events[i].data.ptr == NULL)
                accept_clients(&edges, listening_fd);
            else
                on_event(&edges, &events[i]);
        }
        drop_silent(&edges.crowd);
    }
}
