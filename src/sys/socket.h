/* Sockets: checked wrappers of the system calls. They return -errno on failure (see the man page of each
 * call in section 2). Calls interrupted by a signal are repeated. */
#ifndef SYS_SOCKET_H
#define SYS_SOCKET_H

#include "base/slice.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/un.h>

/* A socket address of a family that vif listens on. */
struct address {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
        struct sockaddr_un unix_path;
    };
    socklen_t length;
};

/* accept4(2): the new descriptor is non-blocking and close-on-exec. `ret_peer` is set on success. */
int sys_accept(int listening_fd, struct address *ret_peer) MUST_CHECK;

/* Opens a stream socket, non-blocking and close-on-exec (with TCP_NODELAY for TCP), and begins to connect
 * it: connect(2). Returns the descriptor, which may or may not be connected yet: call sys_connected, and
 * while it returns -EALREADY, wait until the socket is writable and call it again. -EAGAIN: the queue of a
 * Unix socket is full. */
int sys_connect(const struct address *address) MUST_CHECK;

/* The state of a connection begun by sys_connect: 0 if it is connected, -EALREADY while it is in progress,
 * otherwise the error. `address` must be the same as before. */
int sys_connected(int fd, const struct address *address) MUST_CHECK;

/* Whether a read, or an accept, would not block. */
bool sys_is_readable(int fd);

/* Whether the connection is over in both directions: reset, or closed by both sides. */
bool sys_has_hung_up(int fd);

/* recv(2): returns the number of bytes; 0 at the end of the stream. */
ssize_t sys_recv(int fd, void *buffer, size_t size) MUST_CHECK;

/* sendmsg(2) with MSG_NOSIGNAL; `more` adds MSG_MORE: further bytes follow immediately. */
ssize_t sys_send(int fd, const struct iovec *pieces, size_t count, bool more) MUST_CHECK;

/* sendfile(2); advances `offset`. Returns 0 at the end of the file. There is no MSG_NOSIGNAL for it: see
 * sys_broken_pipes_are_harmless. */
ssize_t sys_sendfile(int fd, int file_fd, off_t *offset, size_t length) MUST_CHECK;

/* Makes a write to a closed connection fail with EPIPE instead of ending the process: ignores SIGPIPE,
 * unless a handler is installed. */
void sys_ignore_broken_pipes(void);

/* Whether SIGPIPE is ignored or handled, so that it does not end the process. */
bool sys_broken_pipes_are_harmless(void);

/* Shuts down the sending side: shutdown(2). */
int sys_shutdown_send(int fd);

/* Makes close(2) send RST and drop unacknowledged bytes: SO_LINGER of socket(7) with a time of 0. */
void sys_reset_on_close(int fd);

/* The number of bytes not yet acknowledged (TCP) or read (Unix) by the peer: SIOCOUTQ of tcp(7), unix(7);
 * 0 if unknown. */
size_t sys_unacknowledged(int fd);

/* Milliseconds since the socket last sent data to the peer; 0 if unknown. */
uint64_t sys_send_idle_ms(int fd);

/* The addresses of both ends of a connection: getpeername(2) and getsockname(2). What is unknown has the
 * family AF_UNSPEC. */
void sys_ends(int fd, struct address *ret_peer, struct address *ret_local);

/* close(2). The descriptor is closed whatever the result. */
void sys_close(int fd);

#endif
