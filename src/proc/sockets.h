/* The listening sockets of all workers; the master opens them and keeps them open for its whole life.
 *
 * A TCP listener has one socket per worker, among which the kernel distributes connections; a Unix listener
 * has one socket shared by all, and so has one whose socket the service manager has opened. A replacement
 * worker inherits the socket of its predecessor with its queue.
 * Every worker has all sockets, as it may have to accept in place of another (keepers.h). */
#ifndef PROC_SOCKETS_H
#define PROC_SOCKETS_H

#include "conf/config.h"
#include "sys/listen.h"

struct inheritance;

struct sockets {
    size_t listener_count;
    size_t worker_count;
    struct address *bound;     /* of each listener */
    struct socket_file *files; /* of each listener */
    bool *activated; /* of each listener: the socket is the service manager's, which goes on with it */
    int *fds;        /* by listener and worker; -1: not open */
    unsigned *since; /* by listener and worker: the generation that the socket was opened for */
};

/* Opens all sockets that are not inherited. There may be sockets for more workers than that, which others
 * have to accept from. On failure none is open; returns the error of listener `ret_failed`: -errno, or
 * ERROR_SYNTAX for an invalid address. Otherwise returns 0. */
int sockets_open(struct sockets *sockets, const struct config *config, size_t worker_count,
                 struct inheritance *inheritance, size_t *ret_failed) MUST_CHECK;

/* From now on the files of inherited Unix sockets are removed with them. */
void sockets_own(struct sockets *sockets);

/* The other way round: another process removes the files of these listeners (as bits). */
void sockets_disown(struct sockets *sockets, uint64_t listeners);

/* The sockets for another generation: those of listeners that stay, and new ones for new listeners and for
 * more workers. Both tables have the descriptors that stay, until sockets_replace or sockets_give_up is
 * called. Returns as sockets_open; on failure nothing has changed. */
int sockets_change(const struct sockets *former, const struct settings *former_settings,
                   const struct config *next_config, size_t worker_count, unsigned generation,
                   struct sockets *ret_next, size_t *ret_failed) MUST_CHECK;

/* `next` takes the place of `sockets`; the latter's sockets that are not in it are in `ret_left` afterwards.
 */
void sockets_replace(struct sockets *sockets, struct sockets *next, struct sockets *ret_left);

/* Closes what `next` has and `former` has not. */
void sockets_give_up(const struct sockets *former, struct sockets *next);

/* Nobody accepts from these sockets any more: ends them for all processes, and closes them. */
void sockets_end(struct sockets *sockets);

/* The first worker whose socket of this listener is newer than a generation; worker_count: none is. */
size_t sockets_first_since(const struct sockets *sockets, size_t listener, unsigned generation);

/* An empty table, for descriptors that another process has opened. Returns 0 or -ENOMEM. */
int sockets_allocate(struct sockets *sockets, size_t listener_count, size_t worker_count) MUST_CHECK;

/* In such a table: takes over what stays of `former`, and a descriptor; whether all are there. */
void sockets_keep(struct sockets *sockets, const struct sockets *former,
                  const struct listener_numbers *numbers);
bool sockets_put(struct sockets *sockets, size_t listener, size_t worker, const struct address *bound,
                 int fd);
bool sockets_are_complete(const struct sockets *sockets);

/* Whether all workers share one socket of this listener. */
bool sockets_is_shared(const struct sockets *sockets, size_t listener);

/* The worker's socket of this listener. */
int sockets_fd(const struct sockets *sockets, size_t listener, size_t worker);

/* Closes open sockets and, with `remove_files`, removes Unix socket files. May be called on a zeroed one. */
void sockets_close(struct sockets *sockets, bool remove_files);

#endif
