/* epoll with a worker process for each processor: the event loop, as often as there are processors.
 *
 * Each worker is lab/epoll_edge.c, whole and alone, with a listening socket of its own on the same
 * address (SO_REUSEPORT): the kernel deals the connections out by a hash of their addresses. Nothing is
 * shared, so there is nothing to lock. nginx, HAProxy (with threads that share as little) and vif are built
 * like this.
 *
 * What it costs: each worker has its own cache and its own idea of what is going on. A connection stays with
 * the worker that it was dealt to, even while that one is busy and another idles; with few connections the
 * hash is unjust: of eight over two workers, five and three is nothing unusual.
 *
 * What breaks it: the same as one loop, at a multiple of its load; and a worker that dies takes its clients
 * with it. Its socket stays open in the parent, so that whoever waits in its queue is served by the worker
 * that takes its place. */
#include "lab/listen.h"
#include "lab/models.h"
#include "lab/processes.h"
#include "sys/process.h"

#define WORKERS_MAX 64

struct workers {
    struct lab_site *site;
    int listening_fds[WORKERS_MAX];
};

static int serve(void *context, unsigned number)
{
    struct workers *workers = context;
    return lab_serve_epoll_edge(workers->site, workers->listening_fds[number]);
}

int lab_serve_workers(struct lab_site *site, int listening_fd)
{
    struct workers workers = {.site = site, .listening_fds = {listening_fd}};
    unsigned count = MIN(sys_cores(), (unsigned)WORKERS_MAX);
    for (unsigned i = 1; i < count; i++) {
        workers.listening_fds[i] = lab_listen_again(listening_fd);
        if (workers.listening_fds[i] < 0)
            return workers.listening_fds[i];
    }
    return lab_run_processes(count, serve, &workers);
}
