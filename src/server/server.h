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

struct loop;
struct server;
struct tls_listener;

struct server_options {
    struct loop *loop;             /* outlives the server */
    struct settings *settings;     /* the server takes a reference of its own */
    struct counters *counters;     /* outlives the server */
    struct log *log;               /* outlives the server */
    struct access_log *access_log; /* NULL: no access log; outlives the server */
    /* After server_drain: every connection has gone, or timeouts.drain_ms have passed. The server may be
     * destroyed after this call, not in it. May be NULL. */
    void (*on_drained)(void *context);
    void *context;
};

/* Returns 0, -ENOMEM, or the -errno of the first root that cannot be opened (logged with its path). */
int server_create(const struct server_options *options, struct server **ret_server) MUST_CHECK;

/* Accepts connections from a listening, non-blocking socket, which stays the caller's and must stay open
 * until the server is destroyed. With `tls` (front/tls_transport.h), which then outlives the server, they
 * speak TLS; NULL: they do not. Returns 0 or -errno. */
int server_listen(struct server *server, int listening_fd, const struct tls_listener *tls) MUST_CHECK;

/* Accepts no more from this socket; those that it gave go on. */
void server_unlisten(struct server *server, int listening_fd);

/* Takes no new connections; idle ones are closed, busy ones answer with Connection: close. When the last
 * connection has gone, or timeouts.drain_ms have passed, options.on_drained is called, perhaps before this
 * returns. Calling it again changes nothing. */
void server_drain(struct server *server);

/* Replaces the settings for all requests that begin from now on. Returns 0 or, with the old settings in
 * force, the -errno of a root that cannot be opened. */
int server_set_settings(struct server *server, struct settings *settings) MUST_CHECK;

/* Closes every connection at once and frees the server. NULL is ignored. */
void server_destroy(struct server *server);

#endif
