/* A dialer: opens a connection to one of a server's addresses ("happy eyeballs", RFC 8305).
 *
 * The addresses are tried one after the other, from the one that last accepted a connection. The next one is
 * tried when one fails, and also when one has not connected after DIALER_PATIENCE_MS: then both go on, and
 * the first that connects wins. So an address that drops what is sent to it, as of a family that the network
 * does not carry, costs a request no more than that.
 *
 * It has memory only while a connection is on its way: dialer_create → dialer_start → on_connected or
 * on_failed, at any time dialer_end. */
#ifndef PROXY_DIALER_H
#define PROXY_DIALER_H

#include "loop/connector.h"

struct dialer;
struct upstream;

#define DIALER_PATIENCE_MS 250

struct dialer_events {
    /* `fd` is connected, by an attempt that began at `began_ms` (the loop's clock); the callee owns it, and
     * calls dialer_end. */
    void (*on_connected)(void *owner, int fd, uint64_t began_ms);
    /* No address can be reached; `error` is that of the last one. The callee calls dialer_end. */
    void (*on_failed)(void *owner, int error);
};

/* NULL if out of memory. */
struct dialer *dialer_create(struct upstream *upstream, const struct dialer_events *events,
                             void *owner) MUST_CHECK;

/* As connector_start. While dialer_may_hurry, the owner calls dialer_hurry after DIALER_PATIENCE_MS. */
int dialer_start(struct dialer *dialer, uint32_t connect_ms) MUST_CHECK;

/* Whether there is an address that can be tried beside. */
bool dialer_may_hurry(const struct dialer *dialer);

/* Tries the next address beside the one that takes so long. May call back. */
void dialer_hurry(struct dialer *dialer);

/* Gives up what is in progress, and frees it at the end of the turn. NULL is ignored. */
void dialer_end(struct dialer *dialer);

#endif
