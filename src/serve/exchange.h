/* An exchange: one request and its response, from the parsed head to the last byte sent.
 *
 * A handler is given an exchange and answers it, at once or later, exactly once: by filling `response` and
 * calling exchange_respond, or with one of its short forms. What a handler borrows for the response must live
 * until the exchange ends: settings, files held by exchange->file, and the exchange's arena do.
 *
 * An exchange has an owner, who keeps it in a list in the order of the requests, sends its pieces and ends
 * it: a connection of HTTP/1, or whatever else reads requests.
 *
 * The request's slices point into the bytes that were read; a handler that does not answer before it returns
 * calls exchange_keep first (exchange_offload does it). */
#ifndef SERVE_EXCHANGE_H
#define SERVE_EXCHANGE_H

#include "disk/file.h"
#include "h1/response_writer.h"
#include "http/request.h"
#include "http/uri.h"
#include "log/access_log.h"
#include "loop/job_queue.h"
#include "loop/offload.h"
#include "loop/stream.h"
#include "serve/peer.h"
#include "serve/snapshot.h"

#include <stdatomic.h>

struct exchange;
struct server;

/* What the owner of an exchange is told; one constant for each kind of owner. */
struct exchange_events {
    /* The exchange came forward, outside of any call of the owner's: its response is ready, or a piece of it.
     * May end the exchange. */
    void (*on_progress)(void *owner);
    /* A job is to be done: `exchange->job.work` wherever it may block, then `exchange->job.done` where the
     * server is. NULL: the loop's offload pool has it done. */
    void (*on_job)(void *owner, struct exchange *exchange);
};

#define EXCHANGE_PIECES_INLINE 6

struct exchange {
    struct list link; /* of its owner, in the order of the requests */
    struct server *server;
    void *owner; /* NULL: it is gone; the exchange waits for its job and ends */
    const struct exchange_events *events;
    const struct peer *peer; /* the owner's */
    struct snapshot *snapshot;
    const struct route_entry *route_entry; /* what answers; NULL before routing, or where nothing does */
    struct slice path;                     /* normalised; of the site, not of the route */
    uint64_t began_us;                     /* when the head was complete; 0 where nobody asks */

    uint16_t reject_status; /* the status that routing refuses it with, 0: it will be handled */
    bool is_no_file;        /* `path` has an encoded '/' in it: no file has such a name */
    bool sends_continue;    /* "100 Continue" is due */
    bool is_kept;           /* the request's slices point into the arena */
    bool is_busy;           /* an offloaded job has it */
    bool is_responded;      /* the response is ready to be sent, or being sent */
    bool is_sent;           /* every piece was handed to the stream */
    bool closes;            /* the connection ends with this response */
    bool has_no_content;    /* the response has no content on the wire: HEAD, 304 */
    uint8_t outcome;        /* enum outcome: what kept the response from being whole, if anything did */
    uint32_t head_bytes;    /* of what is given to the owner, those that are no content */
    uint64_t given_bytes;   /* to the owner; less what it could not send, once it has ended */

    struct file *file; /* held for the response's sake */
    struct segment *pieces;
    size_t piece_count;
    size_t piece_next;
    struct segment pieces_inline[EXCHANGE_PIECES_INLINE];
    struct chunk *chunks[2]; /* bytes of a cold file on their way: see pieces.c */
    uint8_t chunk_turn;      /* which of the two was read last */

    struct job_queue *queue;  /* that its job goes by, or NULL */
    struct list queue_link;   /* in the queue while it waits there */
    atomic_bool is_abandoned; /* the owner went while the job was on its way: it need not be done */
    struct job job;
    void (*job_work)(struct exchange *exchange);
    void (*job_done)(struct exchange *exchange);
    void *handler_state; /* in the arena */

    struct arena arena;
    struct http_response response;
    struct http_request request; /* last: large, and only its front is touched */
};

/* The request's path in order, in one of its forms (http/uri.h): as it stands, or in the arena. The result is
 * HTTP_PATH_TOO_LONG only where memory ran out. */
enum http_path_result exchange_normalize_path(struct exchange *exchange, enum http_path_form form,
                                              struct slice *ret_path) MUST_CHECK;

/* Gives the exchange its own copy of the request's bytes. Returns 0 or -ENOMEM. */
int exchange_keep(struct exchange *exchange) MUST_CHECK;

/* Runs `work` on the offload pool, to which it goes by `queue`, then `done` on the loop, then lets the owner
 * go on; an owner that has jobs done in its own way (on_job) is given them instead. `done` is called even
 * when the owner is gone (exchange->owner is NULL then), so that it can let go of what it holds. Returns 0,
 * or -EAGAIN or -ENOMEM when the queue, the pool or memory is full, and neither will be called. */
int exchange_offload(struct exchange *exchange, struct job_queue *queue,
                     void (*work)(struct exchange *exchange),
                     void (*done)(struct exchange *exchange)) MUST_CHECK;

/* So few exchanges are left that they are kept for connections without one. */
bool exchange_pool_is_low(const struct server *server);

/* Begins the response: a status and no fields but Server. */
void exchange_begin_response(struct exchange *exchange, int status);

/* Adds a field; both slices as in the head comment. */
void exchange_add_field(struct exchange *exchange, enum http_field_name name, struct slice value);

/* The response is `response` with this content (segments in the arena or static; NULL for none). Content is
 * dropped where the request was HEAD or the status allows none. The route's field edits are applied. */
void exchange_respond(struct exchange *exchange, const struct segment *content, size_t content_count);

/* The same for content in one piece of memory. */
void exchange_respond_bytes(struct exchange *exchange, struct slice type, struct slice content);

/* Answers with the standard page of an error status. The status' own fields (Allow, Retry-After) may have
 * been added after exchange_begin_response, which is the caller's. */
void exchange_respond_error_page(struct exchange *exchange);

/* exchange_begin_response and exchange_respond_error_page. */
void exchange_fail(struct exchange *exchange, int status);

/* What every response of the route has: the fields of CORS, then the route's edits. Some of them are the
 * request's: the head must be written before the request's bytes go. */
void exchange_complete_fields(struct exchange *exchange);

/* What the Connection field of the response has to say. */
enum h1_persistence exchange_persistence(const struct exchange *exchange);

/* Content bytes of the response that were given to the owner, and that it sent. */
uint64_t exchange_content_bytes(const struct exchange *exchange);

enum piece_result {
    PIECE_GIVEN,  /* *ret_segment is to be sent */
    PIECE_END,    /* all were given */
    PIECE_WAIT,   /* being read from a cold disk; on_progress is called when it is there */
    PIECE_FAILED, /* the response cannot be completed, its `outcome` says why: close */
};

/* The next piece of a response to send; `*ret_segment` points into memory or a file that lives as long as the
 * exchange. */
enum piece_result exchange_next_piece(struct exchange *exchange, struct segment *ret_segment) MUST_CHECK;

/* The file that is being sent is still what it was when its fields were written. */
bool exchange_file_is_unchanged(const struct exchange *exchange);

/* Frees what pieces.c holds. */
void exchange_free_chunks(struct exchange *exchange);

/* From the server's pool, with a blank request; NULL without memory. */
struct exchange *exchange_create(struct server *server) MUST_CHECK;

/* Gives everything back; at once, or when its job is done. The exchange must be in no list. */
void exchange_end(struct exchange *exchange);

#endif
