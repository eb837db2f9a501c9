/* The site's struct, for site.c and session.c only. */
#ifndef LAB_SITE_INTERNAL_H
#define LAB_SITE_INTERNAL_H

#include "lab/site.h"
#include "server/server_internal.h"

#include <pthread.h>

struct lab_site {
    struct settings *settings;
    struct lab_counts *counts;
    struct lab_counts own_counts; /* used if options.counts is NULL */
    struct log log;
    struct counters counters;
    struct loop *loop; /* NULL before lab_site_open */
    struct server *server;
    struct h1_sessions sessions; /* shared by all of lab/session.h */
    uint64_t turned_ns;          /* when the loop last ran */
    bool is_shared;
    pthread_mutex_t lock;
    struct slice any_host;
    struct slice index;
    struct site site;
    struct route routes[3];
};

/* Most requests that are answered before the responses are sent. */
#define LAB_BATCH_MAX 16

/* For struct h1_sessions: session.c. */
extern const struct exchange_events lab_exchange_events;
const struct peer *lab_session_peer(const struct h1_session *session);

/* Lock and unlock the server for this thread. They do nothing with a single thread. */
void lab_site_enter(struct lab_site *site);
void lab_site_leave(struct lab_site *site);

/* Runs the loop, for the clock and changes on disk, if it last ran a millisecond ago or longer. Call between
 * lab_site_enter and lab_site_leave. */
void lab_site_tick(struct lab_site *site);

#endif
