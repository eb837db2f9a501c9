/* poll(2): select with a list in place of the set of bits.
 *
 * Each entry names a descriptor and what is waited for; the answer comes back beside the question, so nothing
 * has to be built anew, and no descriptor is too large. System V had it in 1986, POSIX took both.
 *
 * What it costs: eight bytes for each connection go into the kernel, which asks each socket in turn, hooks
 * itself into its queue and unhooks again; then the program looks through the list as well. Ten thousand idle
 * connections make each turn a matter of milliseconds, whoever it is for: the cost of a request rises while
 * the load stays the same. That is what "the C10K problem" was about.
 *
 * What breaks it: nothing at once. It gets slower with the number of connections, busy or not: `perf top`
 * shows do_sys_poll and tcp_poll where the server's own work should be. */
#include "lab/idle_list.h"
#include "lab/models.h"
#include "lab/nonblocking.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>

struct poll_client {
    struct lab_client base;
    unsigned slot; /* its index in the list */
};

struct polling {
    struct lab_idle_list idle;
    size_t count, capacity;
    struct pollfd *entries;       /* the first is the listening socket */
    struct poll_client **clients; /* beside them; the first is NULL */
};

static bool make_room(struct polling *polling)
{
    if (polling->count < polling->capacity)
        return true;
    size_t capacity = MAX(polling->capacity * 2, (size_t)64);
    struct pollfd *entries = realloc(polling->entries, capacity * sizeof(*entries));
    if (entries)
        polling->entries = entries;
    struct poll_client **clients = realloc(polling->clients, capacity * sizeof(struct poll_client *));
    if (clients)
        polling->clients = clients;
    if (entries == NULL || clients == NULL)
        return false;
    polling->capacity = capacity;
    return true;
}

static void add(struct polling *polling, int fd, struct poll_client *client)
{
    polling->entries[polling->count] = (struct pollfd){.fd = fd, .events = POLLIN};
    polling->clients[polling->count] = client;
    if (client)
        client->slot = (unsigned)polling->count;
    polling->count++;
}

/* The last one takes the place of the one that goes. */
static void drop(struct polling *polling, struct poll_client *client)
{
    size_t last = --polling->count;
    polling->entries[client->slot] = polling->entries[last];
    polling->clients[client->slot] = polling->clients[last];
    polling->clients[last]->slot = client->slot;
    lab_client_destroy(&client->base);
}

static void advance(struct polling *polling, struct poll_client *client)
{
    enum lab_need need = lab_client_advance_inline(&client->base, NULL);
    if (need == LAB_NEEDS_CLOSE) {
        drop(polling, client);
        return;
    }
    polling->entries[client->slot].events = need == LAB_NEEDS_ROOM ? POLLOUT : POLLIN;
    lab_idle_list_touch(&polling->idle, &client->base);
}

static void accept_clients(struct polling *polling, struct lab_site *site, int listening_fd)
{
    struct poll_client *client;
    while ((client = lab_accept(site, listening_fd, SOCK_NONBLOCK, sizeof(*client))) != NULL) {
        if (!make_room(polling)) {
            lab_client_refuse(&client->base);
            continue;
        }
        add(polling, client->base.fd, client);
        lab_idle_list_touch(&polling->idle, &client->base);
    }
}

static void drop_expired(struct polling *polling)
{
    struct lab_client *client;
    while ((client = lab_idle_list_next_expired(&polling->idle)) != NULL)
        drop(polling, CONTAINER_OF(client, struct poll_client, base));
}

int lab_serve_poll(struct lab_site *site, int listening_fd)
{
    struct polling polling = {0};
    int error = make_room(&polling) ? lab_site_open(site) : -ENOMEM;
    if (error < 0)
        return error;
    lab_set_blocking(listening_fd, false);
    lab_idle_list_init(&polling.idle, site);
    add(&polling, listening_fd, NULL);
    for (;;) {
        int count = poll(polling.entries, polling.count, 1000);
        /* From the end, as whoever takes the place of one that goes had its turn then. The listening socket
         * is the last to be asked: it makes the list longer. */
        for (size_t i = polling.count; i-- > 0 && count > 0;) {
            if (polling.entries[i].revents == 0)
                continue;
            count--;
            if (i == 0)
                accept_clients(&polling, site, listening_fd);
            else
                advance(&polling, polling.clients[i]);
        }
        drop_expired(&polling);
    }
}
