/* libev: a loop that does one thing.
 *
 * Written as libevent's faster and smaller successor: watchers are structs of the program, so nothing is
 * allocated, and there are no buffers, no names, no protocols. Node.js began with it, and pgbouncer's and
 * gevent's authors chose it. Its source can be compiled into a program as one file.
 *
 * What it costs: 48 bytes for each watcher, a table from descriptors to watchers. Changes of what is waited
 * for are collected and made at the next turn, so one that is taken back costs nothing.
 *
 * What breaks it: a handler that blocks, as in every loop. Stopping a watcher is safe at any time; freeing
 * one that was not stopped is not, and shows much later. */
#include "lab/models.h"

#include <errno.h>

#ifdef HAVE_LIBEV

#include "lab/idle_list.h"
#include "lab/nonblocking.h"

#include <ev.h>
#include <sys/socket.h>

struct libev_client {
    struct lab_client base;
    ev_io watcher;
};

static struct lab_idle_list idle;

static void destroy(struct ev_loop *loop, struct libev_client *client)
{
    ev_io_stop(loop, &client->watcher);
    lab_client_destroy(&client->base);
}

static void on_ready(struct ev_loop *loop, ev_io *watcher, int events)
{
    struct libev_client *client = CONTAINER_OF(watcher, struct libev_client, watcher);
    enum lab_need need = lab_client_advance_inline(&client->base, NULL);
    int wanted = need == LAB_NEEDS_ROOM ? EV_WRITE : EV_READ;
    (void)events;
    if (need == LAB_NEEDS_CLOSE) {
        destroy(loop, client);
        return;
    }
    if ((watcher->events & (EV_READ | EV_WRITE)) != wanted) {
        ev_io_stop(loop, watcher);
        ev_io_set(watcher, client->base.fd, wanted);
        ev_io_start(loop, watcher);
    }
    lab_idle_list_touch(&idle, &client->base);
}

static void accept_clients(struct ev_loop *loop, ev_io *listening, int events)
{
    struct libev_client *client;
    (void)events;
    while ((client = lab_accept(idle.site, listening->fd, SOCK_NONBLOCK, sizeof(*client))) != NULL) {
        ev_io_init(&client->watcher, on_ready, client->base.fd, EV_READ);
        ev_io_start(loop, &client->watcher);
        lab_idle_list_touch(&idle, &client->base);
    }
}

static void on_tick(struct ev_loop *loop, ev_timer *tick, int events)
{
    struct lab_client *client;
    (void)tick, (void)events;
    while ((client = lab_idle_list_next_expired(&idle)) != NULL)
        destroy(loop, CONTAINER_OF(client, struct libev_client, base));
}

int lab_serve_libev(struct lab_site *site, int listening_fd)
{
    static ev_io listening;
    static ev_timer tick;
    int error = lab_site_open(site);
    if (error < 0)
        return error;
    lab_set_blocking(listening_fd, false);
    lab_idle_list_init(&idle, site);
    struct ev_loop *loop = ev_loop_new(EVFLAG_AUTO);
    if (loop == NULL)
        return -ENOMEM;
    ev_io_init(&listening, accept_clients, listening_fd, EV_READ);
    ev_io_start(loop, &listening);
    ev_timer_init(&tick, on_tick, 1., 1.);
    ev_timer_start(loop, &tick);
    ev_run(loop, 0);
    return -EIO;
}

const char *lab_libev_unavailable(void)
{
    return NULL;
}

#else

int lab_serve_libev(struct lab_site *site, int listening_fd)
{
    (void)site, (void)listening_fd;
    return -ENOSYS;
}

const char *lab_libev_unavailable(void)
{
    return "this vif was built without libev";
}

#endif
