/* epoll with threads for what blocks: the loop for the network, and the pool for the rest.
 *
 * Waiting for sockets is the loop's business, as before. Work that may block (a disk, a database,
 * LAB_BLOCK_PATH) goes to a thread, which comes back by way of a list and an eventfd that wakes the loop. So
 * a slow handler holds a thread and not the server. libuv, and so Node.js, does that for files and name
 * look-ups, nginx for files ("aio threads"),
 * and vif (loop/offload.c).
 *
 * What it costs: two context switches and two locks for each piece of work: about as long as a small response
 * takes altogether. So only what may block goes that way, and what is in memory does not; to tell one from
 * the other is the hard part (vif asks the kernel: openat2 with RESOLVE_CACHED, preadv2 with RWF_NOWAIT).
 *
 * What breaks it: more work that blocks than threads. From there on it waits in the queue, and its clients
 * with it, at LAB_OFFLOAD_THREADS / time of blocking pieces a second; but those who ask for something else
 * never notice. That is the difference to see when a slow and a fast path are asked for at once. The queue is
 * bounded by the clients, each of which waits for one piece of work at most. */
#include "lab/idle_list.h"
#include "lab/models.h"
#include "lab/nonblocking.h"
#include "sys/event.h"

#include <errno.h>
#include <pthread.h>
#include <sys/socket.h>

#define EVENTS_MAX 256

struct offload_client {
    struct lab_client base;
    struct lab_readiness readiness;
    struct list queue; /* in one of the three lists of struct offload */
};

struct offload {
    int epoll_fd;
    int wake_fd; /* an eventfd: a job is done */
    struct lab_idle_list idle;
    struct list again; /* struct offload_client: they had their share and are still ready */
    pthread_mutex_t mutex;
    pthread_cond_t job_arrived;
    struct list waiting; /* struct offload_client: no thread has taken their job yet */
    struct list done;    /* struct offload_client: their job is done */
};

static void *run_jobs(void *argument)
{
    struct offload *offload = argument;
    pthread_mutex_lock(&offload->mutex);
    for (;;) {
        while (list_is_empty(&offload->waiting))
            pthread_cond_wait(&offload->job_arrived, &offload->mutex);
        struct offload_client *client = CONTAINER_OF(offload->waiting.next, struct offload_client, queue);
        list_remove(&client->queue);
        pthread_mutex_unlock(&offload->mutex);
        lab_session_run_job(&client->base.session);
        pthread_mutex_lock(&offload->mutex);
        list_append(&offload->done, &client->queue);
        sys_eventfd_raise(offload->wake_fd);
    }
    return NULL;
}

static void hand_over(struct offload *offload, struct offload_client *client)
{
    list_remove(&client->base.link); /* a client that waits for a job is not idle */
    pthread_mutex_lock(&offload->mutex);
    list_append(&offload->waiting, &client->queue);
    pthread_cond_signal(&offload->job_arrived);
    pthread_mutex_unlock(&offload->mutex);
}

static void destroy(struct offload_client *client)
{
    list_remove(&client->queue);
    lab_client_destroy(&client->base);
}

static void advance(struct offload *offload, struct offload_client *client)
{
    list_remove(&client->queue);
    switch (lab_client_advance(&client->base, &client->readiness)) {
    case LAB_NEEDS_CLOSE: destroy(client); return;
    case LAB_NEEDS_JOB: hand_over(offload, client); return;
    case LAB_NEEDS_BYTES:
    case LAB_NEEDS_ROOM:
    case LAB_NEEDS_SHUTDOWN: break;
    }
    if (client->readiness.has_more)
        list_append(&offload->again, &client->queue);
    lab_idle_list_touch(&offload->idle, &client->base);
}

/* Continues with the clients of a list to which others may be added meanwhile. */
static void advance_all(struct offload *offload, struct list *clients)
{
    while (!list_is_empty(clients))
        advance(offload, CONTAINER_OF(clients->next, struct offload_client, queue));
}

static void take_done(struct offload *offload)
{
    struct list done;
    list_init(&done);
    sys_eventfd_clear(offload->wake_fd);
    pthread_mutex_lock(&offload->mutex);
    list_splice(&done, &offload->done);
    pthread_mutex_unlock(&offload->mutex);
    LIST_FOREACH(link, &done)
        lab_session_complete_job(&CONTAINER_OF(link, struct offload_client, queue)->base.session);
    advance_all(offload, &done);
}

/* Edge-triggered, so that what happens to a socket while a thread works for its client is told once, and
 * looked at when the thread is done. */
static void on_event(struct offload *offload, const struct epoll_event *event)
{
    struct offload_client *client = event->data.ptr;
    client->readiness.peer_ended |= (event->events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
    if (lab_session_need(&client->base.session) != LAB_NEEDS_JOB)
        advance(offload, client);
}

static void accept_clients(struct offload *offload, int listening_fd)
{
    struct offload_client *client;
    while ((client = lab_accept(offload->idle.site, listening_fd, SOCK_NONBLOCK, sizeof(*client))) != NULL) {
        uint32_t events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
        list_init(&client->queue);
        if (sys_epoll_add(offload->epoll_fd, client->base.fd, events, client) < 0)
            lab_client_refuse(&client->base);
        else
            lab_idle_list_touch(&offload->idle, &client->base);
    }
}

static void turn(struct offload *offload, int listening_fd)
{
    struct list due;
    list_init(&due);
    list_splice(&due, &offload->again);
    advance_all(offload, &due);

    struct epoll_event events[EVENTS_MAX];
    int timeout_ms = list_is_empty(&offload->again) ? 1000 : 0;
    int count = sys_epoll_wait(offload->epoll_fd, events, EVENTS_MAX, timeout_ms);
    bool has_done = false;
    for (int i = 0; i < count; i++) {
        if (events[i].data.ptr == NULL)
            accept_clients(offload, listening_fd);
        else if (events[i].data.ptr == offload)
            has_done = true;
        else
            on_event(offload, &events[i]);
    }
    /* Last: it may end clients that there were events of. */
    if (has_done)
        take_done(offload);
    struct lab_client *client;
    while ((client = lab_idle_list_next_expired(&offload->idle)) != NULL)
        destroy(CONTAINER_OF(client, struct offload_client, base));
}

static int begin(struct offload *offload, struct lab_site *site, int listening_fd)
{
    int error = lab_site_open(site);
    if (error == 0)
        error = offload->epoll_fd = sys_epoll_create();
    if (error >= 0)
        error = offload->wake_fd = sys_eventfd_create();
    if (error >= 0)
        error = sys_epoll_add(offload->epoll_fd, offload->wake_fd, EPOLLIN, offload);
    if (error >= 0)
        error = sys_epoll_add(offload->epoll_fd, listening_fd, EPOLLIN, NULL);
    lab_set_blocking(listening_fd, false);
    for (unsigned i = 0; i < LAB_OFFLOAD_THREADS && error >= 0; i++) {
        pthread_t thread;
        error = -pthread_create(&thread, NULL, run_jobs, offload);
    }
    return error;
}

int lab_serve_offload(struct lab_site *site, int listening_fd)
{
    static struct offload offload = {
        .mutex = PTHREAD_MUTEX_INITIALIZER,
        .job_arrived = PTHREAD_COND_INITIALIZER,
    };
    list_init(&offload.again);
    list_init(&offload.waiting);
    list_init(&offload.done);
    lab_idle_list_init(&offload.idle, site);
    int error = begin(&offload, site, listening_fd);
    if (error < 0)
        return error;
    for (;;)
        turn(&offload, listening_fd);
}
