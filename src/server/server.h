/* A server: listeners, connections and request handlers on one loop. Each worker process has one.
 *
 * Life cycle: server_create, server_listen for each socket, then run the loop; server_drain starts a graceful
 * shutdown and reports its end; server_destroy closes everything at once. All calls on the loop's thread. */
#ifndef SERVER_SERVER_H
#define SERVER_SERVER_H

#include "base/log.h"
#include "log/access_log.h"
#include "log/counters.h"
#include "settings/settings.h"

struct board;
struct certificates;
struct loop;
struct offences;
struct reload_history;
struct server;
struct shield_figures;
struct tls_listener;

struct server_options {
    struct loop *loop;                    /* outlives the server */
    struct settings *settings;            /* the server takes a reference of its own */
    struct counters *counters;            /* outlives the server */
    struct counters_view workers;         /* of all workers, for metrics; empty: those of this server alone */
    struct board *board;                  /* of all workers (serve/board.h); NULL: this server is alone */
    struct offences *offences;            /* collects them (serve/offences.h); NULL: nobody wants to know */
    const struct shield_figures *shield;  /* for metrics; NULL: there is no shield */
    const struct reload_history *reloads; /* for the page; NULL: there are none */
    size_t worker;                        /* number on the board */
    struct log *log;                      /* outlives the server */
    struct access_log *access_log;        /* NULL: no access log; outlives the server */
    const struct access_log_set *site_logs; /* of these and later settings; NULL: none; outlives the server */
    struct certificates *certificates;      /* NULL: no TLS; outlives the server */
    /* After server_drain: every connection is closed, or timeouts.drain_ms have passed. The server may be
     * destroyed after this call, but not inside it. May be NULL. */
    void (*on_drained)(void *context);
    void *context;
};

/* Creates a server and opens its roots, which may block. Returns 0, -ENOMEM, or the -errno of the first root
 * that cannot be opened; all such roots are logged. */
int server_create(const struct server_options *options, struct server **ret_server) MUST_CHECK;

/* Accepts connections from a listening, non-blocking socket, which the caller owns and must keep open until
 * the server is destroyed. `number` is the listener's number in the settings, which may restrict sites to
 * some listeners; 0 if the settings have no listeners. `tls` (front/tls_transport.h), which must outlive the
 * server, makes the connections use TLS; NULL: plain text. A socket that is listened on already gets this
 * number and `tls` for further connections. Returns 0 or -errno. */
int server_listen(struct server *server, int listening_fd, unsigned number,
                  const struct tls_listener *tls) MUST_CHECK;

/* Stops accepting from this socket; its existing connections continue. server_retire also accepts those that
 * are in the socket's queue: for a socket that is closed afterwards. */
void server_unlisten(struct server *server, int listening_fd);
void server_retire(struct server *server, int listening_fd);

/* Requests that end from now on are logged in `access_log`, which must outlive the server; NULL: they are not
 * logged. */
void server_set_access_log(struct server *server, struct access_log *access_log);

/* There are more workers whose counters the metrics show. */
void server_set_worker_count(struct server *server, size_t count);

/* Starts a graceful shutdown: accepts no new connections, closes idle ones, and answers on busy ones with
 * Connection: close. When the last connection is closed, or timeouts.drain_ms have passed, options.on_drained
 * is called, possibly before this returns. Further calls have no effect. */
void server_drain(struct server *server);

/* Before server_drain: idle connections are to get more time for a request that may be on its way. */
void server_be_patient(struct server *server);

/* server_drain without a deadline; server_drain may set one afterwards. */
void server_drain_without_deadline(struct server *server);

struct server_fault {
    struct slice path; /* of a folder, as in the settings; valid during the call only */
    int error;         /* -errno; -ETIMEDOUT: its file system did not respond within ten seconds */
};

/* The result of a change of settings. With `error` 0 the new settings are in force. Otherwise the former ones
 * stay in force, and `error` is
 * -ECANCELED: later settings came before these were ready, or the server was destroyed;
 * -EBUSY: four earlier changes still wait for file systems that do not respond;
 * -EAGAIN: the offload pool is full;
 * ERROR_REFUSED: a certificate of the new settings cannot be used, which is logged;
 * -ENOMEM; or the error of the first fault. */
struct server_verdict {
    int error;
    const struct server_fault *faults; /* all folders that cannot be opened; they are logged */
    size_t fault_count;
};
typedef void server_changed(void *context, const struct server_verdict *verdict);

/* Replaces the settings of a running server, which takes a reference to the new ones. Their folders are
 * opened on the offload pool; when all are open, the new settings take effect and `done` is called, possibly
 * before this returns. A change that is still being prepared is cancelled by a later one, and its `done` is
 * called.
 *
 * Certificates are loaded on the pool, too, and take effect together with the settings, for new connections.
 * Listeners get the numbers that their addresses have in the new settings; the caller then calls
 * server_listen for those that are new or use TLS differently, and server_retire for those that are gone.
 *
 * A request uses the settings that were in force when its head was complete. Folders that are in both
 * settings keep their cached files. Lower limits close no connection and end no request, but new connections
 * must wait for room: see front_take_settings. A wait that has begun uses the more generous of the
 * timeouts. */
void server_change(struct server *server, struct settings *settings, server_changed *done, void *context);

/* Closes all connections at once and frees the server. NULL is ignored. */
void server_destroy(struct server *server);

#endif
