/* An exchange: one request and its response, from the parsed head to the last byte sent.
 *
 * A handler gets an exchange and answers it exactly once, at once or later: it fills `response` and calls
 * exchange_respond with a source of content, or one of its short forms. It is independent of the protocol.
 * What the response borrows must live until the exchange ends: settings, files held by exchange->file, and
 * the exchange's arena do.
 *
 * The owner of an exchange, such as a connection, keeps it in a list in the order of the requests, encodes
 * the response for its protocol, sends it, and ends the exchange.
 *
 * The request's slices point into the bytes that were read. A handler that does not answer before it returns
 * must call exchange_keep (exchange_offload does so). */
#ifndef SERVE_EXCHANGE_H
#define SERVE_EXCHANGE_H

#include "disk/file.h"
#include "http/request.h"
#include "http/trailer.h"
#include "http/uri.h"
#include "log/access_log.h"
#include "loop/job_queue.h"
#include "loop/offload.h"
#include "serve/peer.h"
#include "serve/sink.h"
#include "serve/snapshot.h"
#include "serve/source.h"

#include <stdatomic.h>
#include <stddef.h>

struct exchange;
struct service;
struct tunnel;

/* Callbacks to the owner of an exchange; one constant for each kind of owner. */
struct exchange_events {
    /* The response is complete: status, headers, and its content in exchange->source (NULL: none). Called
     * inside exchange_respond. The slices of the headers need only live during the call. `keep`, if not NULL,
     * is where the head can be stored for reuse, as this response is the same every time. */
    void (*on_respond)(struct exchange *exchange, struct http_kept_head *keep);
    /* The same for a response whose head on_respond has stored in `kept`: status and length are set, headers
     * are not. If the content is stored after the head, there is no source. `is_sole`: no one else is using
     * that head. NULL if the owner never stores heads. */
    void (*on_respond_kept)(struct exchange *exchange, struct http_kept_head *kept, bool is_sole);
    /* An interim response (RFC 9110 section 15.2) is complete: status and headers, which need only live
     * during the call. NULL: interim responses are dropped. */
    void (*on_interim)(struct exchange *exchange);
    /* Outside of any call by the owner, the response or more of its body became ready, or the sink has credit
     * again. May end the exchange. */
    void (*on_progress)(void *owner);
    /* Called before a job that waited in a queue begins. Returns false, after ending the exchange, if the
     * client has disconnected meanwhile. NULL: clients never disconnect. */
    bool (*is_there)(void *owner);
    /* Whether the client has disconnected: then no job is begun. NULL: clients never disconnect. */
    bool (*has_left)(void *owner);
    /* Fills in the TLS properties of the connection if the peer is secure; with an arena also the client's
     * certificate. NULL: peers are never secure. */
    void (*tell_tls)(void *owner, struct arena *arena, struct peer_tls *ret_tls);
    /* The addresses of both ends of the client's socket, as sys_ends. NULL: they are unknown. */
    void (*tell_ends)(void *owner, struct address *ret_peer, struct address *ret_local);
    /* Runs a job: `exchange->queued.job.work` where it may block, then `exchange->queued.job.done` on the
     * server's thread. NULL: the loop's offload pool runs it, through a queue. */
    void (*on_job)(void *owner, struct exchange *exchange);
};

/* All that one request may allocate. */
#define EXCHANGE_ARENA_BYTES_MAX (4u << 20)

/* Room for a source inside the exchange: enough for sources of memory and files. */
#define EXCHANGE_SOURCE_BYTES 128

/* What is noted of a request for logs; most requests need none. */
struct exchange_record {
    struct slice request_id; /* see serve/request_id.h; data is NULL: not asked for yet */
    /* Microseconds, for serve/timing.h; 0: did not happen. */
    uint64_t accept_us;    /* of the first request of a connection: how long that was open before it */
    uint64_t head_us;      /* how long the head took */
    uint64_t queued_us;    /* loop time: when its job was submitted */
    uint64_t job_began_us; /* loop time: when a thread took the job */
    uint64_t queue_us;     /* how long its jobs waited */
    uint64_t responded_us; /* loop time: when there was a response */
    uint64_t waited_us;    /* `queue_us` at that time: jobs may also read what is sent */
};

struct exchange {
    struct list link; /* in the owner's list, in the order of the requests */
    struct service *service;
    void *owner; /* NULL: gone; the exchange ends when its job is done */
    const struct exchange_events *events;
    const struct peer *peer;   /* the owner's */
    const struct peer *client; /* the peer, or whom a trusted proxy forwards for: see serve/forwarded.h */
    struct snapshot *snapshot;
    const struct route_entry *route_entry; /* NULL before routing, or if no route matches */
    struct slice path;                     /* normalised, relative to the site, not the route */
    uint64_t began_us;                     /* when the head was complete; 0 if not measured */

