/* The HTTP/1 form of exchanges, for whoever owns some and speaks HTTP/1: heads, the framing of content, and
 * responses gathered in the order of their requests into as few sends as possible. No I/O.
 *
 * Content of unknown length goes in chunks; to a client of HTTP/1.0, which knows none, until the close. */
#ifndef FRONT_H1_EXCHANGE_H
#define FRONT_H1_EXCHANGE_H

#include "serve/exchange.h"

/* A kept head in pieces with another date and a Connection field, and the content behind it. */
#define H1_HEAD_SEGMENTS_MAX 6

/* An exchange as its HTTP/1 owner has it. What follows `interim` is valid from the response on. */
struct h1_exchange {
    struct exchange exchange;
    struct slice interim; /* interim responses that are to be sent; valid from the beginning on */
    struct slice head[H1_HEAD_SEGMENTS_MAX]; /* and content that stands behind it */
    uint8_t head_count;
    uint8_t head_next;   /* the first that was not given yet */
    bool is_chunked;     /* how the content is framed */
    bool has_chunk;      /* one was given: its line end is due */
    char chunk_line[24]; /* of the chunk that was given last */
    uint64_t left;       /* bytes of content that are to come; HTTP_LENGTH_UNKNOWN: until the source's end */
};

static_assert(sizeof(struct h1_exchange) <= 1024, "so little is held for a client that is slow");

static inline struct h1_exchange *h1_exchange_of(struct exchange *exchange)
{
    return CONTAINER_OF(exchange, struct h1_exchange, exchange);
}

/* The exchange has begun. */
static inline void h1_exchange_begin(struct exchange *exchange)
{
    h1_exchange_of(exchange)->interim = (struct slice){0};
}

/* What the owners' tables have for on_respond, on_respond_kept and on_interim. */
void h1_exchange_interim(struct exchange *exchange);
void h1_exchange_respond(struct exchange *exchange, struct http_kept_head *keep);
void h1_exchange_respond_kept(struct exchange *exchange, struct http_kept_head *kept, bool is_sole);

/* Segments for one send. */
struct h1_output {
    struct segment *segments;
    size_t count;
    size_t count_max;    /* at least 8 */
    uint64_t bytes;      /* in all segments */
    uint64_t file_bytes; /* of these, in files */
};

/* Why the output is not longer. */
enum h1_gathered {
    H1_GATHERED_ALL,  /* every exchange is in it, whole */
    H1_GATHERED_FULL, /* there is more: to be asked for when this is sent */
    H1_GATHERED_WAIT, /* the next is not responded to yet, or its source has to be waited for */
    H1_GATHERED_LAST, /* it ends with the response that the connection ends with */
    H1_GATHERED_CUT, /* as LAST, half-way in a response whose end is the connection's: only a reset says so */
};

/* Fills an empty output with what the exchanges (a list by `link`) have to send. Those whose last byte is in
 * it or in an earlier one are marked as sent. Everything gathered before must have been sent. */
enum h1_gathered h1_exchange_gather(struct list *exchanges, struct h1_output *output) MUST_CHECK;

#endif
