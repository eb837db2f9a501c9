/* A connection to an upstream.
 *
 *     state      waits for                           at most       then
 *     OPENING    the connection, see dialer.h        connect_ms    connect_timeout
 *     SECURING   the TLS handshake                   (the rest)    connect_timeout
 *     BUSY       its user's request content          -             (that is the client's affair)
 *                the server to take bytes            send_ms       send_timeout
 *                the head of the response            first_byte_ms first_byte_timeout
 *                more content                        between_…     between_bytes_timeout
 *                its user to take content            -             (as above)
 *                a byte, either way, in a tunnel     tunnel_…      tunnel_idle
 *     IDLE       the next request                    idle_ms       closed
 *     CLOSED     the loop to let go of its memory
 *
 * A server may answer before it has the whole request, so sending and receiving do not depend on each other.
 * The connection is kept only after a complete request and a complete response. */
#ifndef PROXY_UPSTREAM_CONNECTION_H
#define PROXY_UPSTREAM_CONNECTION_H

#include "base/buffer.h"
#include "proxy/dialer.h"
#include "proxy/upstream_link.h"

enum upstream_state {
    UPSTREAM_OPENING,
    UPSTREAM_SECURING,
    UPSTREAM_BUSY,
    UPSTREAM_SHARED, /* HTTP/2, with requests: see upstream_h2.h */
    UPSTREAM_IDLE,
    UPSTREAM_CLOSED
};

struct upstream_h2;

/* What a connection waits for. */
enum upstream_wait {
    UPSTREAM_WAIT_NONE,
    UPSTREAM_WAIT_SECURED,
    UPSTREAM_WAIT_SEND,
    UPSTREAM_WAIT_HEAD,
    UPSTREAM_WAIT_CONTENT,
    UPSTREAM_WAIT_TUNNEL,
};

struct upstream_connection {
    struct upstream_carrier carrier; /* of HTTP/1 */
    struct list link;                /* among the idle ones, or the shared ones */
    struct upstream_h2 *h2;          /* NULL: it is HTTP/1 */
    struct upstream *upstream;
    struct upstream_user *user;       /* NULL: idle or closed */
    struct upstream_link stream_link; /* its stream */
    struct dialer *dialer;            /* NULL: it is open, or closed */
    struct timer timer;
    uint64_t deadline_ms; /* of the wait, see wait_of */
    uint8_t state;        /* enum upstream_state */
    uint8_t wait;         /* enum upstream_wait */
    bool is_reused;       /* had an earlier request */
    bool has_head;        /* of the final response */
    bool may_keep;        /* the server keeps it open after this response */
    bool is_deaf;         /* a send failed: only an answer can still come */
    bool is_paused;
    bool is_tunnel;          /* after 101: what comes is passed on as it is */
    uint16_t drain_pause_ms; /* after so long a pause the tunnel ends */
    bool is_draining;        /* the tunnel ends at the first pause */
    unsigned address_set;    /* the upstream's, when it was opened */
    uint32_t unsent;         /* at the last look */
    union {
        uint64_t opened_ms; /* before it is open: when the attempt began */
        uint64_t expiry_ms; /* when an idle one is closed, or a tunnel that is drained, at the latest */
    };
    struct task gone; /* frees it, if it was never open */
    struct h1_limits limits;
    struct h1_response_parser parser;
    struct buffer kept; /* of a response's head that is incomplete */
};

static inline struct upstream_connection *upstream_connection_of_user(const struct upstream_user *user)
{
    return user->carrier ? CONTAINER_OF(user->carrier, struct upstream_connection, carrier) : NULL;
}

/* Opens a connection for the user. */
enum upstream_joined upstream_connection_open(struct upstream *upstream, struct upstream_user *user,
                                              enum proxy_fault *ret_fault) MUST_CHECK;

/* Gives an idle connection to the user. */
void upstream_connection_take(struct upstream_connection *connection, struct upstream_user *user);

/* As stream_send; after SEND_PENDING on_sent follows. After SEND_FAILED a response may still arrive;
 * `ret_is_untouched` says whether the kernel took no byte. */
enum send_result upstream_connection_send(struct upstream_connection *connection,
                                          const struct segment *segments, size_t count,
                                          bool *ret_is_untouched) MUST_CHECK;

/* For tunnels and a carrier: the user has (not) got room for content of the response. */
void upstream_connection_pause(struct upstream_connection *connection);
void upstream_connection_resume(struct upstream_connection *connection);

/* The server has answered 101, and the connection has another user. */
void upstream_connection_become_tunnel(struct upstream_connection *connection, struct upstream_user *user);

/* For tunnels. */

/* Whether upstream_connection_send may be called. */
bool upstream_connection_may_send(const struct upstream_connection *connection);

/* Sends FIN. No send may be pending. */
void upstream_connection_shutdown(struct upstream_connection *connection);

/* Closes with RST. */
void upstream_connection_reset_on_close(struct upstream_connection *connection);

/* Ends the tunnel at the first pause, soon in any case, with PROXY_FAULT_DRAINED. */
void upstream_connection_drain(struct upstream_connection *connection);

/* Chooses the time-out by what the connection waits for now. Call it after sending. */
void upstream_connection_update_wait(struct upstream_connection *connection);

/* The wait begins anew. */
void upstream_connection_begin_wait(struct upstream_connection *connection);

/* A byte of content came; or, in a tunnel, passed in either direction. */
void upstream_connection_note_moved(struct upstream_connection *connection);

/* What it is that the wait was too long. */
enum proxy_fault upstream_connection_wait_fault(const struct upstream_connection *connection);

/* Keeps a connection without requests for the next ones. */
void upstream_connection_become_idle(struct upstream_connection *connection, uint32_t idle_ms,
                                     uint32_t idle_max);

/* Closes the connection; its user is forgotten without a callback. */
void upstream_connection_close(struct upstream_connection *connection);

/* ---- for upstream_open.c and upstream_h2.c ---- */

/* Nothing else changes the state. */
void upstream_connection_set_state(struct upstream_connection *connection, enum upstream_state state);

/* The event of the link: TLS is complete. */
void upstream_connection_on_secured(struct stream *stream);

extern const struct upstream_link_events upstream_connection_link_events;
extern const struct dialer_events upstream_dialer_events;

/* Creates one for the user. Returns NULL if out of memory. */
struct upstream_connection *upstream_connection_create(struct upstream *upstream,
                                                       struct upstream_user *user) MUST_CHECK;

/* It is open, or closed: nothing is waited for any more. */
void upstream_connection_stop_dialing(struct upstream_connection *connection);

/* It is open: the user may send its request. */
void upstream_connection_begin(struct upstream_connection *connection, struct upstream_user *user);

/* The user has nothing to do with the connection any more. */
void upstream_connection_detach(struct upstream_connection *connection);

/* Closes the connection, and tells its user why. */
void upstream_connection_fail(struct upstream_connection *connection, enum proxy_fault fault,
                              const char *detail);

#endif
