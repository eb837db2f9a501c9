/* libuv: Node.js's loop.
 *
 * It was written for Node.js to have completion, as Windows has it, on every system: "read this, and call me
 * with the bytes". Below it are epoll, kqueue or completion ports, and a pool of threads for files and names.
 * Here its uv_poll_t is used, which reports readiness, so that receiving and sending are those of all models;
 * its own streams would allocate a buffer for each read and a request for each write.
 *
 * What it costs: 160 bytes for each handle, and the rule that a handle's memory belongs to the loop until the
 * callback of uv_close has run: so each client lives until the end of the turn in which it was closed.
 *
 * What breaks it: a handler that blocks, as in every loop: "don't block the event loop" is the first rule
 * that Node.js teaches. Its pool (uv_queue_work) is the cure, as in lab/offload.c, with four threads by
 * default. */
#include "lab/models.h"

#include <errno.h>

#ifdef HAVE_LIBUV

#include "lab/idle_list.h"
#include "lab/nonblocking.h"

#include <sys/socket.h>
#include <uv.h>

struct libuv_client {
    struct lab_client base;
    uv_poll_t poll;
    int watched; /* UV_READABLE or UV_WRITABLE */
};

struct libuv_loop {
    uv_loop_t loop;
    struct lab_idle_list idle;
    uv_poll_t listening;
    uv_timer_t tick;
};

static struct libuv_loop own;

static void on_closed(uv_handle_t *handle)
{
    struct libuv_client *client = CONTAINER_OF(handle, struct libuv_client, poll);
    lab_client_destroy(&client->base);
}

static void destroy(struct libuv_client *client)
{
    list_remove(&client->base.link); /* until then it must not expire as well */
    uv_close((uv_handle_t *)&client->poll, on_closed);
}

static void on_ready(uv_poll_t *poll, int status, int events);

static int watch(struct libuv_client *client, int events)
{
    client->watched = events;
    return uv_poll_start(&client->poll, events, on_ready);
}

/* An error of the socket is reported by the next receive or send. */
static void on_ready(uv_poll_t *poll, int status, int events)
{
    struct libuv_client *client = CONTAINER_OF(poll, struct libuv_client, poll);
    enum lab_need need = lab_client_advance_inline(&client->base, NULL);
    int wanted = need == LAB_NEEDS_ROOM ? UV_WRITABLE : UV_READABLE;
    (void)status, (void)events;
    if (need == LAB_NEEDS_CLOSE || (wanted != client->watched && watch(client, wanted) < 0))
        destroy(client);
    else
        lab_idle_list_touch(&own.idle, &client->base);
}

static void accept_clients(uv_poll_t *poll, int status, int events)
{
    uv_os_fd_t listening_fd;
    struct libuv_client *client;
    (void)status, (void)events;
    if (uv_fileno((uv_handle_t *)poll, &listening_fd) < 0)
        return;
    while ((client = lab_accept(own.idle.site, listening_fd, SOCK_NONBLOCK, sizeof(*client))) != NULL) {
        if (uv_poll_init(&own.loop, &client->poll, client->base.fd) < 0)
            lab_client_refuse(&client->base);
        else if (watch(client, UV_READABLE) < 0)
            destroy(client);
        else
            lab_idle_list_touch(&own.idle, &client->base);
    }
}

static void on_tick(uv_timer_t *tick)
{
    struct lab_client *client;
    (void)tick;
    while ((client = lab_idle_list_next_expired(&own.idle)) != NULL)
        destroy(CONTAINER_OF(client, struct libuv_client, base));
}

int lab_serve_libuv(struct lab_site *site, int listening_fd)
{
    int error = lab_site_open(site);
    if (error < 0)
        return error;
    lab_idle_list_init(&own.idle, site);
    error = uv_loop_init(&own.loop);
    if (error == 0)
        error = uv_poll_init(&own.loop, &own.listening, listening_fd);
    if (error == 0)
        error = uv_poll_start(&own.listening, UV_READABLE, accept_clients);
    if (error == 0)
        error = uv_timer_init(&own.loop, &own.tick);
    if (error == 0)
        error = uv_timer_start(&own.tick, on_tick, 1000, 1000);
    if (error < 0)
        return error;
    uv_run(&own.loop, UV_RUN_DEFAULT);
    return -EIO;
}

const char *lab_libuv_unavailable(void)
{
    return NULL;
}

#else

int lab_serve_libuv(struct lab_site *site, int listening_fd)
{
    (void)site, (void)listening_fd;
    return -ENOSYS;
}

const char *lab_libuv_unavailable(void)
{
    return "this vif was built without libuv";
}

#endif
