/* Listening sockets: made, shared between processes, cleaned up. -errno where the kernel refuses. */
#ifndef SYS_LISTEN_H
#define SYS_LISTEN_H

#include "sys/address.h"

/* Opens a socket that listens on `wanted`: non-blocking, close-on-exec, with the longest queue that
 * net.core.somaxconn allows. Connections accepted from it have TCP_NODELAY.
 *
 * Nobody else may listen there: -EADDRINUSE, also where the other is another vif of the same user. A Unix
 * socket's file that nobody listens on any more (what a crash leaves) is replaced; a file that is no socket
 * gives -EEXIST. Its file has the access that is wanted before anybody can connect; -EPERM where only root
 * may give it so. `ret_bound` is the address as bound: with the port that the kernel chose, and 0.0.0.0 where
 * every family was wanted of a machine without IPv6. Returns the descriptor. */
int sys_listen(const struct listen_address *wanted, struct address *ret_bound) MUST_CHECK;

/* Opens one more socket on the TCP address of `first`, which sys_listen returned: the kernel spreads new
 * connections over all of them. `bound` is what sys_listen said. Returns the descriptor. */
int sys_listen_again(int first, const struct address *bound) MUST_CHECK;

/* Ends the listening for every process that holds the socket: who connects from now on is refused. What
 * waits in its queue is reset. The descriptor stays open. */
void sys_listen_end(int fd);

/* Which file a Unix socket is, to be sure at the end that it is still ours. */
struct socket_file {
    dev_t device;
    ino_t inode;
};

/* The file behind a Unix socket's address; zero where there is none. */
struct socket_file sys_socket_file(const struct address *bound);

/* Removes the file, if it is still the same. */
void sys_socket_file_remove(const struct address *bound, struct socket_file file);

#endif
