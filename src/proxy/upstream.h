/* Upstreams: the servers that requests are forwarded to, with their connections. Each worker has its own.
 *
 * An upstream is shared by all routes that name its URL, with the same TLS settings and the same HTTP, and
 * outlives changes of the settings as long as some route does. Its idle connections are kept for the next
 * requests, up to a number and for a time.
 *
 * A request is an upstream's user (struct upstream_user) while it waits for a connection, and while it has
 * one:
 *
 *     upstream_join ─▶ UPSTREAM_OPEN ───────────────────────────────▶ sends, gets its answer ─▶ on_end
 *                      UPSTREAM_WAITS (for a connection, or the    ─▶ on_open                ─▶ on_failed
 *                      addresses of a name)                           on_failed
 *
 * After on_end and on_failed, and after upstream_leave, it has nothing to do with the upstream any more. */
#ifndef PROXY_UPSTREAM_H
#define PROXY_UPSTREAM_H

#include "base/hash.h"
#include "base/log.h"
#include "base/map.h"
#include "base/pool.h"
#include "h1/recent_response.h"
#include "log/counters.h"
#include "loop/stream.h"
#include "loop/wheel.h"
#include "proxy/fault.h"
#include "proxy/server_url.h"
#include "proxy/upstream_name.h"
#include "settings/settings.h"
#include "sys/socket.h"

struct upstream;
struct upstream_carrier;
struct upstream_connection;
struct upstream_user;
struct h2_caller_shared;
struct h2_piece;
struct h2_request;
struct proxy_protocol_ends;
struct tls_remote;

#define UPSTREAM_ADDRESSES_MAX 8

/* Shared by all upstreams of a worker. */
struct upstreams {
    struct loop *loop;
    struct log *log;
    struct counters *counters;
    struct map by_url;
    struct hash_key hash_key;
    struct pool connections;
    struct job_queue lookups;                /* of names */
    char name_servers[LOOKUP_SERVERS_BYTES]; /* see lookup.h */
    unsigned names_version;                  /* how often names have got other addresses */
    unsigned drained;                        /* tunnels, so far */
    unsigned count;                          /* that are not freed yet */
    struct http_response_head *head;         /* that is being parsed; NULL before the first upstream */
    struct h1_recent_response *recent;       /* of all of them; NULL likewise */
    struct h2_caller_shared *callers;        /* of HTTP/2; NULL before the first connection of it */
    struct h2_caller_shared *probe_callers;  /* the same of health checks */
    struct pool h2_streams;
    char *h2_room;                    /* for the output of one of them; NULL: none is free */
    struct upstream_tls_rooms *rooms; /* see upstream_tls.c; NULL before the first connection with TLS */
};

struct upstream {
    struct map_link link;
    struct upstreams *all;
    struct slice url;
    struct server_url parts;
    enum proxy_http http; /* AUTO: each connection's is what the server chooses */
    bool chose_h1;        /* AUTO: the last time */
    unsigned references;
    struct address addresses[UPSTREAM_ADDRESSES_MAX];
    unsigned address_count;     /* 0: not known yet */
    unsigned address_first;     /* the one that last accepted a connection */
    unsigned address_set;       /* changes with the addresses; connections of another one are not kept */
    struct upstream_name *name; /* NULL: the addresses never change */
    struct upstream *named;     /* the one whose name has this address: a reference; NULL: none */
    struct list idle;           /* kept connections, the one that is idle for longest first */
    unsigned idle_count;
    struct list shared;                     /* connections of HTTP/2 that have requests */
    struct upstream_connection *h2_opening; /* the one of HTTP/2 that others wait for: see upstream_h2.c */
    unsigned user_count;                    /* requests that have a connection, or one on its way */
    unsigned connection_count;              /* open or on their way, idle ones too */
    unsigned object_count;                  /* those, and closed ones whose memory is still needed */
    struct list waiting;                    /* users */
    unsigned waiting_count;
    struct timer idle_timer;
    struct task serve_waiting;
    struct tls_remote *remote;      /* a reference: with what TLS is spoken; NULL: it is not, or cannot be */
    struct ssl_session_st *session; /* of TLS, which the next connection resumes; NULL: none */
    unsigned session_generation;    /* of the remote, when that was made */
    uint64_t session_ms;            /* when the certificate behind it was verified */
};

/* What carries a request to a server and its response back: a connection of HTTP/1, or a stream of one of
 * HTTP/2. It calls back its user. */
struct upstream_carrier_type {
    /* There is something to send. */
    void (*send)(struct upstream_carrier *carrier);
    /* Whether what it took of the request must still be kept. */
    bool (*is_sending)(const struct upstream_carrier *carrier);
    /* So much content of the response can be taken now. */
    void (*set_room)(struct upstream_carrier *carrier, size_t bytes);
    /* The user leaves before the response is complete. */
    void (*leave)(struct upstream_carrier *carrier);
};

struct upstream_carrier {
    const struct upstream_carrier_type *type;
};

/* Segments of one `take`. */
#define UPSTREAM_SEGMENTS_MAX 6

/* Callbacks of a user. Except for on_turn none may free it. A tunnel has only on_sent, on_content, on_end (of
 * the server's side), on_failed and on_turn. `head` is only valid during the call. */
