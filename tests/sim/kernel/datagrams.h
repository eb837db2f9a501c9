/* UDP in the simulated kernel: sockets, and a network that delays, loses, repeats, reorders and marks
 * packets.
 *
 * All sockets are the program's; whoever wants to judge what it does with packets is told of each packet's
 * way.
 */
#ifndef TESTS_SIM_KERNEL_DATAGRAMS_H
#define TESTS_SIM_KERNEL_DATAGRAMS_H

#include "internal.h"

#include <sys/socket.h>

/* Where a packet comes from or goes to. IPv4 addresses have zeros behind their four bytes. */
struct endpoint {
    sa_family_t family;
    uint16_t port;
    unsigned char ip[16];
};

bool endpoint_equal(const struct endpoint *a, const struct endpoint *b);
struct endpoint endpoint_of(const struct sockaddr *address);

struct packet {
    struct list link;
    struct sim_event arrival;
    struct datagram_end *sender; /* in whose send buffer it is; NULL: it has left, or the sender is closed */
    struct list of_sender;
    struct endpoint from, to;
    uint8_t ecn;
    uint64_t queued_us;
    size_t length;
    char bytes[];
};

enum packet_fate {
    PACKET_SENT,      /* the sender's kernel took it */
    PACKET_LOST,      /* by the network, or nobody has that address */
    PACKET_DROPPED,   /* the receiver's buffer is full, or it closed its socket before it asked */
    PACKET_QUEUED,    /* it is in the receiver's buffer */
    PACKET_DELIVERED, /* the receiver's program has it */
};

struct datagrams_watch {
    /* Called at each step of a packet's way; NULL: nobody asks. */
    void (*on_packet)(void *context, const struct packet *packet, enum packet_fate fate);
    void *context;
};

void datagrams_start(void);
void datagrams_finish(void);
void datagrams_watch(const struct datagrams_watch *watch);

/* The address that the kernel sends from where the program does not say, and sockets are not bound to one. */
struct endpoint datagrams_default_source(sa_family_t family);

/* Since when the socket can send again, after a send that found it full; UINT64_MAX: it cannot, or none did.
 */
uint64_t datagrams_writable_since_us(int fd);

/* When the oldest packet arrived that the program has not asked for yet; UINT64_MAX: there is none. */
uint64_t datagrams_readable_since_us(int fd);

/* For the calls that all kinds of sockets have. */
extern const struct file_class datagram_class;
int datagrams_open(int family);
int datagrams_set_option(struct open_file *file, int level, int option, int value);
int datagrams_bind(struct open_file *file, const struct sockaddr *address);

#endif
