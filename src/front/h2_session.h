/* A session of HTTP/2: the logic of a connection without its I/O. Bytes come in, requests are answered, each
 * on a stream of its own and in any order, and what they have to say goes out in as few pieces as possible.
 *
 * Protocol of use, for an owner that has a session for each of its connections:
 *  1. Give the bytes that were received to h2_session_receive.
 *  2. When nothing is being sent, have an output filled by h2_session_write and send it. When it was sent
 * whole, call h2_session_end_sent, and write again where it said that there is more.
 *  3. on_progress says that there may be something to write, outside of these calls.
 *  4. The session is over where h2_session_is_over says so: close behind what was written. */
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
    uint32_t requests_max;     /* of a connection; 0: no limit */
    struct h2_shared *engines; /* made with the first session */
    /* A request has come, and `exchange` is its: before it is routed. NULL: nobody asks. */
    void (*on_request)(struct h2_session *session, struct exchange *exchange);
    /* Bytes of a request's content have come. NULL: nobody asks. */
    void (*on_content)(struct h2_session *session, size_t length);
    /* There may be something to write. NULL: nobody asks. */
    void (*on_progress)(struct h2_session *session);
    /* Whom the session's requests come from. Lives as long as the session. */
    const struct peer *(*peer)(const struct h2_session *session);
};

struct h2_session {
    struct h2_sessions *all;
    struct h2 *engine;
    void *owner;
    struct list exchanges; /* struct exchange, in the order of the requests: those whose streams go on */
    struct list sent;      /* those whose streams are over, and whose last bytes may be in an output */
    uint32_t exchange_count;
    uint32_t request_count;
    uint32_t read_turn; /* of the loop, in which was read last */
    struct timer stalls;
    bool is_inside; /* one of the calls: who made it writes afterwards */
};

/* There are no sessions any more. */
void h2_sessions_finish(struct h2_sessions *all);

/* NULL without memory. */
struct h2_session *h2_session_create(struct h2_sessions *all, void *owner) MUST_CHECK;

/* Ends all exchanges, in the order of their requests, as the log has them; `why` is what those say that are
 * not whole. */
void h2_session_destroy(struct h2_session *session, enum outcome why);

static inline struct h2 *h2_session_engine(const struct h2_session *session)
{
    return session->engine;
}

/* Its first request came in HTTP/1.1, and asked for HTTP/2 (RFC 7540 section 3.2). `text` is what the
 * request's slices point into; it need not live any more afterwards. False without memory. */
bool h2_session_upgrade(struct h2_session *session, struct slice settings, const struct http_request *request,
                        struct slice text) MUST_CHECK;

/* A request in these bytes, which were read in this turn of the loop, may have come after changes on disk
 * that the loop has yet to come to. It comes to a connection in the order in which it had something to read:
 * that may have been other frames, before this one or in an earlier read of the turn. */
bool h2_session_overtakes(struct h2_session *session, struct slice bytes, uint64_t turn);

/* Takes all bytes. False where it takes no more. */
bool h2_session_receive(struct h2_session *session, struct slice bytes) MUST_CHECK;

/* Fills an empty output. Everything that was written before must have been sent. */
enum h2_written h2_session_write(struct h2_session *session, struct h2_output *output) MUST_CHECK;

/* What was written is sent: ends the exchanges whose streams are over. */
void h2_session_end_sent(struct h2_session *session);

/* Of what was written, so many bytes will never be sent, for this reason: for the log. */
void h2_session_lose(struct h2_session *session, uint64_t bytes, enum outcome why);

/* Content of a request is late: requests that wait for some are answered with 408. */
void h2_session_refuse_late(struct h2_session *session);

/* The client has not done its part in time, see front/h2_stalls.h: the request gets 408 where it is not
 * whole, else the stream is reset. */
void h2_session_give_up(struct h2_exchange *h2);

/* What a session waits for; several may be at once. Where it is the client, the others are not looked for. */
struct h2_session_waits {
    bool for_client;  /* to make room for content of a response */
    bool for_content; /* of a request */
    bool for_handler; /* or a source */
};
struct h2_session_waits h2_session_waits(const struct h2_session *session);

/* For tests: what is wrong with it; NULL: nothing. */
const char *h2_session_validate(const struct h2_session *session);

/* The owner's tables have this for on_progress: `owner` is an exchange. */
void h2_session_on_progress(void *owner);

static inline struct h2_session *h2_session_of(void *exchange_owner)
{
    return ((struct h2_exchange *)exchange_owner)->session;
}

#endif
