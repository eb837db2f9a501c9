/* The listening sockets of all workers; the master opens them and keeps them open for its whole life.
 *
 * A TCP listener has one socket per worker, among which the kernel distributes connections; a Unix listener
 * has one socket shared by all. A replacement worker inherits the socket of its predecessor with its queue.
 * Every worker has all sockets, as it may have to accept in place of another (keepers.h). */
#ifndef PROC_SOCKETS_H
#define PROC_SOCKETS_H

#include "conf/config.h"
#include "sys/listen.h"

struct sockets {
    size_t listener_count;
    size_t worker_count;
    struct address *bound;     /* of each listener */
    struct socket_file *files; /* of each listener */
    int *fds;                  /* by listener and worker; -1: not open */
};

/* Opens all sockets. On failure none is open; returns the error of listener `ret_failed`: -errno, or
 * ERROR_SYNTAX for an invalid address. Otherwise returns 0. */
int sockets_open(struct sockets *sockets, const struct config *config, size_t worker_count,
                 size_t *ret_failed) MUST_CHECK;

/* Whether all workers share one socket of this listener. */
bool sockets_is_shared(const struct sockets *sockets, size_t listener);

/* The worker's socket of this listener. */
int sockets_fd(const struct sockets *sockets, size_t listener, size_t worker);

/* Closes open sockets and, with `remove_files`, removes Unix socket files. May be called on a zeroed one. */
void sockets_close(struct sockets *sockets, bool remove_files);

#endif
