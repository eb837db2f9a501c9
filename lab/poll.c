/* poll(2): select with a list in place of the set of bits.
 *
 * Each entry names a descriptor and what is waited for; the answer comes back beside the question, so nothing
 * has to be built anew, and no descriptor is too large. System V had it in 1986, POSIX took both.
 *
 * What it costs: eight bytes for each connection go into the kernel, which asks each socket in turn, hooks
 * itself into its queue and unhooks again; then the program looks through the list as well. Ten thousand idle
 * connections make each turn a matter of milliseconds, whoever it is for: the curve bends upwards while the
 * load stays the same. That is what "the C10K problem" was about.
 *
 * What breaks it: nothing at once. It gets slower with the number of connections, busy or not: `perf top`
 * shows do_sys_poll and tcp_poll where the server's own work should be. */
#include "lab/client.h"
#include "lab/models.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>

struct polling {
    struct lab_crowd crowd;
    size_t count, capacity;
    struct pollfd *entries;      /* the first is the listening socket */
    struct lab_client **clients; /* beside them; the first is NULL */
};

static bool make_room(struct polling *polling)
{
    if (polling->count < polling->capacity)
        return true;
    size_t capacity = MAX(polling->capacity * 2, (size_t)64);
    struct pollfd *entries = realloc(polling->entries, capacity * sizeof(*entries));
    if (entries)
        polling->entries = entries;
    struct lab_client **clients = realloc(polling->clients, capacity * sizeof(struct lab_client *));
    if (clients)
        polling->clients = clients;
    if (entries == NULL || clients == NULL)
        return false;
    polling->capacity = capacity;
    return true;
}

static void add(struct polling *polling, int fd, struct lab_client *client)
{
    polling->entries[polling->count] = (struct pollfd){.fd = fd, .events = POLLIN};
    polling->clients[polling->count] = client;
    if (client)
        client->slot = (unsigned)polling->count;
    polling->count++;
}

/* The last one takes the place of the one that goes. */
static void drop(struct polling *polling, struct lab_client *client)
{
    size_t last = --polling->count;
    polling->entries[client->slot] = polling->entries[last];
    polling->clients[client->slot] = polling->clients[last];
    polling->clients[last]->slot = client->slot;
    lab_client_destroy(client);
}

static void go_on(struct polling *polling, struct lab_client *client)
{
    enum lab_need need = lab_client_go_on_here(client);
    if (need == LAB_NEEDS_CLOSE) {
        drop(polling, client);
        return;
    }
    polling->entries[client->slot].events = need == LAB_NEEDS_ROOM ? POLLOUT : POLLIN;
    lab_crowd_note(&polling->crowd, client);
}

static void accept_clients(struct polling *polling, struct lab_site *site, int listening_fd)
{
    struct lab_client *client;
    while ((client = lab_accept(site, listening_fd, SOCK_NONBLOCK)) != NULL) {
        if (!make_room(polling)) {
            lab_client_refuse(client);
            continue;
        }
        add(polling, client->fd, client);
        lab_crowd_note(&polling->crowd, client);
    }
}

static void drop_silent(struct polling *polling)
{
    struct lab_client *client;
    while ((client = lab_crowd_next_silent(&polling->crowd)) != NULL)
        drop(polling, client);
}

int lab_serve_poll(struct lab_site *site, int listening_fd)
{
    struct polling polling = {0};
    int error = make_room(&polling) ? lab_site_open(site) : -ENOMEM;
    if (error < 0)
        return error;
    lab_set_blocking(listening_fd, false);
    lab_crowd_init(&polling.crowd, site);
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
                go_on(&polling, polling.clients[i]);
        }
        drop_silent(&polling);
    }
}
