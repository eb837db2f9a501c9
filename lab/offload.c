/* epoll with threads for what blocks: the loop for the network, and the pool for the rest.
 *
 * Waiting for sockets is the loop's business, as before. Work that may block (a disk, a database,
 * LAB_BLOCK_PATH) goes to a thread, which comes back by way of a list and an eventfd that wakes the loop. So
 * a slow handler holds a thread and not the server. libuv, and so Node.js, does that for files and name
 * look-ups, nginx for files
 * ("aio threads"), and vif (loop/offload.c).
 *
 * What it costs: two context switches and two locks for each piece of work: about as long as a small response
 * takes altogether. So only what may block goes that way, and what is in memory does not; to tell one from
 * the other is the hard part (vif asks the kernel: openat2 with RESOLVE_CACHED, preadv2 with RWF_NOWAIT).
 *
 * What breaks it: more work that blocks than threads. From there on it waits in the queue, and its clients
 * with it, at LAB_OFFLOAD_THREADS / time of blocking pieces a second; but those who ask for something else
 * never notice. That is the difference to see when a slow and a fast path are asked for at once. The queue is
 * bounded by the clients, each of which waits for one piece of work at most. */
#include "lab/client.h"
#include "lab/models.h"
#include "sys/event.h"

#include <errno.h>
#include <pthread.h>
#include <sys/socket.h>

#define EVENTS_MAX 256

struct offload {
    int epoll_fd;
    int wake_fd; /* an eventfd: something is worked out */
    struct lab_crowd crowd;
    struct list again; /* clients, by queue, who had their share and are still ready */
    pthread_mutex_t mutex;
    pthread_cond_t work_arrived;
    struct list waiting; /* clients, by queue, whom no thread works for yet */
    struct list worked;  /* clients, by queue, whose work is done */
};

static void *work(void *argument)
{
    struct offload *offload = argument;
    pthread_mutex_lock(&offload->mutex);
    for (;;) {
        while (list_is_empty(&offload->waiting))
            pthread_cond_wait(&offload->work_arrived, &offload->mutex);
        struct lab_client *client = CONTAINER_OF(offload->waiting.next, struct lab_client, queue);
        list_remove(&client->queue);
        pthread_mutex_unlock(&offload->mutex);
        lab_session_work(&client->session);
        pthread_mutex_lock(&offload->mutex);
        list_append(&offload->worked, &client->queue);
        sys_eventfd_raise(offload->wake_fd);
    }
    return NULL;
}

static void hand_over(struct offload *offload, struct lab_client *client)
{
    list_remove(&client->link); /* nobody is silent while we are */
    pthread_mutex_lock(&offload->mutex);
    list_append(&offload->waiting, &client->queue);
    pthread_cond_signal(&offload->work_arrived);
    pthread_mutex_unlock(&offload->mutex);
}

static void go_on(struct offload *offload, struct lab_client *client)
{
    list_remove(&client->queue);
    switch (lab_client_go_on(client)) {
    case LAB_NEEDS_CLOSE: lab_client_destroy(client); return;
    case LAB_NEEDS_WORK: hand_over(offload, client); return;
    case LAB_NEEDS_BYTES:
    case LAB_NEEDS_ROOM:
    case LAB_NEEDS_SHUTDOWN: break;
    }
    if (client->has_more)
        list_append(&offload->again, &client->queue);
    lab_crowd_note(&offload->crowd, client);
}

/* Continues with the clients of a list to which others may be added meanwhile. */
static void go_on_with(struct offload *offload, struct list *clients)
{
    while (!list_is_empty(clients))
        go_on(offload, CONTAINER_OF(clients->next, struct lab_client, queue));
}

static void take_worked(struct offload *offload)
{
    struct list worked;
    list_init(&worked);
    sys_eventfd_clear(offload->wake_fd);
    pthread_mutex_lock(&offload->mutex);
    list_splice(&worked, &offload->worked);
    pthread_mutex_unlock(&offload->mutex);
    LIST_FOREACH(link, &worked)
        lab_session_worked(&CONTAINER_OF(link, struct lab_client, queue)->session);
    go_on_with(offload, &worked);
}

/* Edge-triggered, so that what happens to a socket while a thread works for its client is told once, and
 * looked at when the thread is done. */
static void on_event(struct offload *offload, const struct epoll_event *event)
{
    struct lab_client *client = event->data.ptr;
    client->peer_ended |= (event->events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
    if (lab_session_need(&client->session) != LAB_NEEDS_WORK)
        go_on(offload, client);
}

static void accept_clients(struct offload *offload, int listening_fd)
{
    struct lab_client *client;
    while ((client = lab_accept(offload->crowd.site, listening_fd, SOCK_NONBLOCK)) != NULL) {
        uint32_t events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
        if (sys_epoll_add(offload->epoll_fd, client->fd, events, client) < 0)
            lab_client_refuse(client);
        else
            lab_crowd_note(&offload->crowd, client);
    }
}

static void turn(struct offload *offload, int listening_fd)
{
    struct list due;
    list_init(&due);
    list_splice(&due, &offload->again);
    go_on_with(offload, &due);

    struct epoll_event events[EVENTS_MAX];
    int timeout_ms = list_is_empty(&offload->again) ? 1000 : 0;
    int count = sys_epoll_wait(offload->epoll_fd, events, EVENTS_MAX, timeout_ms);
    bool is_worked = false;
    for (int i = 0; i < count; i++) {
        if (events[i].data.ptr == NULL)
            accept_clients(offload, listening_fd);
        else if (events[i].data.ptr == offload)
            is_worked = true;
        else
            on_event(offload, &events[i]);
    }
    /* Last: it may end clients that there were events of. */
    if (is_worked)
        take_worked(offload);
    struct lab_client *client;
    while ((client = lab_crowd_next_silent(&offload->crowd)) != NULL)
        lab_client_destroy(client);
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
        error = -pthread_create(&thread, NULL, work, offload);
    }
    return error;
}

int lab_serve_offload(struct lab_site *site, int listening_fd)
{
    static struct offload offload = {
        .mutex = PTHREAD_MUTEX_INITIALIZER,
        .work_arrived = PTHREAD_COND_INITIALIZER,
    };
    list_init(&offload.again);
    list_init(&offload.waiting);
    list_init(&offload.worked);
    lab_crowd_init(&offload.crowd, site);
    int error = begin(&offload, site, listening_fd);
    if (error < 0)
        return error;
    for (;;)
        turn(&offload, listening_fd);
}
