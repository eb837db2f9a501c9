/* Looking up the addresses of a server's name, with the time for which they hold.
 *
 * With c-ares: name servers are asked for A and AAAA records, or, for a name such as
 * "_http._tcp.example.com", for SRV records and the addresses of their targets; /etc/hosts counts, too.
 * Without it getaddrinfo(3) does what it can: no times, no SRV.
 *
 * It blocks, for seconds if no name server answers: use it on a thread. */
#ifndef SYS_LOOKUP_H
#define SYS_LOOKUP_H

#include "base/slice.h"
#include "sys/socket.h"

#include <stdatomic.h>

#define LOOKUP_HOST_BYTES    256
#define LOOKUP_SERVERS_BYTES 512
#define LOOKUP_ADDRESSES_MAX 64 /* of more, the first by priority and address */

struct lookup_address {
    struct address address;
    uint16_t priority; /* of SRV: those with the lowest one come first */
    uint16_t weight;   /* of SRV */
};

struct lookup {
    char host[LOOKUP_HOST_BYTES];
    uint16_t port;                      /* of the addresses; SRV records have their own */
    char servers[LOOKUP_SERVERS_BYTES]; /* name servers "127.0.0.1:5353,10.0.0.1"; empty: the system's */
    atomic_bool is_given_up;            /* set on another thread: it ends soon, without a result */

    size_t count; /* of the addresses that were found; in an order that depends on nothing but them */
    struct lookup_address addresses[LOOKUP_ADDRESSES_MAX];
    bool is_partial; /* some hosts of a service could not be looked up, so addresses may be missing */
    uint32_t ttl_s;
    const char *why; /* static; if there are none, or it is partial */
};

/* Fills the second half. */
void sys_lookup(struct lookup *lookup);

/* Whether `servers` counts, and there is SRV. */
bool sys_lookup_has_dns(void);

/* Whether a host is the name of a service, for SRV. */
static inline bool lookup_is_service(struct slice host)
{
    return slice_starts_with(host, SLICE("_"));
}

#endif
