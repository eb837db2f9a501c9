/* libevent: the loop of lab/epoll_level.c, written by others.
 *
 * A program registers callbacks for sockets, timers and signals, and calls event_base_dispatch, which never
 * returns; the library chooses epoll, kqueue, poll or select. memcached, Tor and Chromium's early versions
 * are built on it. Here only its events are used: receiving and sending are those of all models. Its
 * bufferevents would do these, too, and copy the bytes through their buffers once more.
 *
 * What it costs: 128 bytes for each event, a table from descriptors to events, and some calls through
 * pointers for each socket that is ready. A socket that waits for something else than before is an
 * epoll_ctl(2), as in lab/epoll_level.c.
 *
 * What breaks it: what breaks any loop, a handler that blocks. And what belongs to the library: a callback
 * must not free its event's memory before event_del, and debuggers show event_base_loop at the bottom of
 * every stack, and not who asked for it. */
#include "lab/models.h"

#include <errno.h>

#ifdef HAVE_LIBEVENT

#include "lab/idle_list.h"
#include "lab/nonblocking.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <sys/socket.h>

struct libevent_client {
    struct lab_client base;
    struct event event;
};

struct libevent_loop {
    struct event_base *base;
    struct lab_idle_list idle;
    struct event listening, tick;
};

static struct libevent_loop loop;

static void destroy(struct libevent_client *client)
{
    event_del(&client->event);
    lab_client_destroy(&client->base);
}

static void on_ready(evutil_socket_t fd, short events, void *context);

static int watch(struct libevent_client *client, short events)
{
    event_assign(&client->event, loop.base, client->base.fd, events | EV_PERSIST, on_ready, client);
    return event_add(&client->event, NULL);
}

static void on_ready(evutil_socket_t fd, short events, void *context)
{
    struct libevent_client *client = context;
    enum lab_need need = lab_client_advance_inline(&client->base, NULL);
    short wanted = need == LAB_NEEDS_ROOM ? EV_WRITE : EV_READ;
    (void)fd;
    if (need == LAB_NEEDS_CLOSE) {
        destroy(client);
        return;
    }
    if (wanted != events) {
        event_del(&client->event);
        if (watch(client, wanted) < 0) {
            destroy(client);
            return;
        }
    }
    lab_idle_list_touch(&loop.idle, &client->base);
}

static void accept_clients(evutil_socket_t listening_fd, short events, void *context)
{
    struct libevent_client *client;
    (void)events, (void)context;
    while ((client = lab_accept(loop.idle.site, listening_fd, SOCK_NONBLOCK, sizeof(*client))) != NULL) {
        if (watch(client, EV_READ) < 0)
            lab_client_refuse(&client->base);
        else
            lab_idle_list_touch(&loop.idle, &client->base);
    }
}

static void on_tick(evutil_socket_t fd, short events, void *context)
{
    struct lab_client *client;
    (void)fd, (void)events, (void)context;
    while ((client = lab_idle_list_next_expired(&loop.idle)) != NULL)
        destroy(CONTAINER_OF(client, struct libevent_client, base));
}

int lab_serve_libevent(struct lab_site *site, int listening_fd)
{
    int error = lab_site_open(site);
    if (error < 0)
        return error;
    lab_set_blocking(listening_fd, false);
    lab_idle_list_init(&loop.idle, site);
    loop.base = event_base_new();
    if (loop.base == NULL)
        return -ENOMEM;
    event_assign(&loop.listening, loop.base, listening_fd, EV_READ | EV_PERSIST, accept_clients, NULL);
    event_assign(&loop.tick, loop.base, -1, EV_PERSIST, on_tick, NULL);
    event_add(&loop.listening, NULL);
    event_add(&loop.tick, &(struct timeval){.tv_sec = 1});
    event_base_dispatch(loop.base);
    return -EIO;
}

const char *lab_libevent_unavailable(void)
{
    return NULL;
}

#else

int lab_serve_libevent(struct lab_site *site, int listening_fd)
{
    (void)site, (void)listening_fd;
    return -ENOSYS;
}

const char *lab_libevent_unavailable(void)
{
    return "this vif was built without libevent";
}

#endif
