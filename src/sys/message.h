/* Messages with descriptors between two processes: a pair of Unix sockets (SOCK_SEQPACKET), which keeps the
 * borders of messages and tells when the other side is gone. -errno on failure. */
#ifndef SYS_MESSAGE_H
#define SYS_MESSAGE_H

#include "base/slice.h"

#include <sys/types.h>

/* Most descriptors of a message; the kernel allows 253. */
#define SYS_MESSAGE_FDS_MAX 128

/* Opens a connected pair; both are non-blocking and close-on-exec. */
int sys_message_pair(int ret_fds[2]) MUST_CHECK;

/* Sends a message with copies of `fds`. Returns 0 or -errno: -EAGAIN if the other side does not read. */
int sys_message_send(int fd, struct slice bytes, const int *fds, size_t fd_count) MUST_CHECK;

/* Receives the next message. Returns its length, 0 if the other side is gone, or -errno: -EAGAIN if there is
 * none. The caller owns the received descriptors, of which `fds` has room for SYS_MESSAGE_FDS_MAX. A message
 * that is longer than `size` is cut. */
ssize_t sys_message_receive(int fd, void *bytes, size_t size, int *fds, size_t *ret_fd_count) MUST_CHECK;

/* ---- with a process that is not trusted ----
 *
 * Who receives a descriptor has to close it, and the sender chooses how long that takes (SO_LINGER of
 * socket(7)). So the other side gets messages by a socket, on which it cannot send, and sends packets by a
 * pipe, which carries no descriptors. No end shares its flags with the other side. Each packet begins with
 * its length: O_DIRECT of pipe(2) keeps their borders, too, but not every kernel has it (gVisor), and a pipe
 * has room for 16 packets then, however short they are. */
struct message_ends {
    int socket_fd; /* the trusted side sends by it */
    int pipe_fd;   /* and receives by this one */
};

#define MESSAGE_ENDS_NONE ((struct message_ends){-1, -1})

/* Most bytes of a packet: with its length it is as long as what a pipe takes whole. */
#define SYS_PACKET_BYTES_MAX 4092

/* All ends are non-blocking and close-on-exec. Returns 0 or -errno. */
int sys_message_ends_open(struct message_ends *ret_trusted, struct message_ends *ret_other) MUST_CHECK;
void sys_message_ends_close(struct message_ends *ends);

/* Sends a packet, which is not empty, whole or not at all; thread-safe. Returns 0 or -errno: -EAGAIN if the
 * pipe is full. */
int sys_packet_send(int pipe_fd, struct slice bytes) MUST_CHECK;

/* Receives one. Returns its length, 0 if the other side is gone, or -errno: -EAGAIN if there is none; -EPROTO
 * if what came is no packet of at most `size` bytes: then the pipe is of no use any more. */
ssize_t sys_packet_receive(int pipe_fd, void *bytes, size_t size) MUST_CHECK;

#endif
