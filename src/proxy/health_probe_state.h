/* The state of a check, for health_probe.c and health_probe_h2.c alone. */
#ifndef PROXY_HEALTH_PROBE_STATE_H
#define PROXY_HEALTH_PROBE_STATE_H

#include "proxy/health_probe.h"

#include "base/buffer.h"
#include "loop/connector.h"
#include "proxy/upstream_link.h"

struct health_probe_h2;

struct health_probe {
    struct upstream *upstream; /* a reference; NULL: the check is over */
    const struct proxy_settings *settings;
    health_probe_done *done;
    void *context;
    struct connector connector;
    struct upstream_link link;
    struct timer deadline;
    unsigned address; /* index */
    unsigned tries;   /* addresses that were tried */
    struct task gone; /* frees it, if it was never open */
    bool is_open;     /* it has a stream */
    struct buffer request;
    struct buffer input; /* not parsed yet */
    struct buffer content;
    struct h1_limits limits;
    struct h1_response_parser parser;
    struct health_probe_h2 *h2; /* NULL: it is HTTP/1 */
};

/* The check is over: `fault` is NULL, or says what is wrong. Does nothing if it was over already. */
void health_probe_end(struct health_probe *probe, const char *fault);

/* The name that it asks for: the route's, or else the server's. */
struct slice health_probe_host(const struct health_probe *probe);

/* What came of the response: its head, content, and its end. Each may end the check. */
void health_probe_take_head(struct health_probe *probe, const struct http_response_head *head);
void health_probe_take_content(struct health_probe *probe, struct slice bytes);
void health_probe_take_end(struct health_probe *probe);

/* ---- HTTP/2: health_probe_h2.c ---- */

#ifdef HAVE_HTTP2

/* Prepares the connection, before its first byte. Returns false if out of memory. */
bool health_probe_h2_create(struct health_probe *probe) MUST_CHECK;

/* Sends the request. */
void health_probe_h2_ask(struct health_probe *probe);

/* Events of the connection: bytes came; what was sent has left. */
void health_probe_h2_on_read(struct health_probe *probe, struct slice bytes);
void health_probe_h2_flush(struct health_probe *probe);

/* Frees what health_probe_h2_create has made, if anything. */
void health_probe_h2_free(struct health_probe *probe);

#else

MUST_CHECK static inline bool health_probe_h2_create(struct health_probe *probe)
{
    (void)probe;
    return false;
}

static inline void health_probe_h2_ask(struct health_probe *probe)
{
    (void)probe;
}

static inline void health_probe_h2_on_read(struct health_probe *probe, struct slice bytes)
{
    (void)probe, (void)bytes;
}

static inline void health_probe_h2_flush(struct health_probe *probe)
{
    (void)probe;
}

static inline void health_probe_h2_free(struct health_probe *probe)
{
    (void)probe;
}

#endif
#endif
