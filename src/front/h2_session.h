/* An HTTP/2 session: the logic of a connection without its I/O. It takes bytes, has the requests answered
 * (each on its own stream, in any order) and writes the output in as few pieces as possible.
 *
 * Protocol of use, for an owner that has a session for each of its connections:
 *  1. Give the received bytes to h2_session_receive.
 *  2. When nothing is being sent, fill an output with h2_session_write and send it. When all of it was sent,
 *     call h2_session_end_sent, and write again if h2_session_write returned H2_WRITTEN_FULL.
 *  3. on_progress is called when, outside of these calls, there may be something to write.
 *  4. When h2_is_over (h2/h2.h) is true, send what was written and close. */
#ifndef FRONT_H2_SESSION_H
#define FRONT_H2_SESSION_H

#include "front/h2_exchange.h"
#include "h2/h2.h"

struct h2_session;

/* What all sessions of one kind share. */
struct h2_sessions {
    struct service *service;
    const struct exchange_events *events; /* with on_progress = h2_session_on_progress */
    struct h2_limits limits;
    uint32_t requests_max;     /* per connection; 0: no limit */
    struct h2_shared *engines; /* created with the first session */
    /* Called for each new request, before it is routed; `exchange` belongs to it. May be NULL. */
    void (*on_request)(struct h2_session *session, struct exchange *exchange);
    /* Called when bytes of a request body have arrived. May be NULL. */
    void (*on_content)(struct h2_session *session, size_t length);
    /* Called when there may be something to write. May be NULL. */
    void (*on_progress)(struct h2_session *session);
    /* Called when the client has kept all responses waiting for a whole timeout and did nothing else. It must
     * destroy the session. May be NULL: then their streams are reset. */
    void (*on_stalled)(struct h2_session *session);
    /* Returns whether the latest output is not sent yet. May be NULL: then outputs are sent at once. */
    bool (*is_sending)(const struct h2_session *session);
    /* Returns the peer of the session; it lives as long as the session. */
    const struct peer *(*peer)(const struct h2_session *session);
};

struct h2_session {
    struct h2_sessions *all;
    struct h2 *engine;
    void *owner;
    struct list exchanges; /* struct exchange, in the order of the requests: those with open streams */
    struct list sent;      /* those with closed streams, whose last bytes may still be in an output */
    uint32_t exchange_count;
    uint32_t request_count;
    uint32_t read_turn;       /* the loop's turn of the last read */
    struct h2_output *output; /* set inside h2_session_write only */
    uint32_t output_number;   /* of the latest output, */
    size_t output_bytes;      /* and its length */
    struct timer stalls;
    bool is_inside; /* in a call of the owner, who writes afterwards: no on_progress */
};

/* Frees what the sessions shared. No session may be left. */
void h2_sessions_finish(struct h2_sessions *all);

/* Returns NULL if out of memory. */
struct h2_session *h2_session_create(struct h2_sessions *all, void *owner) MUST_CHECK;

/* Ends all exchanges, in the order of their requests, as the access log has them. Incomplete ones are logged
 * with `why`. */
void h2_session_destroy(struct h2_session *session, enum outcome why);

static inline struct h2 *h2_session_engine(const struct h2_session *session)
{
    return session->engine;
}

/* The first request came by HTTP/1.1 and asked for HTTP/2 (RFC 7540 section 3.2). The request's slices point
 * into `text`, which need only live during the call. Returns false if out of memory. */
bool h2_session_upgrade(struct h2_session *session, struct slice settings, const struct http_request *request,
                        struct slice text) MUST_CHECK;

/* Whether these bytes, read in this turn of the loop, may contain a request that was sent after changes on
 * disk which the loop has not processed yet. The loop processes events in the order in which connections
 * became readable, but what made this one readable may have been other frames, before the request or in an
 * earlier read of the turn. */
bool h2_session_overtakes(struct h2_session *session, struct slice bytes, uint64_t turn);

/* Consumes all bytes. Returns false if the engine accepts no more: see h2_receive. */
bool h2_session_receive(struct h2_session *session, struct slice bytes) MUST_CHECK;

/* Fills an empty output. Everything that was written before must have been sent. */
enum h2_written h2_session_write(struct h2_session *session, struct h2_output *output) MUST_CHECK;

/* What was written is sent: ends the exchanges whose streams are closed. */
void h2_session_end_sent(struct h2_session *session);

/* Records for the log that the last `bytes` bytes of what was written will not be sent, because of `why`. If
 * responses share an output, what one of them lost is known only to within that output. */
void h2_session_lose(struct h2_session *session, uint64_t bytes, enum outcome why);

/* The timeout for request bodies expired: answers requests that wait for content with 408. */
void h2_session_refuse_late(struct h2_session *session);

/* The client stalled this stream too long, see front/h2_stalls.h: answers an incomplete request with 408,
 * else resets the stream. */
void h2_session_give_up(struct h2_exchange *h2);

/* The client sent FIN, and everything that could be written was: ends the streams that wait for its windows
 * or its content. Returns whether there were any; then there is something to write. */
bool h2_session_give_up_waiting(struct h2_session *session);

/* What a session waits for; several may be true at once. With `for_client` the others are not determined. */
struct h2_session_waits {
    bool for_client;  /* to open its window for response content */
    bool for_content; /* of a request */
    bool for_handler; /* or for a source */
};
struct h2_session_waits h2_session_waits(const struct h2_session *session);

/* Ends its tunnels in order, soon. */
void h2_session_drain_tunnels(struct h2_session *session);

/* For tests: returns a description of the first inconsistency, or NULL. */
const char *h2_session_validate(const struct h2_session *session);

/* Member on_progress of the owner's struct exchange_events; `owner` is an exchange. */
void h2_session_on_progress(void *owner);

static inline struct h2_session *h2_session_of(void *exchange_owner)
{
    return ((struct h2_exchange *)exchange_owner)->session;
}

#endif
