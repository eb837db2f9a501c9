/* Several loops, and who gets a new connection: three ways that differ in one line.
 *
 * LAB_LOOPS processes run lab/epoll_edge.c. The question is what they listen on:
 *
 *   shared      one socket in the epoll instances of all. A new connection wakes all of them, one accepts it,
 *               and the others have woken in vain: the thundering herd. Apache and early nginx put a lock
 *               around accept against it.
 *   exclusive   the same with EPOLLEXCLUSIVE (Linux 4.5): the kernel wakes one of those that sleep. It tries
 *               them in the same order each time, so at little load one loop gets nearly all connections.
 *   reuseport   a socket each (SO_REUSEPORT, Linux 3.9): the kernel deals connections out by a hash of their
 *               addresses. Nobody wakes in vain, and the shares are those of a dice: even for thousands of
 *               connections, uneven for ten. A connection waits for its loop even while another idles.
 *
 * What they cost: docs/architectures.md counts how often loops are woken for a connection, and what the
 * busiest and the idlest of them get. lab/workers.c is the third with a loop for each processor.
 *
 * What breaks them: what breaks one loop. A loop whose handler blocks keeps the connections that wait in its
 * own socket (reuseport); from a shared socket the others take them. */
#include "lab/listen.h"
#include "lab/models.h"
#include "lab/processes.h"

#include <sys/epoll.h>

struct sharing {
    struct lab_site *site;
    int listening_fds[LAB_LOOPS];
    uint32_t events;
};

static int serve_loop(void *context, unsigned number)
{
    struct sharing *sharing = context;
    int listening_fd = sharing->listening_fds[number];
    int error = lab_site_open(sharing->site);
    int epoll_fd = error < 0 ? error : lab_epoll_edge_open(listening_fd, sharing->events);
    if (epoll_fd >= 0)
        lab_epoll_edge_run(sharing->site, epoll_fd, listening_fd);
    return epoll_fd;
}

static int serve_shared(struct lab_site *site, int listening_fd, uint32_t events)
{
    struct sharing sharing = {.site = site, .events = events};
    for (unsigned i = 0; i < LAB_LOOPS; i++)
        sharing.listening_fds[i] = listening_fd;
    return lab_run_processes(LAB_LOOPS, serve_loop, &sharing);
}

int lab_serve_shared_socket(struct lab_site *site, int listening_fd)
{
    return serve_shared(site, listening_fd, EPOLLIN);
}

int lab_serve_exclusive(struct lab_site *site, int listening_fd)
{
    return serve_shared(site, listening_fd, EPOLLIN | EPOLLEXCLUSIVE);
}

int lab_serve_reuseport(struct lab_site *site, int listening_fd)
{
    struct sharing sharing = {.site = site, .listening_fds = {listening_fd}, .events = EPOLLIN};
    for (unsigned i = 1; i < LAB_LOOPS; i++) {
        sharing.listening_fds[i] = lab_listen_again(listening_fd);
        if (sharing.listening_fds[i] < 0)
            return sharing.listening_fds[i];
    }
    return lab_run_processes(LAB_LOOPS, serve_loop, &sharing);
}
