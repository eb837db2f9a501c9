/* A datagram socket: packets in batches, see sys/udp.h. This is what a protocol over UDP, such as QUIC,
 * needs from the loop.
 *
 * Received packets are passed to the owner, who may send at any time. Nothing is queued here: packets that
 * the kernel does not accept stay with the owner, who is called back when the socket is writable again.
 *
 * Life: datagram_start → on_receive*, on_writable* → datagram_close. */
#ifndef LOOP_DATAGRAM_H
#define LOOP_DATAGRAM_H

#include "loop/watch.h"
#include "sys/udp.h"

struct datagram_socket;

/* Callbacks of the owner. Every member must be set. */
struct datagram_events {
    /* At least one run of packets has arrived. The runs and their bytes are borrowed: they are valid until
     * this returns or the socket is closed. A packet may be empty. */
    void (*on_receive)(struct datagram_socket *socket, const struct udp_run *runs, unsigned count);
    /* The socket is writable again after datagram_send returned -EAGAIN. */
    void (*on_writable)(struct datagram_socket *socket);
};

struct datagram_socket {
    struct watch watch;
    struct task go_on; /* continues receiving in the next turn */
    struct loop *loop;
    const struct datagram_events *events;
    char *room;   /* receive buffer for UDP_BATCH_MAX runs */
    bool is_full; /* datagram_send returned -EAGAIN: on_writable will be called */
};

/* Takes over `fd`, which sys_udp_open returned, and begins to receive; no callback inside this call.
 * Returns 0, or -errno, and the descriptor stays the caller's: -ENOMEM, or an error of watch_start. */
int datagram_start(struct datagram_socket *socket, struct loop *loop, int fd,
                   const struct datagram_events *events) MUST_CHECK;

/* Sends the runs in order, with as few system calls as possible; `ret_sent` is the number the kernel
 * accepted. Returns 0 if all were sent; -EAGAIN if the socket is full: on_writable will be called; another
 * -errno belongs to the first run that was not sent, see sendmsg(2) and sys_udp_send: those after it may
 * still be sent. */
int datagram_send(struct datagram_socket *socket, const struct udp_run *runs, unsigned count,
                  unsigned *ret_sent) MUST_CHECK;

/* Closes the socket; no callback follows. The memory may be freed at the end of the turn. */
void datagram_close(struct datagram_socket *socket);

#endif
