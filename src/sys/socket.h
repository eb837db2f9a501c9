/* Sockets: checked wrappers of the system calls, which return -errno where they fail (see the man page of
 * each call in section 2). Calls interrupted by a signal are made again. */
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

/* Opens a stream socket, non-blocking and close-on-exec, with TCP_NODELAY where there is TCP, and begins to
 * connect it: connect(2). Returns the descriptor, which may be connected already or not yet: ask
 * sys_connected, and where it is not, wait until it is writable and ask again. -EAGAIN: the queue of a Unix
 * socket is full. */
int sys_connect(const struct address *address) MUST_CHECK;

/* What became of a connection that sys_connect began: 0 when it is there, -EALREADY while it is under way, or
 * why it failed. `address` is the same as before. */
int sys_connected(int fd, const struct address *address) MUST_CHECK;

/* A read, or an accept, would not wait. */
bool sys_is_readable(int fd);

/* The connection is over in both directions: it was reset, or both sides have ended it. */
bool sys_has_hung_up(int fd);

/* recv(2): the count of bytes, 0 at the end of the stream. */
ssize_t sys_recv(int fd, void *buffer, size_t size) MUST_CHECK;

/* sendmsg(2) with MSG_NOSIGNAL; `more` adds MSG_MORE: further bytes follow at once. */
ssize_t sys_send(int fd, const struct iovec *pieces, size_t count, bool more) MUST_CHECK;

/* sendfile(2); `offset` moves on. 0 bytes: the file ends there. It has no MSG_NOSIGNAL: see
 * sys_broken_pipes_are_harmless. */
ssize_t sys_sendfile(int fd, int file_fd, off_t *offset, size_t length) MUST_CHECK;

/* Lets a write to a peer that is gone fail with EPIPE instead of ending the process: ignores SIGPIPE, unless
 * somebody set a handler for it. */
void sys_ignore_broken_pipes(void);

/* Whether SIGPIPE is ignored or handled, rather than the end of the process. */
bool sys_broken_pipes_are_harmless(void);

/* shutdown(2) of the sending side. */
int sys_shutdown_send(int fd);

/* close(2) will send RST and drop what was not acknowledged: SO_LINGER of socket(7), with no time. */
void sys_reset_on_close(int fd);

/* SIOCOUTQ of tcp(7), unix(7): bytes not yet acknowledged or read; 0 where it cannot be said. */
size_t sys_unacknowledged(int fd);

/* Milliseconds since bytes last left for the peer; 0 where the socket cannot say. */
uint64_t sys_send_idle_ms(int fd);

/* close(2). The descriptor is gone whatever the result. */
void sys_close(int fd);

#endif
