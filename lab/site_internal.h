/* The site's insides, for site.c and session.c only. */
#ifndef LAB_SITE_INTERNAL_H
#define LAB_SITE_INTERNAL_H

#include "lab/site.h"
#include "server/server_internal.h"

#include <pthread.h>

struct lab_site {
    struct settings *settings;
    struct lab_counts *counts;
    struct lab_counts own_counts; /* where nobody looks */
    struct log log;
    struct counters counters;
    struct loop *loop; /* NULL before lab_site_open */
    struct server *server;
    struct h1_sessions sessions; /* those of lab/session.h */
    uint64_t turned_ns;          /* when the loop was turned last */
    bool is_shared;
    pthread_mutex_t lock;
    struct slice any_host;
    struct slice index;
    struct site site;
    struct route routes[3];
};

/* Requests that are answered before what was answered is sent. */
#define LAB_BATCH_MAX 16

/* For struct h1_sessions: session.c. */
extern const struct exchange_events lab_exchange_events;
const struct peer *lab_session_peer(const struct h1_session *session);

/* Between the two this thread alone has the server. Where there is one thread they cost nothing. */
void lab_site_enter(struct lab_site *site);
void lab_site_leave(struct lab_site *site);

/* Lets the loop see to the clock and to changes on disk, if it was a millisecond ago that it did. Inside of
 * lab_site_enter. */
void lab_site_tick(struct lab_site *site);

#endif
