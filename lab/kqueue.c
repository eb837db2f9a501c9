/* kqueue(2): what FreeBSD (2000), macOS, OpenBSD and NetBSD have in place of epoll, and had before it.
 *
 * **This file was compiled, against a stand-in for <sys/event.h>, but never run**: vif is for Linux, which
 * has no kqueue. It is here since texts name the two together, and to show how little differs.
 *
 * One call, kevent, takes a list of changes and returns a list of events: so what is waited for can be
 * changed without a call of its own, where epoll needs epoll_ctl(2) for each. What is waited for is a filter:
 * a descriptor can be read (EVFILT_READ; `data` says how many bytes are there, and EV_EOF that a FIN came),
 * written (EVFILT_WRITE), but a process that ends, a signal, a timer and a change of a file are events, too;
 * Linux made a descriptor of each of these (pidfd, signalfd, timerfd, inotify). EV_CLEAR is edge-triggered,
 * without it a filter is level-triggered, as here.
 *
 * What it costs, and what breaks it: as lab/epoll_level.c. */
#include "lab/models.h"

#include <errno.h>

#ifdef HAVE_KQUEUE

#include "lab/idle_list.h"
#include "lab/nonblocking.h"

#include <stdlib.h>
#include <sys/event.h>
#include <sys/socket.h>

#define EVENTS_MAX  256
#define CHANGES_MAX EVENTS_MAX

struct kqueue_client {
    struct lab_client base;
    short filter; /* what is waited for: EVFILT_READ or EVFILT_WRITE */
};

struct kqueue_loop {
    int kqueue_fd;
    struct lab_idle_list idle;
    struct kevent changes[CHANGES_MAX]; /* for the next call; the same client has none twice */
    int change_count;
};

static void change(struct kqueue_loop *loop, struct kqueue_client *client, short filter, unsigned short flags)
{
    if (loop->change_count == CHANGES_MAX) {
        kevent(loop->kqueue_fd, loop->changes, loop->change_count, NULL, 0, NULL);
        loop->change_count = 0;
    }
    EV_SET(&loop->changes[loop->change_count++], (uintptr_t)client->base.fd, filter, flags, 0, 0, client);
}

static void watch(struct kqueue_loop *loop, struct kqueue_client *client, short filter)
{
    if (client->filter == filter)
        return;
    change(loop, client, client->filter, EV_DELETE);
    change(loop, client, filter, EV_ADD);
    client->filter = filter;
}

/* A closed descriptor leaves the kqueue by itself, but must not be in a change that was not made yet: these
 * are made before any client of the turn is destroyed. */
static void make_changes(struct kqueue_loop *loop)
{
    kevent(loop->kqueue_fd, loop->changes, loop->change_count, NULL, 0, NULL);
    loop->change_count = 0;
}

static void advance(struct kqueue_loop *loop, struct kqueue_client *client)
{
    enum lab_need need = lab_client_advance_inline(&client->base, NULL);
    if (need == LAB_NEEDS_CLOSE) {
        make_changes(loop);
        lab_client_destroy(&client->base);
        return;
    }
    watch(loop, client, need == LAB_NEEDS_ROOM ? EVFILT_WRITE : EVFILT_READ);
    lab_idle_list_touch(&loop->idle, &client->base);
}

static void accept_clients(struct kqueue_loop *loop, int listening_fd)
{
    struct kqueue_client *client;
    while ((client = lab_accept(loop->idle.site, listening_fd, SOCK_NONBLOCK, sizeof(*client))) != NULL) {
        client->filter = EVFILT_READ;
        change(loop, client, EVFILT_READ, EV_ADD);
        lab_idle_list_touch(&loop->idle, &client->base);
    }
}

static void drop_expired(struct kqueue_loop *loop)
{
    struct lab_client *client;
    while ((client = lab_idle_list_next_expired(&loop->idle)) != NULL) {
        make_changes(loop);
        lab_client_destroy(client);
    }
}

static int open_kqueue(struct kqueue_loop *loop, int listening_fd)
{
    struct kevent listening;
    EV_SET(&listening, (uintptr_t)listening_fd, EVFILT_READ, EV_ADD, 0, 0, NULL);
    loop->kqueue_fd = kqueue();
    if (loop->kqueue_fd < 0 || kevent(loop->kqueue_fd, &listening, 1, NULL, 0, NULL) < 0)
        return -errno;
    return 0;
}

int lab_serve_kqueue(struct lab_site *site, int listening_fd)
{
    static struct kqueue_loop loop;
    int error = lab_site_open(site);
    if (error == 0)
        error = open_kqueue(&loop, listening_fd);
    if (error < 0)
        return error;
    lab_set_blocking(listening_fd, false);
    lab_idle_list_init(&loop.idle, site);
    for (;;) {
        struct kevent events[EVENTS_MAX];
        struct timespec second = {.tv_sec = 1};
        int count = kevent(loop.kqueue_fd, loop.changes, loop.change_count, events, EVENTS_MAX, &second);
        loop.change_count = 0;
        for (int i = 0; i < count; i++) {
            if (events[i].udata == NULL)
                accept_clients(&loop, listening_fd);
            else if (!(events[i].flags & EV_ERROR))
                advance(&loop, events[i].udata);
        }
        drop_expired(&loop);
    }
}

const char *lab_kqueue_unavailable(void)
{
    return NULL;
}

#else

int lab_serve_kqueue(struct lab_site *site, int listening_fd)
{
    (void)site, (void)listening_fd;
    return -ENOSYS;
}

const char *lab_kqueue_unavailable(void)
{
    return "it is the BSDs' and macOS's, this system has epoll";
}

#endif
