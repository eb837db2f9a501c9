/* select(2): one thread that waits for all sockets at once.
 *
 * From here on no socket is ever waited for alone. The program asks which of them are ready, deals with
 * those, and asks again; what a thread's stack remembered (where in the request this client is) the session
 * remembers. It came with 4.2BSD in 1983, and it runs everywhere; thttpd, early Squid and many small daemons
 * were built on it.
 *
 * What it costs: the question is a set of bits, one for each descriptor up to the highest, copied into the
 * kernel, looked through there, copied back, and looked through again here; all that for each turn, however
 * few are ready. The more idle connections, the dearer each request. But there is no thread, no lock, and
 * hardly a context switch.
 *
 * What breaks it: the set's size, fixed when the C library was compiled: descriptors from FD_SETSIZE (1024)
 * on do not fit, and FD_SET with one of them writes into the neighbouring memory. So clients past that are
 * closed at once, whatever `ulimit -n` says. And a handler that blocks stops everyone, as in every loop of
 * one thread that runs its handlers itself. */
#include "lab/idle_list.h"
#include "lab/models.h"
#include "lab/nonblocking.h"

#include <errno.h>
#include <sys/select.h>
#include <sys/socket.h>

struct selection {
    struct lab_idle_list idle;
    int fd_end;                /* past the highest descriptor */
    fd_set readable, writable; /* what is waited for */
    struct lab_client *clients[FD_SETSIZE];
};

static void drop(struct selection *selection, struct lab_client *client)
{
    FD_CLR(client->fd, &selection->readable);
    FD_CLR(client->fd, &selection->writable);
    selection->clients[client->fd] = NULL;
    lab_client_destroy(client);
}

static void advance(struct selection *selection, struct lab_client *client)
{
    enum lab_need need = lab_client_advance_inline(client, NULL);
    if (need == LAB_NEEDS_CLOSE) {
        drop(selection, client);
        return;
    }
    FD_CLR(client->fd, need == LAB_NEEDS_ROOM ? &selection->readable : &selection->writable);
    FD_SET(client->fd, need == LAB_NEEDS_ROOM ? &selection->writable : &selection->readable);
    lab_idle_list_touch(&selection->idle, client);
}

static void accept_clients(struct selection *selection, struct lab_site *site, int listening_fd)
{
    struct lab_client *client;
    while ((client = lab_accept(site, listening_fd, SOCK_NONBLOCK, sizeof(*client))) != NULL) {
        if (client->fd >= FD_SETSIZE) {
            lab_client_refuse(client);
            continue;
        }
        selection->clients[client->fd] = client;
        selection->fd_end = MAX(selection->fd_end, client->fd + 1);
        FD_SET(client->fd, &selection->readable);
        lab_idle_list_touch(&selection->idle, client);
    }
}

static void drop_expired(struct selection *selection)
{
    struct lab_client *client;
    while ((client = lab_idle_list_next_expired(&selection->idle)) != NULL)
        drop(selection, client);
}

int lab_serve_select(struct lab_site *site, int listening_fd)
{
    static struct selection selection;
    int error = listening_fd < FD_SETSIZE ? lab_site_open(site) : -EMFILE;
    if (error < 0)
        return error;
    lab_set_blocking(listening_fd, false);
    lab_idle_list_init(&selection.idle, site);
    FD_SET(listening_fd, &selection.readable);
    selection.fd_end = listening_fd + 1;
    for (;;) {
        /* select(2) overwrites the sets with what is ready, so they must be filled again for each call. */
        fd_set readable = selection.readable, writable = selection.writable;
        struct timeval timeout = {.tv_sec = 1};
        int count = select(selection.fd_end, &readable, &writable, NULL, &timeout);
        for (int fd = 0; fd < selection.fd_end && count > 0; fd++) {
            if (!FD_ISSET(fd, &readable) && !FD_ISSET(fd, &writable))
                continue;
            count--;
            if (fd == listening_fd)
                accept_clients(&selection, site, listening_fd);
            else
                advance(&selection, selection.clients[fd]);
        }
        drop_expired(&selection);
    }
}
