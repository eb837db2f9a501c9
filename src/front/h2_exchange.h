/* The HTTP/2 part of an exchange, for owners that speak HTTP/2: each exchange is one HTTP/2 stream. Responses
 * go to the engine, which pulls the content when it is the stream's turn. */
#ifndef FRONT_H2_EXCHANGE_H
#define FRONT_H2_EXCHANGE_H

#include "front/h2_stalls.h"
#include "front/input.h"
#include "h2/h2.h"
#include "serve/exchange.h"

struct h2_session;

/* An exchange with its HTTP/2 state; exchange.owner points to this struct. */
struct h2_exchange {
    struct exchange exchange;
    struct h2_session *session;
    uint32_t stream;     /* stream id; 0: the stream is closed */
    bool is_asked : 1;   /* the request went to its handler, or was refused: its response is being made */
    bool waits : 1;      /* its source returned SOURCE_WAIT */
    bool is_given : 1;   /* the whole response was given to the engine */
    bool has_ended : 1;  /* the client has sent the whole request */
    struct segment rest; /* what the source gave and is not in a frame yet */
    uint64_t left;       /* bytes of content still to send; HTTP_LENGTH_UNKNOWN: until the source ends */
    uint64_t received;   /* bytes of the request's content */
    uint64_t discarded;  /* of these, received and dropped since the response was given */
    uint32_t output;     /* number of the session's output that has the latest bytes of the response, */
    uint32_t output_end; /* where they end in it, */
    size_t output_bytes; /* and how much of it is the response's content */
    struct h2_watch watch;
    struct input *held; /* of these, what the sink has no credit for yet; the client's window is not reopened
                           for it */
};

static_assert(sizeof(struct h2_exchange) <= 1024, "so little is held for a client that is slow");

static inline struct h2_exchange *h2_exchange_of(struct exchange *exchange)
{
    return CONTAINER_OF(exchange, struct h2_exchange, exchange);
}

/* Initialises everything but h2->exchange, which has begun. */
void h2_exchange_begin(struct h2_exchange *h2, struct h2_session *session, uint32_t stream);

/* Members on_respond, on_respond_kept and on_interim of the owners' struct exchange_events. */
void h2_exchange_respond(struct exchange *exchange, struct http_kept_head *keep);
void h2_exchange_respond_kept(struct exchange *exchange, struct http_kept_head *kept, bool is_sole);
void h2_exchange_interim(struct exchange *exchange);

/* Whether it is a tunnel whose client may go on: its content has no limit. */
static inline bool h2_exchange_is_tunnel(const struct h2_exchange *h2)
{
    return UNLIKELY(h2->exchange.tunnel != NULL) && h2->exchange.sink != NULL;
}

/* Whether it is a tunnel whose handler goes on, and has the time-outs. */
bool h2_exchange_is_open_tunnel(const struct h2_exchange *h2) MUST_CHECK;

/* Whether content of the request is wanted and the client is allowed to send it. */
bool h2_exchange_waits_for_content(const struct h2_exchange *h2) MUST_CHECK;

/* Gives the engine the next piece of the response's content. */
enum h2_pulled h2_exchange_pull(struct h2_exchange *h2, char *room, size_t bytes_max,
                                struct h2_piece *ret_piece);

#endif