    uint16_t reject_status; /* routing rejects it with this status; 0: it will be handled */
    bool has_guessed_route; /* it was rejected before it was routed: for headers and the error page */
    bool is_no_file;        /* `path` contains an encoded '/': no file has such a name */
    bool seeks_error_page;  /* the configured error page has been requested */
    bool streams_content;   /* the request's content goes to `sink`; it waits until there is one */
    bool has_content_left;  /* of the request's content, not read yet */
    bool awaits_continue;   /* the client waits for "100 Continue" before it sends content */
    bool ends_with_client;  /* a client that ends its side has left: nobody else pays for its response */
    bool is_watched;        /* it has a sink, or `on_gone` */
    bool is_kept;           /* the request and its headers are in the arena */
    bool is_busy;           /* an offloaded job uses it */
    bool is_responded;      /* the response is ready to be sent, or being sent */
    bool is_sent;           /* the owner has taken all of the response */
    bool is_counted;        /* for its client: see forwarded_count */
    bool is_early;          /* the request came as early data of TLS: it may be a replay (RFC 8470) */
    bool closes;            /* the connection ends with this response */
    bool has_no_content;    /* the response has no content on the wire: HEAD, 304 */
    uint8_t outcome;        /* enum outcome: why the response is incomplete, if it is */
    uint32_t head_bytes;    /* of `given_bytes`, those that are not content */
    uint64_t given_bytes;   /* to the owner; at the end reduced by what could not be sent */

    struct file *file;             /* reference held for the response */
    struct sink *sink;             /* of the request's content; NULL: dropped, waiting, or complete */
    struct source *source;         /* of the response's content; NULL: none */
    void *handler_state;           /* in the arena */
    struct http_trailers trailers; /* of the request, when its content has ended */
    struct http_response *response_trailers;    /* NULL: none; only its fields are used */
    void (*on_gone)(struct exchange *exchange); /* see exchange_watch; NULL: none */
    struct exchange_record *record;             /* in the arena; NULL: nothing is noted yet */
    struct tunnel *tunnel;                      /* that it has become; NULL: none */
    const struct access_log_upstream *upstream; /* for the log: where it was forwarded to; NULL: nowhere */
    struct arena arena;
    struct http_response response;
    struct http_request request;

    /* The members from here on are not zeroed: they are set with a source or a job. */
    _Alignas(max_align_t) char source_room[EXCHANGE_SOURCE_BYTES];
    struct queued_job queued;
    void (*job_work)(void *context);
    void (*job_done)(void *context);
    void *job_context;
    atomic_bool is_abandoned; /* the owner ended while the job was queued: it need not run */
};

/* This is all memory that a client needs while it waits for a response. */
static_assert(sizeof(struct exchange) <= 768, "with what its owner adds, an exchange stays below 1 KiB");

/* The exchange's record; NULL if out of memory. */
struct exchange_record *exchange_record_of(struct exchange *exchange) MUST_CHECK;

/* Normalises the request's path to one of the forms in http/uri.h: returns a part of the request, or a copy
 * in the arena. HTTP_PATH_TOO_LONG means out of memory. */
enum http_path_result exchange_normalize_path(struct exchange *exchange, enum http_path_form form,
                                              struct slice *ret_path) MUST_CHECK;

/* Copies the request into the exchange's arena: its bytes, which are only valid during the owner's turn, and
 * its headers. The full-sized header array that they were parsed into goes back to the service, so that there
 * are never more such arrays than requests in one turn. Returns 0 or -ENOMEM. */
int exchange_keep(struct exchange *exchange) MUST_CHECK;

/* The same for all exchanges of an owner, since unfinished responses outlive the bytes that their requests
 * point into. Returns 0 or -ENOMEM. */
int exchange_keep_all(const struct list *exchanges) MUST_CHECK;

/* Runs `work` on the offload pool, through `queue`, then `done` on the loop, both with `context`, and then
 * notifies the owner (on_progress). An owner with on_job runs them itself. `done` is called even if the owner
 * is gone (exchange->owner is NULL then), so that it can release what it holds. Returns 0; -EAGAIN if the
 * queue or the pool is full; -ENOMEM; or -ECONNRESET if the client has disconnected. After an error neither
 * is called. */
int exchange_offload(struct exchange *exchange, struct job_queue *queue, void (*work)(void *context),
                     void (*done)(void *context), void *context) MUST_CHECK;

/* Whether so few exchanges are free that they are reserved for connections that have none. */
bool exchange_pool_is_low(const struct service *service);

/* The handler receives the request's content by this sink, which it owns: see serve/sink.h. Only for handler
 * types with streams_content, before the response. For a request without content, `end` is called at once. */
void exchange_read_content(struct exchange *exchange, struct sink *sink);

/* Stops taking the request's content; the sink is not called again. */
void exchange_stop_reading(struct exchange *exchange);

/* For the owner: the request's content will never be complete. Calls the sink's `abort`, if there is one. */
void exchange_abort_content(struct exchange *exchange, enum outcome why);

/* For the owner: the request's content is complete. */
void exchange_end_content(struct exchange *exchange);

