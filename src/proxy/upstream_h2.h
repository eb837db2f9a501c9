/* HTTP/2 on a connection to a server: many requests at once, each a stream, which is its carrier.
 *
 * The connection is opened for one request, as one of HTTP/1; others wait meanwhile. From upstream_h2_begin
 * on it has no user of its own (UPSTREAM_SHARED), and its streams have. What is to be sent is collected until
 * the end of the loop's turn, so that many requests are one send.
 *
 * A stream waits for the same as a connection of HTTP/1, with the same time-outs. Whether the server is alive
 * at all is asked for all of a connection's streams together (upstream_h2_watch.c). */
#ifndef PROXY_UPSTREAM_H2_H
#define PROXY_UPSTREAM_H2_H

#include "proxy/upstream_connection.h"

#ifdef HAVE_HTTP2

/* Prepares a connection, before its first byte. Returns false if out of memory. */
bool upstream_h2_create(struct upstream_connection *connection) MUST_CHECK;

/* It is open: its user gets a stream. Returns false, after closing it, if out of memory. */
bool upstream_h2_begin(struct upstream_connection *connection, struct upstream_user *user) MUST_CHECK;

/* Gives the user a stream of a connection that is open, or opens one, or has the user wait for the one that
 * is being opened. */
enum upstream_joined upstream_h2_join(struct upstream *upstream, struct upstream_user *user,
                                      enum proxy_fault *ret_fault) MUST_CHECK;

/* Events of the connection's stream. `error` is 0 or -errno. */
void upstream_h2_on_read(struct upstream_connection *connection, struct slice bytes);
void upstream_h2_on_sent(struct upstream_connection *connection);
void upstream_h2_on_end(struct upstream_connection *connection, int error);

/* Nobody waits for the connection any more: it is closed, or takes requests. */
void upstream_h2_forget(struct upstream_connection *connection);

/* The attempt to open it has failed, or takes too long: those that wait for it fail at the end of the turn,
 * as one after the other they would wait for an attempt of their own. */
void upstream_h2_give_up(struct upstream_connection *connection, enum proxy_fault fault);

/* Frees what upstream_h2_create has made, if anything. */
void upstream_h2_free(struct upstream_connection *connection);

/* Frees what the connections of a worker share. */
void upstream_h2_finish(struct upstreams *all);

#else

MUST_CHECK static inline bool upstream_h2_create(struct upstream_connection *connection)
{
    (void)connection;
    return false;
}

MUST_CHECK static inline bool upstream_h2_begin(struct upstream_connection *connection,
                                                struct upstream_user *user)
{
    (void)connection, (void)user;
    return false;
}

static inline void upstream_h2_on_read(struct upstream_connection *connection, struct slice bytes)
{
    (void)connection, (void)bytes;
}

static inline void upstream_h2_on_sent(struct upstream_connection *connection)
{
    (void)connection;
}

static inline void upstream_h2_on_end(struct upstream_connection *connection, int error)
{
    (void)connection, (void)error;
}

static inline void upstream_h2_forget(struct upstream_connection *connection)
{
    (void)connection;
}

static inline void upstream_h2_give_up(struct upstream_connection *connection, enum proxy_fault fault)
{
    (void)connection, (void)fault;
}

static inline void upstream_h2_free(struct upstream_connection *connection)
{
    (void)connection;
}

static inline void upstream_h2_finish(struct upstreams *all)
{
    (void)all;
}

#endif
#endif
