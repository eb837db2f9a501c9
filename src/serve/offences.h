/* Offences: limits that a client has broken. A worker collects them for the shield, which the master has
 * (proc/shield.h), and reports them together every OFFENCES_REPORT_MS.
 *
 * Only the address of a connection counts, which the kernel gives out only after the TCP handshake: packets
 * with the address of somebody else complete none, and so cannot have them blocked. What a header says (PROXY
 * protocol, X-Forwarded-For) never counts: the packets are those of the proxy. */
#ifndef SERVE_OFFENCES_H
#define SERVE_OFFENCES_H

#include "loop/wheel.h"
#include "serve/peer.h"
#include "settings/settings.h"
#include "sys/xdp.h"

#define OFFENCES_REPORT_MS 100

/* Clients in a report: offences of more are not counted. */
#define OFFENCES_MAX 64

struct offence {
    struct xdp_address address;
    uint32_t count;
};

struct offences {
    struct offence list[OFFENCES_MAX];
    size_t count;
    struct timer timer; /* armed while there are some */
    struct wheel *wheel;
    /* Sends the list. Returns false if that is impossible now: it is tried again. */
    bool (*report)(void *context, const struct offence *list, size_t count);
    void *context;
};

void offences_init(struct offences *offences, struct wheel *wheel,
                   bool (*report)(void *context, const struct offence *list, size_t count), void *context);
void offences_finish(struct offences *offences);

/* Counts an offence of the connection's peer, unless the peer is not the sender of its packets or is trusted.
 */
void offences_add(struct offences *offences, const struct settings *settings, const struct peer *peer);

#endif
