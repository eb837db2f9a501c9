/* The service of a worker: what its requests share, whoever brings them and whatever answers them. The
 * settings that new requests are served by, the handlers, the exchanges, where things are counted and logged,
 * and what is made once for all responses.
 *
 * Handlers and those who talk to clients know the service, and not each other. All on the loop's thread. */
#ifndef SERVE_SERVICE_H
#define SERVE_SERVICE_H

#include "base/buffer.h"
#include "base/hash.h"
#include "base/pool.h"
#include "http/date.h"
#include "log/access_log.h"
#include "log/counters.h"
#include "loop/loop.h"
#include "serve/error_page.h"
#include "serve/handler.h"
#include "serve/snapshot.h"

/* What the worker was doing last, for the report of a stall. */
#define ACTIVITY_BYTES_MAX 120

/* 400 to 599. */
#define ERROR_STATUS_COUNT 200

struct service {
    struct loop *loop;
    struct log *log;
    struct counters *counters;
    struct access_log *access_log;             /* NULL: none */
    struct snapshot *snapshot;                 /* what new requests are served by */
    struct handler handlers[ROUTE_KIND_COUNT]; /* by enum route_kind */
    struct hash_key client_key;                /* for hashes of peer_client */
    struct pool exchanges;
    struct arena_shelf shelf; /* of the exchanges' arenas */
    struct pool field_rooms;  /* for the fields of requests, `fields_max` each: see exchange_keep */
    unsigned fields_max;
    struct exchange *spare; /* what the next head is parsed into; it has such room */
    /* Closes a connection that can best be spared, but not that of this owner of an exchange; false where
     * there is none. NULL: there are no connections. */
    bool (*shed)(void *context, const void *kept);
    void *shed_context;
    uint64_t changes_turn;                                                  /* see service_see_changes */
    struct buffer error_pages[ERROR_PAGE_FORMAT_COUNT][ERROR_STATUS_COUNT]; /* by status, from 400 */
    int64_t date_seconds;
    char date[HTTP_DATE_LENGTH];
    uint8_t activity_length;
    char activity[ACTIVITY_BYTES_MAX];
};

/* Empty but for these, which outlive it. `exchange_bytes`: of the owners' form of an exchange, which begins
 * with a struct exchange. Snapshot and handlers are to be set before the first request. */
void service_init(struct service *service, struct loop *loop, struct log *log, struct counters *counters,
                  size_t exchange_bytes);

/* No exchange is left but the spare one. The snapshot and the handlers' states are their owner's to end. */
void service_finish(struct service *service);

/* Requests may have so many fields from now on, HTTP_FIELDS_MAX at most. Every exchange is kept (see
 * exchange_keep): to be called outside of any connection's turn. */
void service_set_fields_max(struct service *service, unsigned fields_max);

static inline const struct settings *service_settings(const struct service *service)
{
    return service->snapshot->settings;
}

/* The Date field's value, HTTP_DATE_LENGTH bytes; made anew once a second. */
const char *service_date(struct service *service);

/* The standard page of an error status, made when it is first needed; a flood of 404s costs a look-up each.
 * Lives as long as the service; empty where memory ran out. */
struct slice service_error_page(struct service *service, int status, enum error_page_format format);

/* Called before a client's bytes are looked at: has the handlers see what changed before they came. The first
 * bytes of a new client may be read before the loop comes to the changes that it knows of, and so may a
 * request that comes behind other frames (`is_new`). Where the loop does not keep the order of events those
 * of any other may be, too: there it is enough to look once a turn, as what is told in a turn happened before
 * it. */
void service_see_changes(struct service *service, bool is_new);

/* There is a shortage of descriptors. Has some given back, by a handler or by a connection that can be
 * spared, which is never that of `kept`, an owner of exchanges; false where there was none. */
bool service_free_descriptors(struct service *service, const void *kept);

#endif