struct upstream_user_events {
    /* It has a carrier. */
    void (*on_open)(struct upstream_user *user);
    /* For HTTP/1: what is next of the request. It is kept until on_sent. Returns how many segments. */
    size_t (*take)(struct upstream_user *user, struct segment segments[UPSTREAM_SEGMENTS_MAX]);
    /* What was taken was sent. */
    void (*on_sent)(struct upstream_user *user);
    /* For HTTP/2: the head of the request, once; then its content, as in h2/caller.h. Returns whether there
     * is some. */
    void (*request)(struct upstream_user *user, struct h2_request *ret_request);
    bool (*pull)(struct upstream_user *user, char *room, size_t bytes_max, struct h2_piece *ret_piece);
    void (*on_interim)(struct upstream_user *user, const struct http_response_head *head);
    /* The server answered 101: nothing but bytes follow. Returns false if it may not. Otherwise the
     * connection has another user (upstream_connection_become_tunnel), or is closed. */
    bool (*on_upgrade)(struct upstream_user *user, const struct http_response_head *head);
    void (*on_head)(struct upstream_user *user, const struct http_response_head *head);
    void (*on_content)(struct upstream_user *user, struct slice bytes);
    /* The response is complete, with these trailers. */
    void (*on_end)(struct upstream_user *user, const struct http_field *trailers, unsigned count);
    /* `detail` may be NULL. */
    void (*on_failed)(struct upstream_user *user, enum proxy_fault fault, const char *detail);
    /* The last callback of an event of the loop. May free the user. */
    void (*on_turn)(struct upstream_user *user);
};

struct upstream_user {
    const struct upstream_user_events *events;
    const struct proxy_settings *settings;
    struct upstream *upstream;           /* NULL: none */
    struct upstream_carrier *carrier;    /* NULL: none, or not open yet */
    struct upstream_connection *opening; /* NULL: none on its way */
    struct list link;                    /* among those that wait */
    struct timer deadline;               /* of waiting */
    enum http_method method;
    const struct proxy_protocol_ends *client; /* for the PROXY protocol; NULL: vif itself */
    bool is_h2;                               /* its carrier speaks HTTP/2 */
    bool wants_upgrade;                       /* 101 may be the answer */
    enum proxy_fault awaited_fault;           /* of the attempt that it waits for; PROXY_OK: none so far */
    bool needs_new;                           /* takes no connection that was used before */
    bool is_untouched;                        /* the server cannot have seen any of the request */
    bool has_sent;                            /* the whole request was sent */
    bool is_reused;                           /* its connection had an earlier request */
    bool has_answered;                        /* bytes of a response arrived */
};

void upstreams_init(struct upstreams *all, struct loop *loop, struct log *log, struct counters *counters);

/* Closes all idle connections. Returns whether there were any. */
bool upstreams_close_idle(struct upstreams *all);

/* No connection may be left, and no job running: see loop_finish_jobs. */
void upstreams_finish(struct upstreams *all);

/* Returns the upstream with that URL, which must be valid, with a reference for the caller; NULL if out of
 * memory. Addresses of a name are looked up by the offload pool. Routes with other TLS settings (`remote`;
 * NULL: none), or another HTTP, have upstreams of their own. */
struct upstream *upstreams_get(struct upstreams *all, struct slice url, struct tls_remote *remote,
                               enum proxy_http http) MUST_CHECK;

/* Returns the upstream of one of the addresses of another one's name, with a reference; NULL if out of
 * memory. For people it is "URL (ADDRESS)". */
struct upstream *upstreams_get_found(struct upstream *named, size_t index) MUST_CHECK;

/* The name servers to ask from now on: "127.0.0.1:5353"; none: those of the system. */
void upstreams_set_name_servers(struct upstreams *all, const struct slice *servers, size_t count);

/* Releases a reference. Without any, idle connections are closed, and the upstream is freed with its last
 * one. NULL is ignored. */
void upstream_unref(struct upstream *upstream);

enum upstream_joined { UPSTREAM_OPEN, UPSTREAM_WAITS, UPSTREAM_REFUSED };

void upstream_user_init(struct upstream_user *user, const struct upstream_user_events *events,
                        const struct proxy_settings *settings, enum http_method method);

/* Gets a connection for the user: an idle one or a new one. UPSTREAM_REFUSED
 * sets `ret_fault`, and no callback follows. */
enum upstream_joined upstream_join(struct upstream *upstream, struct upstream_user *user,
                                   enum proxy_fault *ret_fault) MUST_CHECK;

/* Whether a request would be sent in HTTP/2 now. With PROXY_HTTP_AUTO that is known only when there is a
 * connection: see user->is_h2. */
static inline bool upstream_prefers_h2(const struct upstream *upstream, const struct upstream_user *user)
{
    switch (upstream->http) {
    case PROXY_HTTP_1: return false;
    case PROXY_HTTP_2: return true;
    case PROXY_HTTP_AUTO: return !user->wants_upgrade && !upstream->chose_h1;
    }
    UNREACHABLE();
}

/* Gives up whatever the user has or waits for: its connection is closed. Does nothing without any. */
void upstream_leave(struct upstream_user *user);

/* For upstream_name.c: the addresses are others now. */
void upstream_renew_connections(struct upstream *upstream);

/* For upstream_h2.c: the user waits for a connection that is being opened, at most `connect_ms`; or for an
 * address, at most `queue_ms`. */
enum upstream_joined upstream_wait(struct upstream *upstream, struct upstream_user *user,
                                   enum proxy_fault *ret_fault) MUST_CHECK;

/* For upstream_h2.c: a connection of HTTP/1 for this user, or one of which the server says what it is. */
enum upstream_joined upstream_join_alone(struct upstream *upstream, struct upstream_user *user,
                                         enum proxy_fault *ret_fault) MUST_CHECK;

/* For upstream_h2.c: the idle connection of HTTP/2 or HTTP/1 that was used last; NULL: there is none. */
struct upstream_connection *upstream_newest_idle(const struct upstream *upstream, bool is_h2);

/* For upstream_connection.c. */

/* Frees the upstream if nothing needs it any more. */
void upstream_check_end(struct upstream *upstream);

#endif
