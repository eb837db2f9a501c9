/* The HTTP/2 form of exchanges, for whoever owns some and speaks HTTP/2: each has a stream of its own. Their
 * responses go to the engine, which pulls the content when it is the stream's turn. */
#ifndef FRONT_H2_EXCHANGE_H
#define FRONT_H2_EXCHANGE_H

#include "front/h2_stalls.h"
#include "front/input.h"
#include "h2/h2.h"
#include "serve/exchange.h"

struct h2_session;

/* An exchange as its HTTP/2 owner has it; it is `owner` of itself. */
struct h2_exchange {
    struct exchange exchange;
    struct h2_session *session;
    uint32_t stream;     /* 0: it is over, on the wire */
    bool waits : 1;      /* its source has said so */
    bool is_given : 1;   /* the response, to its last byte */
    bool has_ended : 1;  /* the client has sent the whole request */
    struct segment rest; /* what the source gave and no frame has yet */
    uint64_t left;       /* bytes of content that are to come; HTTP_LENGTH_UNKNOWN: until the source's end */
    uint64_t received;   /* of the request's content */
    uint64_t discarded;  /* of these, since the response was given */
    struct h2_watch watch;
    struct input *held; /* of these, what the sink had no credit for; no credit is given for it */
};

static_assert(sizeof(struct h2_exchange) <= 1024, "so little is held for a client that is slow");

static inline struct h2_exchange *h2_exchange_of(struct exchange *exchange)
{
    return CONTAINER_OF(exchange, struct h2_exchange, exchange);
}

/* The exchange has begun, blank but for the exchange itself. */
void h2_exchange_begin(struct h2_exchange *h2, struct h2_session *session, uint32_t stream);

/* What the owners' tables have for on_respond, on_respond_kept and on_interim. */
void h2_exchange_respond(struct exchange *exchange, struct http_kept_head *keep);
void h2_exchange_respond_kept(struct exchange *exchange, struct http_kept_head *kept, bool is_sole);
void h2_exchange_interim(struct exchange *exchange);

/* Content of the request is wanted, and it is the client's to send. */
bool h2_exchange_waits_for_content(const struct h2_exchange *h2) MUST_CHECK;

/* The next piece of the response's content, for the engine. */
enum h2_pulled h2_exchange_pull(struct h2_exchange *h2, char *room, size_t bytes_max,
                                struct h2_piece *ret_piece);

#endif
