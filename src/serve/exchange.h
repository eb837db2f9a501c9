/* An exchange: one request and its response, from the parsed head to the last byte sent.
 *
 * A handler is given an exchange and answers it, at once or later, exactly once: by filling `response` and
 * calling exchange_respond with a source of content, or with one of its short forms. It knows of no wire.
 * What it borrows for the response must live until the exchange ends: settings, files held by exchange->file,
 * and the exchange's arena do.
 *
 * An exchange has an owner, who keeps it in a list in the order of the requests, brings the response into the
 * form of its protocol, sends it, and ends the exchange: a connection of HTTP/1, or whatever else reads
 * requests.
 *
 * The request's slices point into the bytes that were read; a handler that does not answer before it returns
 * calls exchange_keep first (exchange_offload does it). */
#ifndef SERVE_EXCHANGE_H
#define SERVE_EXCHANGE_H

#include "disk/file.h"
#include "http/request.h"
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

/* What the owner of an exchange is told; one constant for each kind of owner. */
struct exchange_events {
    /* The response is set: a status, fields, and in exchange->source its content (NULL: none). It is given
     * from inside of exchange_respond. Afterwards slices of the fields need not live any more. `keep`, where
     * it is not NULL, is room for the head of a response that is the same every time. */
    void (*on_respond)(struct exchange *exchange, struct http_kept_head *keep);
    /* The same, but that the head which on_respond has kept is that of this response, too: its status and
     * length are set, and no fields; and its content may stand behind that head, then there is no source.
     * `is_sole`: nobody else is using that head. NULL: none is ever kept. */
    void (*on_respond_kept)(struct exchange *exchange, struct http_kept_head *kept, bool is_sole);
    /* An interim response (RFC 9110 section 15.2) is set: a status and fields, which need not live any more
     * afterwards. NULL: it is dropped. */
    void (*on_interim)(struct exchange *exchange);
    /* Outside of any call of the owner: the response, or more of its body, became ready, or the sink has
     * credit again. May end the exchange. */
    void (*on_progress)(void *owner);
    /* A job that has waited in a queue could begin now. False where the client has left meanwhile: the owner
     * has ended the exchange then. NULL: they never leave. */
    bool (*is_there)(void *owner);
    /* The client has left, and nobody is there to be answered: no job is begun. NULL: they never leave. */
    bool (*has_left)(void *owner);
    /* What TLS says of the connection, where the peer is secure; with an arena also who the client is. NULL:
     * they never are. */
    void (*tell_tls)(void *owner, struct arena *arena, struct peer_tls *ret_tls);
    /* A job is to be done: `exchange->queued.job.work` wherever it may block, then
     * `exchange->queued.job.done` where the server is. NULL: the loop's offload pool has it done, by way of a
     * queue. */
    void (*on_job)(void *owner, struct exchange *exchange);
};

/* Room for a source in the exchange itself: enough for memory and for files. */
#define EXCHANGE_SOURCE_BYTES 128

struct exchange {
    struct list link; /* of its owner, in the order of the requests */
    struct service *service;
    void *owner; /* NULL: it is gone; the exchange waits for its job and ends */
    const struct exchange_events *events;
    const struct peer *peer; /* the owner's */
    struct snapshot *snapshot;
    const struct route_entry *route_entry; /* what answers; NULL before routing, or where nothing does */
    struct slice path;                     /* normalised; of the site, not of the route */
    uint64_t began_us;                     /* when the head was complete; 0 where nobody asks */

