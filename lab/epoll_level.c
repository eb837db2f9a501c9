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
#include "lab/idle_list.h"
#include "lab/models.h"
#include "lab/nonblocking.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define EVENTS_MAX 256

struct level_client {
    struct lab_client base;
    uint32_t watched; /* the events that epoll waits for: saves a call if they stay the same */
};

static void watch(int epoll_fd, struct level_client *client, uint32_t events)
{
    if (client->watched == events)
        return;
    client->watched = events;
    epoll_ctl(epoll_fd, EPOLL_CTL_MOD, client->base.fd, &(struct epoll_event){events, {.ptr = client}});
}

static void advance(int epoll_fd, struct lab_idle_list *idle, struct level_client *client)
{
    enum lab_need need = lab_client_advance_inline(&client->base, NULL);
    if (need == LAB_NEEDS_CLOSE) {
        lab_client_destroy(&client->base); /* epoll forgets a socket that is closed */
        return;
    }
    watch(epoll_fd, client, need == LAB_NEEDS_ROOM ? EPOLLOUT : EPOLLIN);
    lab_idle_list_touch(idle, &client->base);
}

static void accept_clients(int epoll_fd, struct lab_idle_list *idle, int listening_fd)
{
    struct level_client *client;
    while ((client = lab_accept(idle->site, listening_fd, SOCK_NONBLOCK, sizeof(*client))) != NULL) {
        struct epoll_event event = {EPOLLIN, {.ptr = client}};
        client->watched = event.events;
        if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, client->base.fd, &event) < 0)
            lab_client_refuse(&client->base);
        else
            lab_idle_list_touch(idle, &client->base);
    }
}

static void drop_expired(struct lab_idle_list *idle)
{
    struct lab_client *client;
    while ((client = lab_idle_list_next_expired(idle)) != NULL)
        lab_client_destroy(client);
}

int lab_serve_epoll_level(struct lab_site *site, int listening_fd)
{
    struct lab_idle_list idle;
    int error = lab_site_open(site);
    if (error < 0)
        return error;
    lab_set_blocking(listening_fd, false);
    lab_idle_list_init(&idle, site);
    int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (epoll_fd < 0 || epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listening_fd, &(struct epoll_event){EPOLLIN}) < 0)
        return -errno;
    for (;;) {
        struct epoll_event events[EVENTS_MAX];
        int count = epoll_wait(epoll_fd, events, EVENTS_MAX, 1000);
        for (int i = 0; i < count; i++) {
            if (events[i].data.ptr == NULL)
                accept_clients(epoll_fd, &idle, listening_fd);
            else
                advance(epoll_fd, &idle, events[i].data.ptr);
        }
        drop_expired(&idle);
    }
}
