/* Stackful coroutines on an event loop: code as for a thread, waiting as for a loop.
 *
 * Each client has a stack of its own, and on it runs serve_client, which reads from the top to the bottom
 * like the life of one client. Where a thread would sleep in the kernel, it yields: its registers are saved
 * and those of the loop restored, in some twenty nanoseconds and without a system call
 * (lab/coroutine.c). When epoll says that the socket is ready, the loop changes back. Lua's coroutines,
 * libtask and lwan do it so; Go's goroutines and Java's virtual threads are this on several processors. async
 * and await of other languages are the stackless kind, where a compiler writes the state machine that the
 * models before this one have by hand.
 *
 * What it costs: a stack for each connection, idle ones too: of the 64 KiB that are set aside the pages that
 * were touched once, and two mappings (the stack, and the page below that must not be touched). Every
 * function called on it must do with that. Debuggers and profilers see one thread.
 *
 * What breaks it: vm.max_map_count, which at two mappings a stack is reached by 32000 connections, unless it
 * is raised. And a handler that blocks: to whoever reads serve_client, lab_session_run_job looks like any
 * other call, but it does not yield, so the thread sleeps, and with it every coroutine. That is why such
 * libraries bring their own sleep, their own read, their own database drivers; and why one call that was
 * forgotten stalls everybody. */
#include "lab/coroutine.h"
#include "lab/idle_list.h"
#include "lab/models.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define EVENTS_MAX 256

/* Sends in a row, about a megabyte of a file, before others have their turn. */
#define SHARE 16

struct coroutine_client {
    struct lab_client base;
    struct lab_coroutine *coroutine;
    bool is_empty;     /* the last receive emptied the socket: wait before the next one */
    bool peer_ended;   /* EPOLLRDHUP was reported: a short read is not the end */
    struct list again; /* in scheduler.again */
};

struct scheduler {
    int epoll_fd;
    struct lab_idle_list idle;
    struct list again; /* struct coroutine_client: they yielded without having to wait */
};

static struct scheduler scheduler;

/* Until something happens to the client's socket. */
static void wait_for_socket(struct coroutine_client *client)
{
    lab_coroutine_yield();
    client->is_empty = false;
}

static void receive(struct coroutine_client *client)
{
    enum lab_received received = LAB_RECEIVED_NOTHING;
    if (!client->is_empty || client->peer_ended)
        received = lab_client_receive(&client->base);
    while (received == LAB_RECEIVED_NOTHING) {
        wait_for_socket(client);
        received = lab_client_receive(&client->base);
    }
    client->is_empty = received == LAB_RECEIVED_ALL;
}

static void send_all(struct coroutine_client *client)
{
    for (unsigned sent = 1; lab_session_need(&client->base.session) == LAB_NEEDS_ROOM; sent++) {
        while (!lab_client_send(&client->base))
            wait_for_socket(client);
        if (sent % SHARE == 0) {
            list_append(&scheduler.again, &client->again);
            lab_coroutine_yield();
        }
    }
}

/* On a stack of its own: compare lab_client_serve in lab/blocking.c. */
static void serve_client(void *argument)
{
    struct coroutine_client *client = argument;
    struct lab_session *session = &client->base.session;
    for (;;) {
        switch (lab_session_need(session)) {
        case LAB_NEEDS_BYTES: receive(client); break;
        case LAB_NEEDS_ROOM: send_all(client); break;
        case LAB_NEEDS_JOB:
            lab_session_run_job(session); /* it does not yield */
            lab_session_complete_job(session);
            break;
        case LAB_NEEDS_SHUTDOWN: lab_client_shut_down(&client->base); break;
        case LAB_NEEDS_CLOSE: lab_client_destroy(&client->base); return;
        }
    }
}

static void resume(struct coroutine_client *client)
{
    list_remove(&client->again);
    lab_idle_list_touch(&scheduler.idle, &client->base);
    /* When it is over the client is gone, as the coroutine is. */
    bool is_there = lab_coroutine_resume(client->coroutine);
    (void)is_there;
}

static void accept_clients(int listening_fd)
{
    struct coroutine_client *client;
    while ((client = lab_accept(scheduler.idle.site, listening_fd, SOCK_NONBLOCK, sizeof(*client))) != NULL) {
        struct epoll_event event = {EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, {.ptr = client}};
        list_init(&client->again);
        client->coroutine = lab_coroutine_create(serve_client, client);
        if (client->coroutine == NULL) {
            lab_client_refuse(&client->base);
            continue;
        }
        if (epoll_ctl(scheduler.epoll_fd, EPOLL_CTL_ADD, client->base.fd, &event) < 0)
            lab_session_break(&client->base.session); /* it will see, and end */
        resume(client);
    }
}

static void advance_again(void)
{
    struct list due;
    list_init(&due);
    list_splice(&due, &scheduler.again);
    while (!list_is_empty(&due))
        resume(CONTAINER_OF(due.next, struct coroutine_client, again));
}

static void on_event(const struct epoll_event *event)
{
    struct coroutine_client *client = event->data.ptr;
    client->peer_ended |= (event->events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
    resume(client);
}

/* The coroutine is somewhere in a wait: the end of its socket is what wakes it. */
static void end_expired(void)
{
    struct lab_client *client;
    while ((client = lab_idle_list_next_expired(&scheduler.idle)) != NULL) {
        shutdown(client->fd, SHUT_RDWR);
        lab_idle_list_touch(&scheduler.idle, client);
    }
}

int lab_serve_coroutines(struct lab_site *site, int listening_fd)
{
    scheduler.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event listening = {EPOLLIN, {.ptr = NULL}};
    if (scheduler.epoll_fd < 0 || epoll_ctl(scheduler.epoll_fd, EPOLL_CTL_ADD, listening_fd, &listening) < 0)
        return -errno;
    int error = lab_site_open(site);
    if (error < 0)
        return error;
    lab_set_blocking(listening_fd, false);
    lab_idle_list_init(&scheduler.idle, site);
    list_init(&scheduler.again);
    for (;;) {
        advance_again(); /* not behind the wait: it may end clients that there are events of */
        struct epoll_event events[EVENTS_MAX];
        int count =
            epoll_wait(scheduler.epoll_fd, events, EVENTS_MAX, list_is_empty(&scheduler.again) ? 1000 : 0);
        for (int i = 0; i < count; i++) {
            if (events[i].data.ptr == NULL)
                accept_clients(listening_fd);
            else
                on_event(&events[i]);
        }
        end_expired();
    }
}
