/* The servers of a route, and which of them gets the next request.
 *
 * A server that fails several times in a row is left out for a while; then one request at a time tries it. If
 * all are left out, none is: a server that fails is better than none. What is known about a server is on the
 * board (serve/board.h), so that all workers choose by the same. Only the turn of `round_robin` is a worker's
 * own, and begins anywhere: each worker serves its own requests evenly, so that all together differ by a
 * request for each worker at most, and no memory is shared for it. */
#ifndef PROXY_UPSTREAM_GROUP_H
#define PROXY_UPSTREAM_GROUP_H

#include "proxy/balance.h"
#include "proxy/place_queue.h"
#include "proxy/recent_request.h"
#include "proxy/upstream.h"
#include "serve/board.h"

#define SERVER_TOKEN_BYTES 32

struct upstream_member {
    struct upstream *upstream;
    struct board_place place;
    uint32_t weight;
    uint32_t limit; /* of requests at once; 0: none */
    bool is_backup;
    struct list waiting;            /* requests that are tied to it; see place_queue.h */
    char token[SERVER_TOKEN_BYTES]; /* for `sticky`: see affinity.h */
};

struct upstream_group {
    struct map_link link;
    const struct site *site; /* NULL: the route is a listener's */
    const struct route *route;
    struct settings *settings; /* the route's: a reference */
    struct upstreams *all;
    struct board *board;
    char name[BOARD_ROUTE_BYTES]; /* of the route, for people: "example.com/api" */
    unsigned version;             /* of the board's changes that it was made of */
    unsigned references;          /* requests, and the handler */
    struct health_group *health;  /* of proxy/health.h; NULL: its servers are not checked */
    bool has_names;               /* servers that are found by name */
    unsigned names_version;       /* of its names that it was made of */
    unsigned names_seen;          /* of upstreams.names_version at which that was the same */
    unsigned left_out;            /* servers without a place on the board */
    uint64_t retry_ms;            /* when it is made anew for their sake; 0: never */
    bool is_simple;               /* one server that takes any number of requests: there is no choice */
    unsigned next;                /* where the search for the fewest requests begins */
    struct place_lists waiting;   /* requests, of place_queue.h */
    unsigned waiting_count;
    struct list queue_link;       /* among the groups that have such */
    struct recent_request recent; /* to HTTP/1 servers */
    int64_t turns[PROXY_SERVERS_MAX];
    unsigned count;
    struct upstream_member members[];
};

/* What the group shares with others, and where it belongs. */
struct upstream_group_plan {
    struct upstreams *all;
    struct board *board;
    size_t worker;           /* number */
    const struct site *site; /* NULL: the route is a listener's */
    const struct route *route;
    struct settings *settings;
    const struct tls_remotes *remotes; /* for servers with TLS; NULL: none */
    struct upstream_group *former;     /* whose place it takes; NULL: none */
};

/* Creates the group of a route, with one reference. Servers for which the board has no place are left out,
 * which is logged once, and tried again later. Returns NULL if out of memory, which is logged. */
struct upstream_group *upstream_group_create(const struct upstream_group_plan *plan) MUST_CHECK;

static inline struct upstream_group *upstream_group_ref(struct upstream_group *group)
{
    group->references++;
    return group;
}

/* NULL is ignored. */
void upstream_group_unref(struct upstream_group *group);

/* What a request brings for the choice. */
struct upstream_wish {
    uint64_t tried; /* the servers that have failed, as bits */
    uint64_t key;   /* for PROXY_HASH */
    int sticky;     /* index of the server that its client is to stay at; -1: none */
};

enum upstream_choice {
    UPSTREAM_CHOSEN, /* the request has a place there: see upstream_group_leave */
    UPSTREAM_FULL,   /* those that it may go to have as many requests as they take */
    UPSTREAM_NONE,   /* there is no server left that it may go to */
};

/* For one with names, or with servers that are left out. */
bool upstream_group_has_same_servers(struct upstream_group *group);

/* Whether its servers are those that the route has now. */
static inline bool upstream_group_is_current(struct upstream_group *group)
{
    return group->version == board_version(group->board) &&
           ((!group->has_names && group->retry_ms == 0) || upstream_group_has_same_servers(group));
}

enum upstream_choice upstream_group_search(struct upstream_group *group, const struct upstream_wish *wish,
                                           unsigned *ret_index) MUST_CHECK;

static inline enum upstream_choice
upstream_group_choose(struct upstream_group *group, const struct upstream_wish *wish, unsigned *ret_index)
{
    *ret_index = 0;
    if (group->is_simple && wish->tried == 0)
        return board_begin(group->members[0].place, 0) ? UPSTREAM_CHOSEN : UPSTREAM_FULL;
    return upstream_group_search(group, wish, ret_index);
}

/* Whether the choice depends on more of a request than which servers it has tried: see affinity.h. */
static inline bool upstream_group_has_affinity(const struct upstream_group *group)
{
    return group->route->proxy.balance == PROXY_HASH || group->route->proxy.sticky.is_on;
}

/* Whether a server, or that one, has fewer requests than it takes. */
bool upstream_group_has_room(const struct upstream_group *group);
bool upstream_group_has_room_at(const struct upstream_group *group, unsigned index);

/* Whether a server is neither down nor left out. */
bool upstream_group_is_good(const struct upstream_group *group, unsigned index);

/* The request does not need the server any more. */
static inline void upstream_group_leave(struct upstream_group *group, unsigned index)
{
    board_end(group->members[index].place);
}

/* What came of a request to a server: counts for leaving it out. */
void upstream_group_note(struct upstream_group *group, unsigned index, bool has_failed);

/* How long the server took for an answer. */
void upstream_group_note_time(struct upstream_group *group, unsigned index, uint64_t time_us);

static inline bool upstream_group_measures(const struct upstream_group *group)
{
    return group->route->proxy.balance == PROXY_LEAST_TIME;
}

#endif