    uint16_t reject_status; /* the status that routing refuses it with, 0: it will be handled */
    bool is_no_file;        /* `path` has an encoded '/' in it: no file has such a name */
    bool seeks_error_page;  /* the configured page of its error has been asked for */
    bool streams_content;   /* the request's content goes to `sink`; without one it waits */
    bool has_content_left;  /* of the request, to be read */
    bool awaits_continue;   /* the client waits for "100 Continue" before it sends that */
    bool is_kept;           /* the request is in the arena, its fields too */
    bool is_busy;           /* an offloaded job has it */
    bool is_responded;      /* the response is ready to be sent, or being sent */
    bool is_sent;           /* the owner has taken the whole of it */
    bool closes;            /* the connection ends with this response */
    bool has_no_content;    /* the response has no content on the wire: HEAD, 304 */
    uint8_t outcome;        /* enum outcome: what kept the response from being whole, if anything did */
    uint32_t head_bytes;    /* of what is given to the owner, those that are no content */
    uint64_t given_bytes;   /* to the owner; less what it could not send, once it has ended */

    struct file *file;     /* held for the response's sake */
    struct sink *sink;     /* of the request's content; NULL: it is dropped, or waits, or was taken */
    struct source *source; /* of the response's content; NULL: there is none to send */
    void *handler_state;   /* in the arena */
    struct arena arena;
    struct http_response response;
    struct http_request request;

    /* From here on nothing is cleared: it is set when there is a source, or a job. */
    _Alignas(max_align_t) char source_room[EXCHANGE_SOURCE_BYTES];
    struct queued_job queued;
    void (*job_work)(void *context);
    void (*job_done)(void *context);
    void *job_context;
    atomic_bool is_abandoned; /* the owner went while the job was on its way: it need not be done */
};

/* It is all that one must have who waits for a response, or for the end of one. */
static_assert(sizeof(struct exchange) <= 768, "with what its owner adds, an exchange stays below 1 KiB");

/* The request's path in order, in one of its forms (http/uri.h): as it stands, or in the arena. The result is
 * HTTP_PATH_TOO_LONG only where memory ran out. */
enum http_path_result exchange_normalize_path(struct exchange *exchange, enum http_path_form form,
                                              struct slice *ret_path) MUST_CHECK;

/* Gives the exchange its own copy of the request: of its bytes, which are lent for the owner's turn, and of
 * the fields that it has. The room for as many as it may have, which they were read into, goes back to the
 * service: there are never more of these than requests of one turn. Returns 0 or -ENOMEM. */
int exchange_keep(struct exchange *exchange) MUST_CHECK;

/* The same for all exchanges of an owner: responses that are not sent whole yet outlive the bytes that their
 * requests point into. Returns 0 or -ENOMEM. */
int exchange_keep_all(const struct list *exchanges) MUST_CHECK;

/* Runs `work` on the offload pool, to which it goes by `queue`, then `done` on the loop, both with `context`,
 * then lets the owner go on; an owner that has jobs done in its own way (on_job) is given them instead.
 * `done` is called even when the owner is gone (exchange->owner is NULL then), so that it can let go of what
 * it holds. Returns 0, or -EAGAIN or -ENOMEM when the queue, the pool or memory is full, or -ECONNRESET when
 * the client has left, and neither will be called. */
int exchange_offload(struct exchange *exchange, struct job_queue *queue, void (*work)(void *context),
                     void (*done)(void *context), void *context) MUST_CHECK;

/* So few exchanges are left that they are kept for connections without one. */
bool exchange_pool_is_low(const struct service *service);

/* The handler takes the request's content by this sink, which is its own: see serve/sink.h. Only for a
 * handler whose type says streams_content, before its response. A request without content ends at once. */
void exchange_read_content(struct exchange *exchange, struct sink *sink);

/* Nothing of the request's content is wanted any more; the sink is not called again. */
void exchange_stop_reading(struct exchange *exchange);

/* The request's content will never be complete: tells the sink, if there is one. For the owner. */
void exchange_abort_content(struct exchange *exchange, enum outcome why);

/* The request's content is complete. For the owner. */
void exchange_end_content(struct exchange *exchange);

/* How much of the request's content is wanted now. For the owner. */
static inline uint64_t exchange_content_wanted(const struct exchange *exchange)
{
    if (!exchange->streams_content)
        return UINT64_MAX;
    return exchange->sink ? exchange->sink->credit : 0;
}

