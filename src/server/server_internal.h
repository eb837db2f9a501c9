/* The server's insides, shared by the files that make it up: admission, connections, exchanges,
 * dispatch and the handlers. */
#ifndef SERVER_SERVER_INTERNAL_H
#define SERVER_SERVER_INTERNAL_H

#include "base/buffer.h"
#include "base/pool.h"
#include "disk/file_cache.h"
#include "disk/folder_entries.h"
#include "front/connection.h"
#include "http/date.h"
#include "loop/job_queue.h"
#include "loop/listener.h"
#include "loop/loop.h"
#include "serve/error_page.h"
#include "serve/exchange.h"
#include "server/server.h"

struct server_listener;

/* What the worker was doing last, for the report of a stall. */
#define ACTIVITY_BYTES_MAX 120

/* 400 to 599. */
#define ERROR_STATUS_COUNT 200

struct server {
    struct server_options options;
    struct snapshot *snapshot; /* what new requests are served by */
    struct h1_limits h1_limits;
    struct file_cache *files;
    struct pool connections;
    size_t connections_peak; /* most at once since memory was last given back */
    struct pool exchanges;
    /* Connections, by enum connection_state: who has been in the state for longest, or has not got on in it
     * for longest, is first. */
    struct list by_state[CONNECTION_CLOSED];
    struct job_queue listings; /* the jobs that read folders */
    struct folder_budget listing_budget;
    struct close_queue close_queue; /* of files that the loop must not close */
    unsigned cold_buffers;          /* in use by file_source.c */
    struct exchange *spare;         /* what the next head is parsed into */
    struct server_listener *listeners;
    unsigned listener_count;
    struct map addresses; /* struct address_count, where connections per address are limited */
    struct hash_key address_key;
    struct timer drain_timer;
    bool is_draining;
    uint64_t changes_turn;    /* the turn of the loop in which changes on disk were asked for last */
    bool has_told_of_backend; /* that it cannot wait for more connections */
    struct buffer error_pages[ERROR_PAGE_FORMAT_COUNT][ERROR_STATUS_COUNT]; /* by status, from 400 */
    int64_t date_seconds;
    char date[HTTP_DATE_LENGTH];
    uint8_t activity_length;
    char activity[ACTIVITY_BYTES_MAX];
};

static inline struct loop *server_loop(const struct server *server)
{
    return server->options.loop;
}

static inline const struct settings *server_settings(const struct server *server)
{
    return server->snapshot->settings;
}

static inline struct counters *server_counters(const struct server *server)
{
    return server->options.counters;
}

/* The Date field's value, HTTP_DATE_LENGTH bytes; made anew once a second. */
const char *server_date(struct server *server);

/* The standard page of an error status, made when it is first needed; a flood of 404s costs a look-up each.
 * Lives as long as the server; empty where memory ran out. */
struct slice server_error_page(struct server *server, int status, enum error_page_format format);

/* Called before a connection's bytes are looked at: sees what changed on disk before they came. The first
 * bytes of a new one may be read before the loop comes to the changes that its client knows of. Where the
 * loop does not keep the order of events those of any other may be, too: there it is enough to look once a
 * turn, as what is told in a turn happened before it. */
void server_see_changes(struct server *server, bool is_new);

/* A connection's memory is free: gives it back, and ends the draining with the last one. */
void server_connection_gone(struct server *server, struct connection *connection);

#endif