/* For the owner: how many bytes of the request's content can be taken now. */
static inline uint64_t exchange_content_wanted(const struct exchange *exchange)
{
    if (!exchange->streams_content)
        return UINT64_MAX;
    return exchange->sink ? exchange->sink->credit : 0;
}

/* For a handler that answers later, without a job: `on_gone` is called if the exchange ends before
 * exchange_unwatch, so that the handler can stop its work. It must not answer then. */
void exchange_watch(struct exchange *exchange, void (*on_gone)(struct exchange *exchange));
void exchange_unwatch(struct exchange *exchange);

/* Sends the response that was begun, with an interim status such as 103 and the headers added so far. Begin
 * another response afterwards. Outside of a call to the handler, call exchange_wake as well. */
void exchange_send_interim(struct exchange *exchange);

/* Begins the response with a status and no headers but Server. */
void exchange_begin_response(struct exchange *exchange, int status);

/* Adds a header; for the lifetime of `value` see the top. If memory runs out the response becomes a 503
 * without further headers, since no response is sent with headers missing. */
void exchange_add_field(struct exchange *exchange, enum http_field_name name, struct slice value);

/* Adds a trailer to the response, see serve/source.h; for the lifetime of `name` and `value` see the top. One
 * that must not be a trailer (http/trailer.h) is dropped. If memory runs out the response ends as if its
 * source had failed. */
void exchange_add_trailer(struct exchange *exchange, struct slice name, struct slice value);

/* Allocates memory for the exchange's only source; it lives as long as the exchange. Returns NULL if out of
 * memory, but never for up to EXCHANGE_SOURCE_BYTES. */
void *exchange_source_room(struct exchange *exchange, size_t size) MUST_CHECK;

/* Answers with `response` and the content of `source` (NULL: none), which the exchange owns from then on.
 * Content is dropped if the request was HEAD or the status allows none. Applies the route's header edits. */
void exchange_respond(struct exchange *exchange, struct source *source);

/* The same, and may store the head in `keep` for reuse: all responses with the same `keep` must be equal
 * except for the date. */
void exchange_respond_and_keep(struct exchange *exchange, struct source *source, struct http_kept_head *keep);

/* Answers with the head stored in `kept` by exchange_respond_and_keep, if there is one; no headers need to be
 * added. `source` is NULL if the content is stored after the head. `is_sole`: no other response that uses
 * them is under way. Returns false, without any effect, if no head is stored. This is the hot path. */
bool exchange_respond_kept(struct exchange *exchange, int status, struct source *source,
                           struct http_kept_head *kept, bool is_sole);

/* Answers with the response that was begun, and from then on the exchange is a tunnel (serve/tunnel.h): with
 * status 101, or 200 to an extended CONNECT. The owner adds what its protocol needs beside. */
void exchange_respond_tunnel(struct exchange *exchange, struct tunnel *tunnel);

/* exchange_respond with content in one piece of memory. */
void exchange_respond_bytes(struct exchange *exchange, struct slice type, struct slice content);

/* Answers with an error page for the response that was begun, which may have headers already (Allow,
 * Retry-After); these must live as long as the exchange, since a page may have to be read first. The page is
 * the configured file for the status, else the standard page, or JSON if the client prefers that. */
void exchange_respond_error(struct exchange *exchange);

/* exchange_begin_response and exchange_respond_error. */
void exchange_fail(struct exchange *exchange, int status);

/* exchange_fail with a sentence for the visitor on the standard page, where the status alone does not explain
 * enough. `why` must be a constant. */
void exchange_fail_because(struct exchange *exchange, int status, const char *why);

/* Answers with the standard page. For handlers that could not find the configured one. */
void exchange_respond_standard_error(struct exchange *exchange);

/* Drops the response's content. */
void exchange_drop_content(struct exchange *exchange);

/* Content bytes of the response that the owner took and sent. */
uint64_t exchange_content_bytes(const struct exchange *exchange);

/* Notifies the owner that the source has more after SOURCE_WAIT, that the sink has credit again, or that
 * there is an interim response. On the loop's thread, and not inside source_next. Not needed after a job of
 * exchange_offload. */
void exchange_wake(struct exchange *exchange);

/* Ensures that the service has a spare exchange, into which any owner parses its next request head. Returns
 * false if out of memory. */
bool exchange_has_spare(struct service *service) MUST_CHECK;

/* Turns the spare into an exchange of the owner, appended to `exchanges`: for the request that was parsed
 * into it, or for one that could not be parsed. */
struct exchange *exchange_begin(struct service *service, void *owner, const struct exchange_events *events,
                                const struct peer *peer, struct list *exchanges);

/* The same with a copy of `request` and its headers, whose slices point into `text` or to constants.
 * exchange_keep is not needed. Returns NULL if out of memory. */
struct exchange *exchange_begin_copy(struct service *service, void *owner,
                                     const struct exchange_events *events, const struct peer *peer,
                                     struct list *exchanges, const struct http_request *request,
                                     struct slice text) MUST_CHECK;

/* Frees the exchange, at once or when its job is done. It must be in no list. */
void exchange_end(struct exchange *exchange);

#endif
