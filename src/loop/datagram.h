/* A datagram socket: packets in batches, see sys/udp.h. What a protocol over UDP, such as QUIC, needs of the
 * loop.
 *
 * The owner is told of packets as they come, and sends when it likes. There is no queue here: what the kernel
 * does not take stays with the owner, who is told when there is room again.
 *
 * Life: datagram_start → on_receive*, on_writable* → datagram_close. */
#ifndef LOOP_DATAGRAM_H
#define LOOP_DATAGRAM_H

#include "loop/watch.h"
#include "sys/udp.h"

struct datagram_socket;

/* What the owner is told. Every member must be set. */
struct datagram_events {
    /* Runs of packets have come, at least one. They and their bytes are lent: they are gone when this returns
     * or the socket is closed. A packet may be empty. */
    void (*on_receive)(struct datagram_socket *socket, const struct udp_run *runs, unsigned count);
    /* After datagram_send was -EAGAIN: the socket takes more. */
    void (*on_writable)(struct datagram_socket *socket);
};

struct datagram_socket {
    struct watch watch;
    struct task go_on; /* receives what is left for the next turn */
    struct loop *loop;
    const struct datagram_events *events;
    char *room;   /* what is received, UDP_BATCH_MAX runs */
    bool is_full; /* on_writable is due */
};

/* Takes over `fd`, of sys_udp_open, and begins to receive, but not inside this call. Returns 0, or -errno and
 * the descriptor stays the caller's: -ENOMEM, or what watch_start says. */
int datagram_start(struct datagram_socket *socket, struct loop *loop, int fd,
                   const struct datagram_events *events) MUST_CHECK;

/* Sends the runs in order, as few system calls as they allow; `ret_sent` is how many are with the kernel.
 * Returns 0 when all are; -EAGAIN: the socket is full, on_writable will be called; another -errno is about
 * the first that was not sent, see sendmsg(2) and sys_udp_send: those behind it may be sent still. */
int datagram_send(struct datagram_socket *socket, const struct udp_run *runs, unsigned count,
                  unsigned *ret_sent) MUST_CHECK;

/* Closes the socket; nothing is called back any more. The memory is free at the end of the turn. */
void datagram_close(struct datagram_socket *socket);

#endif
