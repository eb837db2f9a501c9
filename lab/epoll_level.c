/* epoll(7), level-triggered: the kernel remembers the question.
 *
 * Each socket is registered once, and a thread asks for those that are ready, which the kernel has in a list:
 * the network's interrupt put them there. A turn costs what is ready, not what is connected. Linux has it
 * since 2.6 (2003); kqueue of the BSDs is its like, and both made C10K a solved problem. Level-triggered
 * means: as long as a socket is ready, each epoll_wait says so, as poll would. libevent, Redis, HAProxy and
 * Node.js use it like this.
 *
 * What it costs: a client that waits for something else than before needs an epoll_ctl(2): that is one system
 * call more when a response does not fit into the socket, and another when it did. What is not finished need
 * not be remembered, as it will be told again; so nobody can be forgotten.
 *
 * What breaks it: of itself nothing, up to the limits on descriptors and memory. One thread is at most one
 * processor; and a handler that blocks stops every client for as long as it blocks. */
#include "lab/client.h"
#include "lab/models.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define EVENTS_MAX 256

static void watch(int epoll_fd, struct lab_client *client, uint32_t events)
{
    if (client->watched == events)
        return;
    client->watched = events;
    epoll_ctl(epoll_fd, EPOLL_CTL_MOD, client->fd, &(struct epoll_event){events, {.ptr = client}});
}

static void go_on(int epoll_fd, struct lab_crowd *crowd, struct lab_client *client)
{
    enum lab_need need = lab_client_go_on_here(client);
    if (need == LAB_NEEDS_CLOSE) {
        lab_client_destroy(client); /* epoll forgets a socket that is closed */
        return;
    }
    watch(epoll_fd, client, need == LAB_NEEDS_ROOM ? EPOLLOUT : EPOLLIN);
    lab_crowd_note(crowd, client);
}

static void accept_clients(int epoll_fd, struct lab_crowd *crowd, int listening_fd)
{
    struct lab_client *client;
    while ((client = lab_accept(crowd->site, listening_fd, SOCK_NONBLOCK)) != NULL) {
        client->watched = EPOLLIN;
        if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, client->fd, &(struct epoll_event){EPOLLIN, {.ptr = client}}) <
            0)
            lab_client_refuse(client);
        else
            lab_crowd_note(crowd, client);
    }
}

static void drop_silent(struct lab_crowd *crowd)
{
    struct lab_client *client;
    while ((client = lab_crowd_next_silent(crowd)) != NULL)
        lab_client_destroy(client);
}

int lab_serve_epoll_level(struct lab_site *site, int listening_fd)
{
    struct lab_crowd crowd;
    int error = lab_site_open(site);
    if (error < 0)
        return error;
    lab_set_blocking(listening_fd, false);
    lab_crowd_init(&crowd, site);
    int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (epoll_fd < 0 || epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listening_fd, &(struct epoll_event){EPOLLIN}) < 0)
        return -errno;
    for (;;) {
        struct epoll_event events[EVENTS_MAX];
        int count = epoll_wait(epoll_fd, events, EVENTS_MAX, 1000);
        for (int i = 0; i < count; i++) {
            if (events[i].data.ptr == NULL)
                accept_clients(epoll_fd, &crowd, listening_fd);
            else
                go_on(epoll_fd, &crowd, events[i].data.ptr);
        }
        drop_silent(&crowd);
    }
}
