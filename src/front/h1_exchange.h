/* The HTTP/1 part of an exchange, for owners that speak HTTP/1: writes response heads, frames content, and
 * gathers responses in the order of their requests into as few sends as possible. No I/O.
 *
 * Content of unknown length is sent chunked; to an HTTP/1.0 client, which does not know chunks, it ends with
 * the connection. */
#ifndef FRONT_H1_EXCHANGE_H
#define FRONT_H1_EXCHANGE_H

#include "serve/exchange.h"

/* Segments of a kept head (its parts around a new Date and a Connection header) and the content that follows
 * it. */
#define H1_HEAD_SEGMENTS_MAX 6

/* An exchange with its HTTP/1 state. Members after `interim` are valid once there is a response. */
struct h1_exchange {
    struct exchange exchange;
    struct slice interim;                    /* interim responses to send; valid from the beginning */
    struct slice head[H1_HEAD_SEGMENTS_MAX]; /* the head, and content stored right behind it */
    uint8_t head_count;
    uint8_t head_next;   /* the first segment that was not handed over yet */
    bool is_chunked;     /* content uses the chunked coding */
    bool has_chunk;      /* a chunk was handed over: its CRLF is due */
    char chunk_line[24]; /* size line of the last chunk */
    uint64_t left;       /* bytes of content still to send; HTTP_LENGTH_UNKNOWN: until the source ends */
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

/* Members on_interim, on_respond and on_respond_kept of the owners' struct exchange_events. */
void h1_exchange_interim(struct exchange *exchange);
void h1_exchange_respond(struct exchange *exchange, struct http_kept_head *keep);
void h1_exchange_respond_kept(struct exchange *exchange, struct http_kept_head *kept, bool is_sole);

/* Whether its response ends with the connection, and has not been sent to its end: a close in order would
 * make it look complete. `is_unsent`: so is a part of what was gathered. */
bool h1_exchange_needs_cut(const struct exchange *exchange, bool is_unsent);

/* Segments for one send. */
struct h1_output {
    struct segment *segments;
    size_t count;
    size_t count_max;    /* at least 8 */
    uint64_t bytes;      /* in all segments */
    uint64_t file_bytes; /* of these, in file ranges */
};

/* Why gathering stopped. */
enum h1_gathered {
    H1_GATHERED_ALL,  /* the output contains all responses to their end */
    H1_GATHERED_FULL, /* there is more: gather again after this was sent */
    H1_GATHERED_WAIT, /* the next response, or more of its content, is not ready yet */
    H1_GATHERED_LAST, /* it ends with the last response of the connection */
    H1_GATHERED_CUT,  /* as LAST, but a response that is delimited by the close is incomplete: reset, so that
                         the client can tell */
};

/* Fills an empty output with what the exchanges (a list by `link`) have to send. Exchanges whose last byte is
 * in this or an earlier output are marked as sent. Everything gathered before must have been sent. */
enum h1_gathered h1_exchange_gather(struct list *exchanges, struct h1_output *output) MUST_CHECK;

#endif
