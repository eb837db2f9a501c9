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
#include "lab/idle_list.h"
#include "lab/models.h"
#include "lab/nonblocking.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define EVENTS_MAX 256

struct edge_client {
    struct lab_client base;
    struct lab_readiness readiness;
    struct list again; /* in edges.again */
};

struct edges {
    int epoll_fd;
    struct lab_idle_list idle;
    struct list again; /* struct edge_client: they had their share and are still ready */
};

static void destroy(struct edge_client *client)
{
    list_remove(&client->again);
    lab_client_destroy(&client->base);
}

static void advance(struct edges *edges, struct edge_client *client)
{
    list_remove(&client->again);
    if (lab_client_advance_inline(&client->base, &client->readiness) == LAB_NEEDS_CLOSE) {
        destroy(client);
        return;
    }
    if (client->readiness.has_more)
        list_append(&edges->again, &client->again);
    lab_idle_list_touch(&edges->idle, &client->base);
}

static void on_event(struct edges *edges, const struct epoll_event *event)
{
    struct edge_client *client = event->data.ptr;
    client->readiness.peer_ended |= (event->events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
    advance(edges, client);
}

/* Those who were there before this turn: each has one share a turn. */
static void advance_again(struct edges *edges)
{
    struct list due;
    list_init(&due);
    list_splice(&due, &edges->again);
    while (!list_is_empty(&due))
        advance(edges, CONTAINER_OF(due.next, struct edge_client, again));
}

static void accept_clients(struct edges *edges, int listening_fd)
{
    struct edge_client *client;
    while ((client = lab_accept(edges->idle.site, listening_fd, SOCK_NONBLOCK, sizeof(*client))) != NULL) {
        struct epoll_event event = {EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, {.ptr = client}};
        list_init(&client->again);
        if (epoll_ctl(edges->epoll_fd, EPOLL_CTL_ADD, client->base.fd, &event) < 0)
            lab_client_refuse(&client->base);
        else
            lab_idle_list_touch(&edges->idle, &client->base);
    }
}

static void drop_expired(struct lab_idle_list *idle)
{
    struct lab_client *client;
    while ((client = lab_idle_list_next_expired(idle)) != NULL)
        destroy(CONTAINER_OF(client, struct edge_client, base));
}

int lab_epoll_edge_open(int listening_fd, uint32_t listening_events)
{
    struct epoll_event listening = {listening_events, {.ptr = NULL}};
    int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (epoll_fd < 0 || epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listening_fd, &listening) < 0)
        return -errno;
    lab_set_blocking(listening_fd, false);
    return epoll_fd;
}

void lab_epoll_edge_run(struct lab_site *site, int epoll_fd, int listening_fd)
{
    struct edges edges = {.epoll_fd = epoll_fd};
    lab_idle_list_init(&edges.idle, site);
    list_init(&edges.again);
    for (;;) {
        advance_again(&edges); /* not behind the wait: it may end clients that there are events of */
        struct epoll_event events[EVENTS_MAX];
        int count = epoll_wait(edges.epoll_fd, events, EVENTS_MAX, list_is_empty(&edges.again) ? 1000 : 0);
        for (int i = 0; i < count; i++) {
            if (events[i].data.ptr == NULL)
                accept_clients(&edges, listening_fd);
            else
                on_event(&edges, &events[i]);
        }
        drop_expired(&edges.idle);
    }
}

int lab_serve_epoll_edge(struct lab_site *site, int listening_fd)
{
    int error = lab_site_open(site);
    int epoll_fd = error < 0 ? error : lab_epoll_edge_open(listening_fd, EPOLLIN);
    if (epoll_fd >= 0)
        lab_epoll_edge_run(site, epoll_fd, listening_fd);
    return epoll_fd;
}
