/* Threads with a loop each: lab/epoll_edge.c, LAB_LOOPS times in one process.
 *
 * Each thread has an epoll instance and a listening socket of its own (SO_REUSEPORT), and keeps its clients
 * for good; so nothing about a connection is shared. What the handlers use is: the cache of files, counters,
 * the settings exist once, and every thread sees a change at once. memcached works like this (there one
 * thread accepts and hands out the sockets in turn), HAProxy since 1.8, and Java's Netty.
 *
 * What it costs: locks around what is shared. Here it is one lock around the whole handler (lab/site.c), so
 * the threads take turns for about a microsecond of each request; a server designed for threads cuts it
 * finer, and that is most of its work. lab/workers.c has the same loops in processes: no locks, and each has
 * a cache of its own, which is filled as often as there are processes.
 *
 * What breaks it: a handler that blocks stops the clients of its thread; with the lock held it would stop all
 * threads. A crash ends the whole server. */
#include "lab/client.h"
#include "lab/listen.h"
#include "lab/models.h"

#include <pthread.h>
#include <sys/epoll.h>
#include <unistd.h>

struct loop_thread {
    struct lab_site *site;
    int epoll_fd, listening_fd;
};

static void *run_loop(void *argument)
{
    struct loop_thread *own = argument;
    lab_epoll_edge_run(own->site, own->epoll_fd, own->listening_fd);
    return NULL;
}

/* Before any of them serves: its clients might take the last descriptors. */
static int open_descriptors(struct loop_thread *threads, struct lab_site *site, int listening_fd)
{
    lab_reserve_descriptor();
    for (unsigned i = 0; i < LAB_LOOPS; i++) {
        int fd = i == 0 ? listening_fd : lab_listen_again(listening_fd);
        int epoll_fd = fd < 0 ? fd : lab_epoll_edge_open(fd, EPOLLIN);
        if (epoll_fd < 0)
            return epoll_fd;
        threads[i] = (struct loop_thread){.site = site, .epoll_fd = epoll_fd, .listening_fd = fd};
    }
    return 0;
}

int lab_serve_loop_threads(struct lab_site *site, int listening_fd)
{
    static struct loop_thread threads[LAB_LOOPS];
    pthread_t thread;
    int error = lab_site_open(site);
    if (error == 0)
        error = open_descriptors(threads, site, listening_fd);
    lab_site_share(site);
    for (unsigned i = 0; i < LAB_LOOPS && error == 0; i++)
        error = -pthread_create(&thread, NULL, run_loop, &threads[i]);
    if (error < 0)
        return error;
    for (;;)
        pause(); /* the threads serve */
}