/* Sends the begun response, whose status is an interim one, as 103, and with the fields that were added;
 * another response is to be begun afterwards. Outside of a call to the handler exchange_wake follows. */
void exchange_send_interim(struct exchange *exchange);

/* Begins the response: a status and no fields but Server. */
void exchange_begin_response(struct exchange *exchange, int status);

/* Adds a field; both slices as in the head comment. Where there is no memory for it the response becomes a
 * bare 503: none is sent without some of its fields. */
void exchange_add_field(struct exchange *exchange, enum http_field_name name, struct slice value);

/* Memory for a source, of which an exchange has one: it lives as long as the exchange. NULL without memory,
 * but never for at most EXCHANGE_SOURCE_BYTES. */
void *exchange_source_room(struct exchange *exchange, size_t size) MUST_CHECK;

/* The response is `response` with the content of `source` (NULL: none), which belongs to the exchange from
 * here on. Content is dropped where the request was HEAD or the status allows none. The route's field edits
 * are applied. */
void exchange_respond(struct exchange *exchange, struct source *source);

/* The same for a response that is equal, but for its date, to every other for which the same `keep` is given,
 * so that its head may be kept there. */
void exchange_respond_and_keep(struct exchange *exchange, struct source *source, struct http_kept_head *keep);

/* Answers with the response that was given with this `kept` before, if its head was kept: no fields need to
 * be added. `source` is NULL where the content stands behind the head. `is_sole`: no other response that uses
 * them is under way. False where the head was not kept, and nothing has happened. The hot path. */
bool exchange_respond_kept(struct exchange *exchange, int status, struct source *source,
                           struct http_kept_head *kept, bool is_sole);

/* exchange_respond with content in one piece of memory. */
void exchange_respond_bytes(struct exchange *exchange, struct slice type, struct slice content);

/* Answers with the error status of the response that was begun, whose own fields (Allow, Retry-After) may
 * have been added; what they borrow must live as long as the exchange, since a page may have to be read
 * first. That is the file that the configuration names for the status, else the standard page; or JSON where
 * the client prefers it. */
void exchange_respond_error(struct exchange *exchange);

/* exchange_begin_response and exchange_respond_error. */
void exchange_fail(struct exchange *exchange, int status);

/* exchange_fail where the status alone does not tell the visitor what to do: `why` says it in a sentence, on
 * the standard page. Lives for ever. */
void exchange_fail_because(struct exchange *exchange, int status, const char *why);

/* Answers with the standard page at once. For whoever looked for the configured one in vain. */
void exchange_respond_standard_error(struct exchange *exchange);

/* Nothing of the response's content is sent. */
void exchange_drop_content(struct exchange *exchange);

/* Content bytes of the response that were given to the owner, and that it sent. */
uint64_t exchange_content_bytes(const struct exchange *exchange);

/* The exchange's source, which had to be waited for, has more, its sink has credit again, or an interim
 * response is to leave: lets the owner go on. On the loop, and not
 * from inside of source_next. (A job of exchange_offload does it by itself.) */
void exchange_wake(struct exchange *exchange);

/* Makes sure that the service has a spare exchange, whose request the next head is parsed into, whoever's it
 * is. False without memory. */
bool exchange_has_spare(struct service *service) MUST_CHECK;

/* The spare becomes the owner's, the last of its `exchanges`: for the request that was parsed into it, or for
 * one that could not be. */
struct exchange *exchange_begin(struct service *service, void *owner, const struct exchange_events *events,
                                const struct peer *peer, struct list *exchanges);

/* The same for a request that is copied, with its fields; `text` is what its slices point into, but for those
 * that point to constants. It is kept from the beginning on. NULL without memory. */
struct exchange *exchange_begin_copy(struct service *service, void *owner,
                                     const struct exchange_events *events, const struct peer *peer,
                                     struct list *exchanges, const struct http_request *request,
                                     struct slice text) MUST_CHECK;

/* Gives everything back; at once, or when its job is done. The exchange must be in no list. */
void exchange_end(struct exchange *exchange);

#endif
