/* The service of a worker: shared by all of its requests, whatever their protocol and handler. Holds the
 * settings for new requests, the handlers, the exchanges, counters and logs, and cached data for responses.
 *
 * Handlers and protocols know the service, but not each other. All calls on the loop's thread. */
#ifndef SERVE_SERVICE_H
#define SERVE_SERVICE_H

#include "base/buffer.h"
#include "base/hash.h"
#include "base/map.h"
#include "base/pool.h"
#include "http/date.h"
#include "log/access_log.h"
#include "log/counters.h"
#include "loop/loop.h"
#include "serve/error_page.h"
#include "serve/handler.h"
#include "serve/snapshot.h"

struct offences;
struct tls_remotes;

/* Size of the description of what the worker did last, for the report of a stall. */
#define ACTIVITY_BYTES_MAX 120

/* Statuses 400 to 599. */
#define ERROR_STATUS_COUNT 200

struct service {
    struct loop *loop;
    struct log *log;
    struct counters *counters;
    struct access_log *access_log;             /* of sites without one of their own; NULL: none */
    const struct access_log_set *site_logs;    /* NULL: sites have none */
    struct snapshot *snapshot;                 /* for new requests */
    const struct tls_remotes *remotes;         /* for TLS to other servers; NULL: there is none */
    struct handler handlers[ROUTE_KIND_COUNT]; /* by enum route_kind */
    struct hash_key client_key;                /* for hashes of peer_client */
    uint64_t request_id_base;                  /* the worker's part of request ids */
    uint64_t request_id_count;
    struct map client_counts;  /* see serve/client_counts.h */
    struct offences *offences; /* NULL: nobody wants to know of them */
    struct pool exchanges;
    struct arena_shelf shelf; /* for the exchanges' arenas */
    struct pool field_rooms;  /* arrays for request headers, `fields_max` each: see exchange_keep */
    unsigned fields_max;
    struct exchange *spare; /* the next head is parsed into it; has such an array */
    /* Closes the connection that can best be spared, except the one that owns `kept`; returns false if there
     * is none. NULL: there are no connections. */
    bool (*shed)(void *context, const void *kept);
    void *shed_context;
    uint64_t changes_turn, changes_read;                                    /* see service_see_changes */
    struct buffer error_pages[ERROR_PAGE_FORMAT_COUNT][ERROR_STATUS_COUNT]; /* by status, from 400 */
    int64_t date_seconds;
    char date[HTTP_DATE_LENGTH];
    uint8_t activity_length;
    char activity[ACTIVITY_BYTES_MAX];
};

/* Initialises a service. Loop, log and counters must outlive it. `exchange_bytes` is the size of the owners'
 * exchange struct, which begins with a struct exchange. Set snapshot and handlers before the first
 * request. */
void service_init(struct service *service, struct loop *loop, struct log *log, struct counters *counters,
                  size_t exchange_bytes);

/* Frees the service. No exchange may be left except the spare. The caller frees the snapshot and the
 * handlers' states. */
void service_finish(struct service *service);

/* Sets the limit of headers per request, HTTP_FIELDS_MAX at most. All exchanges must have been kept
 * (exchange_keep): call it outside of any connection's turn. */
void service_set_fields_max(struct service *service, unsigned fields_max);

static inline const struct settings *service_settings(const struct service *service)
{
    return service->snapshot->settings;
}

/* Whether the durations of requests are measured: for the access log, or for metrics. */
static inline bool service_measures(const struct service *service)
{
    const struct snapshot *snapshot = service->snapshot;
    return service->access_log || snapshot->has_site_logs || snapshot->has_admin ||
           snapshot->settings->slow_ms > 0;
}

/* The value of the Date header, HTTP_DATE_LENGTH bytes; formatted once a second. */
const char *service_date(struct service *service);

/* The standard page of an error status; created on first use, so that further ones cost only a look-up. Lives
 * as long as the service; empty if out of memory. */
struct slice service_error_page(struct service *service, int status, enum error_page_format format);

/* Call before a client's bytes are processed: makes the handlers apply changes on disk that happened before
 * the bytes arrived. With `is_new`, the bytes may have been read before the loop processed earlier change
 * events: the first bytes of a new client, or a request after other frames. One check is enough for all bytes
 * that were received at once, such as several records of TLS. On a loop that does not keep the order of
 * events this is true of all bytes; there, one check per turn is enough, as all events of a turn happened
 * before it.
 */
void service_see_changes(struct service *service, bool is_new);

/* Frees descriptors when they run out: those that handlers can spare, or that of a connection, except the one
 * that owns `kept`. Returns false if none could be freed. */
bool service_free_descriptors(struct service *service, const void *kept);

#endif
