/* An HTTP/1 session: the logic of a connection without its I/O. It parses bytes into requests and has them
 * answered; the exchanges with responses wait in a list until the owner gathers and sends them
 * (front/h1_exchange.h).
 *
 * Protocol of use, for an owner that has a session for each of its connections:
 *  1. Give all bytes that were received and not consumed yet to h1_session_parse, which consumes them from
 *     the front.
 *  2. Gather and send what the exchanges have, and end those that are sent (dispatch_end_sent). `is_waiting`
 *     stays set until all of that is done. Then, after H1_SESSION_PAUSED, continue with step 1.
 *  3. Call h1_session_keep with the rest before the bytes become invalid.
 *
 * At most one exchange is being handled at a time, so responses are in the order of their requests without
 * further bookkeeping. Pipelined requests that are answered at once collect and can be sent by one write. */
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
    bool shares_turns;  /* checks with the loop whether there is time for more requests in this turn */
    /* Called for each new request, before it is routed; `exchange` belongs to it. May set exchange->closes.
     * May be NULL. */
    void (*on_request)(struct h1_session *session, struct exchange *exchange);
    /* Called when bytes of a request body have arrived. May be NULL. */
    void (*on_content)(struct h1_session *session, size_t length);
    /* Returns the peer of the session; it lives as long as the session. */
    const struct peer *(*peer)(const struct h1_session *session);
};

struct h1_session {
    struct h1 engine;      /* its limits are those in struct h1_sessions: see h1_session_all */
    struct list exchanges; /* struct exchange, in order; all but the last have a response */
    struct input *input;   /* bytes read but not parsed yet; NULL: none */
    uint32_t request_count;
    bool
        is_closing : 1; /* nothing behind the last request is parsed: the connection ends with its response */
    bool is_waiting : 1; /* a response is being made or sent: no new request until it is sent */

    bool client_said_close : 1; /* the client sent "Connection: close", and nothing after that request */
    bool cuts : 1;              /* close by RST, so that a truncated response does not look complete */
    uint8_t failure;            /* enum outcome: close for this reason; OUTCOME_COMPLETE: no failure */
};

void h1_session_init(struct h1_session *session, struct h1_sessions *all);

/* Saves a pointer in each session: the shared part is found through the engine's pointer to the limits. */
static inline struct h1_sessions *h1_session_all(const struct h1_session *session)
{
    return CONTAINER_OF((struct h1_limits *)session->engine.limits, struct h1_sessions, limits);
}

enum h1_session_parsed {
    H1_SESSION_STARVED, /* needs more bytes */
    H1_SESSION_PAUSED,  /* there may be more requests, but send the responses first */
};

/* Consumes requests from the front of the input and has them answered. */
enum h1_session_parsed h1_session_parse(struct h1_session *session, struct slice *input) MUST_CHECK;

/* Whether the file of this segment is unchanged since the response's head was made: struct stream_events. */
bool h1_session_may_send_file(const struct h1_session *session, const struct segment *segment) MUST_CHECK;

/* Copies the unparsed `rest` and those of the read bytes that the exchanges still refer to. Returns false if
 * out of memory. */
bool h1_session_keep(struct h1_session *session, struct slice rest) MUST_CHECK;

/* Call when a response may have become ready: if it is the last of the connection, parsing stops. For an
 * owner that sends before it parses again. */
void h1_session_note_response(struct h1_session *session);

/* Answers the request that is being read, or the bytes that should have been one, with an error and closes
 * after it. If the request already has its response or a job, only its remaining content is given up. `why`
 * is for the log. */
void h1_session_refuse(struct h1_session *session, int status, enum outcome why);

/* The client sent FIN: a request with incomplete content gets no response, but those before it do. */
void h1_session_end(struct h1_session *session);

/* Ends all exchanges, in the order of their requests, so that the access log has them in that order. */
void h1_session_drop(struct h1_session *session);

/* After the last response: whether the client sends nothing more and everything it sent was read. Then
 * closing cannot make the kernel send RST (RFC 9112 section 9.6). */
bool h1_session_is_read_whole(const struct h1_session *session);

/* Whether content of the current request is still to come. */
static inline bool h1_session_is_inside_content(const struct h1_session *session)
{
    return session->engine.state == H1_STATE_CONTENT;
}

/* Bytes of content of the current request that can be taken now; 0 between requests. */
uint64_t h1_session_content_wanted(const struct h1_session *session);

/* The newest exchange, or NULL. */
static inline struct exchange *h1_session_last(const struct h1_session *session)
{
    return list_is_empty(&session->exchanges)
               ? NULL
               : CONTAINER_OF(session->exchanges.previous, struct exchange, link);
}

/* Whether the last request ends if the client ends its side of the connection. */
static inline bool h1_session_ends_with_client(const struct h1_session *session)
{
    const struct exchange *last = h1_session_last(session);
    return last && last->ends_with_client && !last->is_sent;
}

#endif
