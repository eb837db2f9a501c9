/* A connection: a stream, and the HTTP/1 session that it brings bytes to and takes responses from. One small
 * struct while it is idle.
 *
 * Its states, what each waits for, for how long (front/timeouts.c), and what happens when that is over:
 *
 *   IDLE    the first byte of a request             idle_ms            closes silently
 *   HEAD    the rest of a head                      head_ms            408
 *   BODY    the rest of a request's content         body_ms and rate   408
 *   HANDLE  a job off the loop, or more of a source for ever           -
 *   SEND    the peer to take what it is sent        write_ms and rate  closes
 *   LINGER  the peer's FIN, after it has our last   linger_ms, after   closes
 *           byte                                    those of SEND
 *   CLOSED  the end of the turn
 *
 * It may wait for several things at once: content of a request while the response before it is sent. The
 * state is then the one whose time counts: SEND before BODY before HANDLE. */
#ifndef FRONT_CONNECTION_H
#define FRONT_CONNECTION_H

#include "front/h1_session.h"
#include "log/access_log.h"
#include "loop/stream.h"
#include "loop/wheel.h"
#include "serve/peer.h"
#include "sys/socket.h"

struct front;

enum connection_state {
    CONNECTION_IDLE,
    CONNECTION_HEAD,
    CONNECTION_BODY,
    CONNECTION_HANDLE,
    CONNECTION_SEND,
    CONNECTION_LINGER,
    CONNECTION_CLOSED,
};

struct connection {
    struct stream stream;
    struct timer timer; /* armed at or before `deadline_ms`: moving the deadline back costs nothing */
    uint64_t deadline_ms;
    struct list link; /* in the front's list of those in this state */
    struct h1_session session;
    uint64_t
        window_began_ms;    /* when the state was entered; where progress is measured, when that began anew */
    uint64_t window_bytes;  /* since then: of BODY, received; else on their way to the peer, see timeouts.c */
    uint32_t moved_ms;      /* of BODY: when the last bytes came, modulo 2^32: see still_ms */
    uint8_t state;          /* enum connection_state */
    bool request_began : 1; /* since the state was entered: the state's time begins anew */
    bool peer_ended : 1;    /* FIN is in */
    bool resets : 1;        /* its end must look like a failure, not like the end of a response */
    bool is_counted : 1;    /* among those of its address */
};

/* With what pool and allocator add it is to stay within 256 bytes: tests/stress. */
static_assert(sizeof(struct connection) <= 240, "an idle connection is this and nothing else");

/* Takes over `fd`; false where it does not, because the address has as many connections as it may, or for
 * want of memory. May answer a first request before it returns. */
bool connection_open(struct front *front, int fd, const struct address *address) MUST_CHECK;

/* What sessions of connections have in common: for struct h1_sessions. */
extern const struct exchange_events connection_exchange_events;
#define CONNECTION_BATCH_MAX 32 /* a write's cost is spread by then */
void connection_on_request(struct h1_session *session, struct exchange *exchange);
void connection_on_content(struct h1_session *session, size_t length);

/* Goes on after an exchange of the connection came forward: its response is ready, or a piece of it. */
void connection_continue(struct connection *connection);

/* Answers the request that is being read with an error, and closes behind it; or closes where it cannot be
 * answered, and `why` stands in the log. */
void connection_refuse(struct connection *connection, int status, enum outcome why);

/* Closes at once, whatever is under way; `why` stands in the log of what is. */
void connection_abort(struct connection *connection, enum outcome why);

/* Ends an idle connection with FIN, and lingers. */
void connection_shut_down(struct connection *connection);

/* The front is draining: an idle connection is given a moment to send the request that may be on its way, a
 * busy one finishes with Connection: close. */
void connection_drain(struct connection *connection);

#endif
