/* A loop that spins: it asks every socket, all the time.
 *
 * The first idea of whoever learns of O_NONBLOCK: if recv(2) says EAGAIN at once instead of waiting, one
 * thread can ask all sockets in turn, and begin again. It needs nothing else of the kernel, and while every
 * client is busy it is even quick: there is no call to wait, and nobody is ever woken. Programs that have a
 * processor to themselves do the same on purpose (DPDK's drivers, the polling mode of disks).
 *
 * What it costs: a whole processor, always: `top` shows 100 % without a single client. And one system call
 * for each client in each turn, ready or not; so a request waits for a turn that is as long as there are
 * connections, as with poll(2), but with a call for each where poll makes one for all.
 *
 * What breaks it: idle connections, and whatever else would need the processor. Sleeping a little in each
 * turn is no cure: then each request waits for the sleep. What is missing is a call that sleeps until one of
 * many sockets is ready, which is what select(2) is. */
#include "lab/idle_list.h"
#include "lab/models.h"
#include "lab/nonblocking.h"

#include <sys/socket.h>

struct spin_client {
    struct lab_client base;
    struct lab_readiness readiness;
    struct list link; /* in spin.clients */
};

struct spin {
    struct list clients;
    struct lab_idle_list idle;
};

static void destroy(struct spin_client *client)
{
    list_remove(&client->link);
    lab_client_destroy(&client->base);
}

/* Nobody says whether the socket is ready: a call that fails with EAGAIN does. */
static void ask(struct spin *spin, struct spin_client *client)
{
    if (lab_client_advance_inline(&client->base, &client->readiness) == LAB_NEEDS_CLOSE)
        destroy(client);
    else if (client->readiness.has_moved)
        lab_idle_list_touch(&spin->idle, &client->base);
}

static void accept_clients(struct spin *spin, int listening_fd)
{
    struct spin_client *client;
    while ((client = lab_accept(spin->idle.site, listening_fd, SOCK_NONBLOCK, sizeof(*client))) != NULL) {
        list_init(&client->link);
        list_append(&spin->clients, &client->link);
        lab_idle_list_touch(&spin->idle, &client->base);
    }
}

static void drop_expired(struct spin *spin)
{
    struct lab_client *client;
    while ((client = lab_idle_list_next_expired(&spin->idle)) != NULL)
        destroy(CONTAINER_OF(client, struct spin_client, base));
}

int lab_serve_spin(struct lab_site *site, int listening_fd)
{
    struct spin spin;
    int error = lab_site_open(site);
    if (error < 0)
        return error;
    lab_set_blocking(listening_fd, false);
    lab_idle_list_init(&spin.idle, site);
    list_init(&spin.clients);
    for (;;) {
        accept_clients(&spin, listening_fd);
        LIST_FOREACH_SAFE(link, &spin.clients)
            ask(&spin, CONTAINER_OF(link, struct spin_client, link));
        drop_expired(&spin);
    }
}
