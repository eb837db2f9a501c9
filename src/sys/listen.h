/* Listening sockets: opening, sharing between processes, cleaning up. -errno on failure. */
#ifndef SYS_LISTEN_H
#define SYS_LISTEN_H

#include "sys/address.h"

/* Opens a socket that listens on `wanted`: non-blocking, close-on-exec, with the longest queue that
 * net.core.somaxconn allows. Connections accepted from it have TCP_NODELAY.
 *
 * The address must be unused: -EADDRINUSE otherwise, even if another vif of the same user has it. A Unix
 * socket file on which nobody listens (left by a crash) is replaced; a file that is not a socket gives
 * -EEXIST. The requested access is set on the socket file before anybody can connect; -EPERM if that needs
 * root. `ret_bound` is the bound address: with the port that the kernel chose, and 0.0.0.0 if every family
 * was requested on a machine without IPv6. Returns the descriptor. */
int sys_listen(const struct listen_address *wanted, struct address *ret_bound) MUST_CHECK;

/* Opens another socket on the TCP address of `first`, a descriptor returned by sys_listen; the kernel
 * distributes new connections over all of them. `bound` is the address that sys_listen returned. Returns
 * the descriptor. */
int sys_listen_again(int first, const struct address *bound) MUST_CHECK;

/* Stops listening for every process that holds the socket: new connections are refused, queued ones are
 * reset. The descriptor stays open. */
void sys_listen_end(int fd);

/* Identifies the file of a Unix socket, to check before removal that it is still ours. */
struct socket_file {
    dev_t device;
    ino_t inode;
};

/* The file at a Unix socket's address; zero if there is none. */
struct socket_file sys_socket_file(const struct address *bound);

/* Removes the file if it is still the same. */
void sys_socket_file_remove(const struct address *bound, struct socket_file file);

#endif
