/* UDP: batches of packets, each with its local address and ECN bits; see recvmmsg(2), sendmmsg(2), udp(7),
 * ip(7), ipv6(7). */
#ifndef SYS_UDP_H
#define SYS_UDP_H

#include "sys/socket.h"

/* The most runs that one call receives or sends. */
#define UDP_BATCH_MAX 16

/* The maximum size of a run. */
#define UDP_RUN_BYTES_MAX 65536

/* A run: packets from or to one peer, all of the same length except the last, which may be shorter. When
 * sending, the kernel splits it into packets (UDP_SEGMENT); when receiving, it has merged them (UDP_GRO). */
struct udp_run {
    struct address peer;  /* length 0: the peer that the socket is connected to */
    struct address local; /* our address, without a port: destination of received packets, source of sent
                             ones; length 0: the kernel chooses */
    unsigned interface;   /* network interface it arrived on, or is sent from; 0: the kernel chooses */
    char *bytes;
    size_t length;         /* of all its packets; before receiving, the capacity of `bytes` */
    uint16_t packet_bytes; /* of each packet but the last; 0 if there is only one */
    uint8_t ecn;           /* the two bits of RFC 3168 */
};

/* Opens a socket bound to the address, non-blocking and close-on-exec, that reports for each packet what
 * struct udp_run holds. It does not fragment: -EMSGSIZE for a packet that is too large. An IPv6 socket is
 * IPv6 only. Returns the descriptor or -errno. */
int sys_udp_open(const struct address *address) MUST_CHECK;

/* Receives at most `count` runs (and at most UDP_BATCH_MAX); returns their number, or -errno. Packets that
 * do not fit are lost. */
int sys_udp_receive(int fd, struct udp_run *runs, unsigned count) MUST_CHECK;

/* Sends the first of `count` runs (at most UDP_BATCH_MAX). Returns the number sent, at least one, or the
 * -errno of the first. A run has at most 64 packets. -EIO: the device cannot split runs into packets. */
int sys_udp_send(int fd, const struct udp_run *runs, unsigned count) MUST_CHECK;

#endif
