/* A server: listeners, connections and what answers them, on one loop. A worker process has one.
 *
 * Life: server_create, server_listen for each socket, then the loop runs; server_drain asks it to finish
 * politely and says when it has; server_destroy ends whatever is left at once. All on the loop's thread. */
#ifndef SERVER_SERVER_H
#define SERVER_SERVER_H

#include "base/log.h"
#include "log/access_log.h"
#include "log/counters.h"
#include "settings/settings.h"

struct certificates;
struct loop;
struct server;
struct tls_listener;

struct server_options {
    struct loop *loop;                 /* outlives the server */
    struct settings *settings;         /* the server takes a reference of its own */
    struct counters *counters;         /* outlives the server */
    struct log *log;                   /* outlives the server */
    struct access_log *access_log;     /* NULL: no access log; outlives the server */
    struct certificates *certificates; /* of its listeners with TLS; NULL: none; outlives the server */
    /* After server_drain: every connection has gone, or timeouts.drain_ms have passed. The server may be
     * destroyed after this call, not in it. May be NULL. */
    void (*on_drained)(void *context);
    void *context;
};

/* Returns 0, -ENOMEM, or the -errno of the first root that cannot be opened; all of them are logged. Opening
 * may block: nothing is served yet. */
int server_create(const struct server_options *options, struct server **ret_server) MUST_CHECK;

/* Accepts connections from a listening, non-blocking socket, which stays the caller's and must stay open
 * until the server is destroyed. `number` is that of the listener in the settings, where these have any
 * (sites may be served on some of them only), else 0. With `tls` (front/tls_transport.h), which then outlives
 * the server, they speak TLS; NULL: they do not. Returns 0 or -errno. */
int server_listen(struct server *server, int listening_fd, unsigned number,
                  const struct tls_listener *tls) MUST_CHECK;

/* Accepts no more from this socket; those that it gave go on. */
void server_unlisten(struct server *server, int listening_fd);

/* Takes no new connections; idle ones are closed, busy ones answer with Connection: close. When the last
 * connection has gone, or timeouts.drain_ms have passed, options.on_drained is called, perhaps before this
 * returns. Calling it again changes nothing. */
void server_drain(struct server *server);

struct server_fault {
    struct slice path; /* of a folder, as the settings have it; gone after the call */
    int error;         /* -errno; -ETIMEDOUT: its file system did not answer in ten seconds */
};

/* With `error` 0 the new settings are in force. Else the former ones are, because of
 * -ECANCELED: later settings came before these were ready, or the server was destroyed;
 * -EBUSY: four changes before this one still wait for file systems that do not answer;
 * -EAGAIN: the offload pool is full;
 * ERROR_REFUSED: a certificate of theirs cannot be used, which is logged;
 * -ENOMEM; or the error of the first fault. */
struct server_verdict {
    int error;
    const struct server_fault *faults; /* all folders that cannot be served from; they are logged */
    size_t fault_count;
};
typedef void server_changed(void *context, const struct server_verdict *verdict);

/* Replaces the settings, of which the server takes a reference, while it serves. Their folders are opened on
 * the offload pool; when all are, the new settings take effect at once, and `done` is called, perhaps before
 * this returns. Of several changes the latest counts: one that is still being prepared is given up, and its
 * `done` called.
 *
 * Their certificates are loaded there, too, and with the settings those take effect, for connections that
 * come afterwards. Which sockets there are, and which of them speak TLS, stays as it is.
 *
 * A request is answered to its end by the settings that it began with, which it did when its head was
 * complete. Nothing that is cached beneath a folder of both settings is lost. Bounds that have shrunk close
 * no connection and end no request: who is there stays, and nobody else comes in until there is room. A wait
 * that has begun lasts as long as the more patient of the settings let it: see front_take_settings. */
void server_change(struct server *server, struct settings *settings, server_changed *done, void *context);

/* Closes every connection at once and frees the server. NULL is ignored. */
void server_destroy(struct server *server);

#endif
