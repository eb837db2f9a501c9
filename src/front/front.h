/* The front of a worker: its connections, the lists that they are in, and where they come from. Admission
 * lets them in, time-outs end them, draining sends them away; what they ask for is the service's to answer.
 *
 * All on the loop's thread. */
#ifndef FRONT_FRONT_H
#define FRONT_FRONT_H

#include "front/h1_connection.h"
#include "front/h1_exchange.h"
#ifdef HAVE_HTTP2
#include "front/h2_session.h"
#endif
#include "serve/service.h"

struct front_listener;
struct tls_worker;

/* Room for an exchange in the form of any protocol. */
#ifdef HAVE_HTTP2
#define FRONT_EXCHANGE_BYTES MAX(sizeof(struct h1_exchange), sizeof(struct h2_exchange))
#else
#define FRONT_EXCHANGE_BYTES sizeof(struct h1_exchange)
#endif

/* Of waits that began before the settings in force: see timeouts_change. */
struct front_waits {
    struct timeouts patient;
    uint64_t changed_ms;       /* loop time: when the settings last changed */
    uint64_t patient_until_ms; /* no wait from before is under way then */
};

struct front {
    struct service *service;
    struct loop *loop;         /* of the service */
    struct counters *counters; /* of the service */
    struct h1_sessions h1_sessions;
    struct front_client_kind h1_kind;
#ifdef HAVE_HTTP2
    struct h2_sessions h2_sessions;
    struct front_client_kind h2_kind;
    char *h2_room;        /* that outputs are written into; NULL: it is made when it is needed */
    size_t h2_rooms_held; /* such that clients have not taken yet */
#endif
    struct pool connections;     /* CONNECTION_BYTES each */
    struct pool tls_connections; /* those with TLS, which are larger */
    struct tls_worker *tls;      /* what these share; NULL: there were none */
    size_t connections_peak;     /* most at once since memory was last given back */
    /* Clients, by enum client_state: who has been in the state for longest, or has not got on in it
     * for longest, is first. */
    struct list by_state[CLIENT_CLOSED];
    struct front_listener *listeners;
    unsigned listener_count;
    struct map addresses; /* struct address_count, where connections per address are limited */
    struct front_waits waits;
    bool is_draining;
    bool has_told_of_backend; /* that it cannot wait for more connections */
    /* The last connection has gone while the front is draining; perhaps from inside of front_drain. */
    void (*on_drained)(struct front *front);
};

/* Lets the service close connections where descriptors are short. The service outlives the front, and has its
 * snapshot. */
void front_init(struct front *front, struct service *service, void (*on_drained)(struct front *front));

/* The service has another snapshot than one of the `former` settings. The limits and time-outs of connections
 * are those in force, whatever settings their requests are served by. Those that have shrunk reset nobody: of
 * more connections than may be all stay, and each newcomer takes the place of two that can be spared, or is
 * refused; of more than an address may have all stay as well. For waits that have begun see timeouts_change.
 */
void front_take_settings(struct front *front, const struct settings *former);

/* See server_listen. */
int front_listen(struct front *front, int listening_fd, unsigned number,
                 const struct tls_listener *tls) MUST_CHECK;

/* See server_unlisten. */
void front_unlisten(struct front *front, int listening_fd);

/* See server_drain; there is no time limit. Only once. */
void front_drain(struct front *front);

/* Stops listening and closes every connection at once; front_finish follows when the loop was settled. */
void front_abort(struct front *front);
void front_finish(struct front *front);

/* A connection's memory was given back: ends the draining with the last one. */
void front_connection_gone(struct front *front);

/* Those that are closed and not gone yet among them. */
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
