/* A session of HTTP/1: the logic of a connection without its I/O. Bytes come in, are parsed into requests,
 * and these are answered; the exchanges that have responses wait in a list, for whoever gathers and sends
 * them (front/h1_exchange.h).
 *
 * Protocol of use, for an owner that has a session for each of its connections:
 *  1. Give all bytes that were received and not used yet to h1_session_parse: it takes what it can use from
 *     their front.
 *  2. Gather and send what the exchanges have, and end those that are sent (dispatch_end_sent). `is_waiting`
 *     says that this has not come to its end. Go on with 1 where H1_SESSION_PAUSED says that there may be
 * more.
 *  3. h1_session_keep what is left, before the bytes go.
 *
 * At most one exchange is being handled at a time, so responses leave in the order of their requests without
 * any book-keeping; pipelined requests that are answered at once collect, and can leave in one write. */
#ifndef FRONT_H1_SESSION_H
#define FRONT_H1_SESSION_H

#include "front/input.h"
#include "h1/h1.h"
#include "h1/recent_head.h"
#include "serve/exchange.h"

struct h1_session;

/* What all sessions of one kind share. */
struct h1_sessions {
    struct service *service;
    const struct exchange_events *events;
    struct h1_limits limits;
    struct h1_recent_head recent_head;
    unsigned batch_max; /* responses that are collected before they are sent */
    bool shares_turns;  /* asks the loop whether there is time for more requests in this turn */
    /* A request has come, and `exchange` is its: before it is routed. May set exchange->closes. NULL: nobody
     * asks. */
    void (*on_request)(struct h1_session *session, struct exchange *exchange);
    /* Bytes of a request's content have come. NULL: nobody asks. */
    void (*on_content)(struct h1_session *session, size_t length);
    /* Whom the session's requests come from. Lives as long as the session. */
    const struct peer *(*peer)(const struct h1_session *session);
};

struct h1_session {
    struct h1 engine;      /* whose limits are those of struct h1_sessions: see h1_session_all */
    struct list exchanges; /* struct exchange, in order; all but the last are responded */
    struct input *input;   /* what was read and not parsed yet; NULL: nothing */
    uint32_t request_count;
    bool
        is_closing : 1; /* nothing behind the last request is parsed: the connection ends with its response */
    bool is_waiting : 1; /* a response is being sent or made: no request is begun before it is out */

    bool client_said_close : 1; /* it said that it sends nothing behind its last request, and did not */
    bool cuts : 1;   /* the connection's end must look like a failure, not like the end of a response */
    uint8_t failure; /* enum outcome: close, there is no going on; OUTCOME_COMPLETE: there is */
};

void h1_session_init(struct h1_session *session, struct h1_sessions *all);

/* A session is small: what all have in common is found by way of the engine's limits. */
static inline struct h1_sessions *h1_session_all(const struct h1_session *session)
{
    return CONTAINER_OF((struct h1_limits *)session->engine.limits, struct h1_sessions, limits);
}

enum h1_session_parsed {
    H1_SESSION_STARVED, /* nothing more to do without more bytes */
    H1_SESSION_PAUSED,  /* there may be more, but what was answered must be sent first */
};

/* Takes requests from the front of the input and has them answered. */
enum h1_session_parsed h1_session_parse(struct h1_session *session, struct slice *input) MUST_CHECK;

/* What a range of a file was given for still holds: see struct stream_events. */
bool h1_session_may_send_file(const struct h1_session *session, const struct segment *segment) MUST_CHECK;

/* Keeps what was not parsed and what the exchanges still need of the bytes that were read. False without
 * memory. */
bool h1_session_keep(struct h1_session *session, struct slice rest) MUST_CHECK;

/* A response may have been given, perhaps the last of its connection: nothing behind that is parsed. For an
 * owner that sends before it parses again. */
void h1_session_note_response(struct h1_session *session);

/* Answers with an error the request that is being read, or what should have been one, and closes behind it.
 * Where the request has its response already, or a job, the content that is still to come is given up. `why`
 * is for the log. */
void h1_session_refuse(struct h1_session *session, int status, enum outcome why);

/* The client sends no more: a request whose content is not complete gets no answer, but those before it do.
 */
void h1_session_end(struct h1_session *session);

/* Ends all exchanges, in the order of their requests, as the log has them. */
void h1_session_drop(struct h1_session *session);

/* After the last response: the client sends nothing more, and everything that it sent was read, so that a
 * close cannot make the kernel send RST (RFC 9112 section 9.6). */
bool h1_session_is_read_whole(const struct h1_session *session);

/* Content of the request that was begun is still to come. */
static inline bool h1_session_is_inside_content(const struct h1_session *session)
{
    enum h1_state state = (enum h1_state)session->engine.state;
    return state != H1_STATE_HEAD && state != H1_STATE_END && state != H1_STATE_DEAD;
}

/* Bytes of content that are wanted now of the request that is being read; 0 between requests. */
uint64_t h1_session_content_wanted(const struct h1_session *session);

/* NULL: there is none. */
static inline struct exchange *h1_session_last(const struct h1_session *session)
{
    return list_is_empty(&session->exchanges)
               ? NULL
               : CONTAINER_OF(session->exchanges.previous, struct exchange, link);
}

#endif
