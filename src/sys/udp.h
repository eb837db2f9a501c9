/* UDP: packets in batches, each with the address that it came to and with its ECN bits, see recvmmsg(2),
 * sendmmsg(2), udp(7), ip(7), ipv6(7). */
#ifndef SYS_UDP_H
#define SYS_UDP_H

#include "sys/socket.h"

/* Runs that one call takes or gives at most. */
#define UDP_BATCH_MAX 16

/* Room for a run of any length. */
#define UDP_RUN_BYTES_MAX 65536

/* A run: packets from one peer, or for one, that are all of the same length but for the last, which may be
 * shorter. The kernel cuts it into packets (UDP_SEGMENT), or has put it together (UDP_GRO). */
struct udp_run {
    struct address peer;  /* length 0: the one that the socket is connected to */
    struct address local; /* the address of ours that it came to, or is sent from, without a port; length 0:
                           * the kernel chooses */
    unsigned interface;   /* that it came by, or is sent by; 0: the kernel chooses */
    char *bytes;
    size_t length;         /* of all its packets; when receiving, at first the room at `bytes` */
    uint16_t packet_bytes; /* of each but the last; 0 where there is one only */
    uint8_t ecn;           /* the two bits of RFC 3168 */
};

/* Opens a socket for the address, non-blocking and close-on-exec, that says of each packet what struct
 * udp_run has. It sends no fragments: -EMSGSIZE for a packet that does not fit. IPv6 is IPv6 only. Returns
 * the descriptor or -errno. */
int sys_udp_open(const struct address *address) MUST_CHECK;

/* Receives at most `count` runs, up to UDP_BATCH_MAX; returns how many, or -errno. What has no room is lost.
 */
int sys_udp_receive(int fd, struct udp_run *runs, unsigned count) MUST_CHECK;

/* Sends the first of `count` runs, up to UDP_BATCH_MAX; returns how many it took, at least one, or the -errno
 * of the first. A run has at most 64 packets. -EIO: the device cannot cut runs into packets. */
int sys_udp_send(int fd, const struct udp_run *runs, unsigned count) MUST_CHECK;

#endif
