/* The listening sockets of all workers, which the master opens and keeps for as long as it lives.
 *
 * A TCP listener has one socket per worker, among which the kernel spreads connections; a Unix listener has
 * one that all share. A worker that dies leaves its socket, queue included, to the one that replaces it; and
 * while it cannot accept another does so in its place (keepers.h), so every worker has all of them. */
#ifndef PROC_SOCKETS_H
#define PROC_SOCKETS_H

#include "conf/config.h"
#include "sys/listen.h"

struct sockets {
    size_t listener_count;
    size_t worker_count;
    struct address *bound;     /* of each listener */
    struct socket_file *files; /* of each listener */
    int *fds;                  /* of each listener and worker; -1: not open */
};

/* Opens everything. Returns 0, or the error of listener `ret_failed`, which is -errno or ERROR_SYNTAX for an
 * address that cannot be read. Then nothing is open. */
int sockets_open(struct sockets *sockets, const struct config *config, size_t worker_count,
                 size_t *ret_failed) MUST_CHECK;

/* Whether all workers have the same socket of this listener. */
bool sockets_is_shared(const struct sockets *sockets, size_t listener);

/* The socket of this listener for this worker. */
int sockets_fd(const struct sockets *sockets, size_t listener, size_t worker);

/* Closes what is open and, with `remove_files`, removes the files of Unix sockets. Right on a zeroed one too.
 */
void sockets_close(struct sockets *sockets, bool remove_files);

#endif
