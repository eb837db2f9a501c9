/* The front of a worker: its listeners and connections. Admission accepts connections, timeouts and draining
 * end them; the service (serve/service.h) answers their requests.
 *
 * All calls on the loop's thread. */
#ifndef FRONT_FRONT_H
#define FRONT_FRONT_H

#include "front/h1_connection.h"
#include "front/h1_exchange.h"
#include "front/proxied_connection.h"
#ifdef HAVE_HTTP2
#include "front/h2_session.h"
#endif
#include "serve/service.h"

struct front_listener;
struct tls_worker;

/* Size of the largest protocol-specific exchange. */
#ifdef HAVE_HTTP2
#define FRONT_EXCHANGE_BYTES MAX(sizeof(struct h1_exchange), sizeof(struct h2_exchange))
#else
#define FRONT_EXCHANGE_BYTES sizeof(struct h1_exchange)
#endif

/* Timeouts of waits that began under earlier settings: see timeouts_change. */
struct front_waits {
    struct timeouts patient;
    uint64_t changed_ms;       /* loop time: when the settings last changed */
    uint64_t patient_until_ms; /* by then no wait from before the change is left */
};

/* A client that is busy will send its next request by then, and be told "Connection: close" with the answer
 * rather than lose it. When another vif has taken over, there is no hurry. */
#define FRONT_DRAIN_IDLE_MS         250
#define FRONT_DRAIN_IDLE_MS_PATIENT 2000

struct front {
    struct service *service;
    struct loop *loop;         /* of the service */
    struct counters *counters; /* of the service */
    struct h1_sessions h1_sessions;
    struct front_client_kind h1_kind;
    struct front_client_kind tunnel_kind;
#ifdef HAVE_HTTP2
    struct h2_sessions h2_sessions;
    struct front_client_kind h2_kind;
    char *h2_output;        /* shared output buffer; NULL: allocated on first use */
    size_t h2_buffers_held; /* buffers that connections keep until their client has received the output */
#endif
    struct pool connections;     /* CONNECTION_BYTES each */
    struct pool tls_connections; /* TLS_CONNECTION_BYTES each */
    struct tls_worker *tls;      /* shared by TLS connections; NULL: there were none yet */
    size_t connections_peak;     /* maximum since memory was last returned */
    /* Clients by enum client_state. First is the one that has been in the state, or without progress in it,
     * for longest. */
    struct list by_state[CLIENT_CLOSED];
    struct front_listener *listeners;
    unsigned listener_count;
    struct front_waits waits;
    struct proxied_faults proxied_faults;
    bool is_draining;
    uint32_t drain_idle_ms;   /* that an idle client then gets for its next request */
    bool has_told_of_backend; /* logged that the backend cannot watch more connections */
    /* Called when the last connection has gone while draining; possibly from inside front_drain. */
    void (*on_drained)(struct front *front);
};

/* Also registers with the service a function that closes connections when descriptors run out. The service
 * must outlive the front and have its snapshot. */
void front_init(struct front *front, struct service *service, void (*on_drained)(struct front *front));

/* Call after the service got a new snapshot in place of one with the `former` settings. Limits and timeouts
 * of connections are always those of the newest settings, whatever settings their requests are served by. A
 * lower limit closes nothing by itself: all connections over it stay, and each new one replaces two that can
 * be spared or is refused; connections over the limit per address stay, too. For waits that have begun see
 * timeouts_change. */
void front_take_settings(struct front *front, const struct settings *former);

/* Listeners and their connections have other numbers from now on. */
void front_renumber(struct front *front, const struct listener_numbers *numbers);

/* See server_listen. */
int front_listen(struct front *front, int listening_fd, unsigned number,
                 const struct tls_listener *tls) MUST_CHECK;

/* See server_unlisten. With `accepts`, connections in the socket's queue are accepted first. */
void front_unlisten(struct front *front, int listening_fd, bool accepts);

/* See server_drain; there is no time limit. Only once. */
void front_drain(struct front *front);

/* Stops listening and closes every connection at once. Call front_finish after the loop has run its deferred
 * work (loop_finish_jobs). */
void front_abort(struct front *front);
void front_finish(struct front *front);

/* A connection's memory was freed: when it was the last one, draining is complete. */
void front_connection_gone(struct front *front);

/* Includes connections that are closed but not freed yet. */
static inline size_t front_connection_count(const struct front *front)
{
    return front->connections.count + front->tls_connections.count;
}

static inline struct front *front_of(const struct h1_connection *connection)
{
    return CONTAINER_OF(h1_session_all(&connection->session), struct front, h1_sessions);
}

static inline const struct settings *front_settings(const struct front *front)
{
    return service_settings(front->service);
}

#endif
