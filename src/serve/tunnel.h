/* A tunnel: what an exchange becomes when client and handler leave HTTP, after 101 (RFC 9110 section 7.8) or
 * after 2xx to an extended CONNECT (RFC 8441). From then on bytes go both ways, until both sides have ended.
 *
 * The handler makes the tunnel and answers with exchange_respond_tunnel. Its `sink` takes the bytes of the
 * client, its `source` gives those for the client; the rules are those of serve/sink.h and serve/source.h.
 * The client's end of its side is the sink's `end`, that of the server's the source's SOURCE_END.
 *
 * While the handler's side goes on it has the time-outs. When that has ended (`is_whole`) only the client can
 * hold the tunnel up: then the owner's time-outs for sending apply, as for the rest of a response.
 *
 * The owner of the exchange either keeps it, as one stream of many (HTTP/2), or goes on without it, since a
 * quiet tunnel should cost little (HTTP/1): tunnel_detach. In both cases the tunnel ends, and its memory
 * goes, when its source is closed. */
#ifndef SERVE_TUNNEL_H
#define SERVE_TUNNEL_H

#include "serve/exchange.h"

struct tunnel;

struct tunnel_type {
    /* The server shuts down: end both sides in order, soon. Calls nothing back at once. */
    void (*drain)(struct tunnel *tunnel);
};

struct tunnel {
    const struct tunnel_type *type;
    struct sink sink;
    struct source source;
    struct slice protocol;            /* as the Upgrade header has it; lives as long as the exchange */
    struct exchange *exchange;        /* NULL: detached */
    void *owner;                      /* if detached, with: */
    void (*on_progress)(void *owner); /* as of struct exchange_events */
    struct exchange *logged;          /* if detached: what is kept for the access log; NULL: nothing */
    uint64_t received_bytes;          /* from the client */
    uint8_t outcome;                  /* enum outcome: set by the handler */
    bool is_over;                     /* the handler takes nothing more of the client */
    bool is_whole;                    /* nothing more comes for the client but what the source has now */
    bool is_cut;                      /* the handler's side broke: cut off the client, too */
};

/* The handler's end of the tunnel; `credit` is that of its sink. */
void tunnel_init(struct tunnel *tunnel, const struct tunnel_type *type, const struct sink_type *sink,
                 const struct source_type *source, struct exchange *exchange);

/* As exchange_wake. */
void tunnel_wake(struct tunnel *tunnel);

/* The handler takes nothing more of the client, whose side may still be open. */
void tunnel_stop_reading(struct tunnel *tunnel);

static inline void tunnel_drain(struct tunnel *tunnel)
{
    tunnel->type->drain(tunnel);
}

/* For the owner: goes on without the exchange, which must be in no list. It ends, unless the access log needs
 * it. */
void tunnel_detach(struct tunnel *tunnel, void *owner, void (*on_progress)(void *owner));

/* What became of a tunnel that is detached. */
struct tunnel_end {
    const struct exchange_events *events; /* only tell_tls is called, with the tunnel's owner */
    uint64_t sent_bytes;                  /* to the client */
    enum outcome outcome;                 /* unless the handler has set another */
};

/* For the owner of a detached tunnel: writes its line in the access log, and closes its source. */
void tunnel_finish(struct tunnel *tunnel, const struct tunnel_end *end);

#endif
