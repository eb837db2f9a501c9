/* The HTTP/2 engine: bytes in, requests out; responses in, bytes out (RFC 9113). It does no I/O and knows no
 * clock, no files and no handlers. nghttp2 does frames, header compression, flow control and the order of
 * streams; it is not visible above this header.
 *
 * Protocol of use, for an owner that has an engine for each connection:
 *  1. Give bytes to h2_receive. It calls back with requests and their content. The callbacks may call
 *     h2_respond, h2_reset, h2_consume and h2_resume, but not h2_receive, h2_write or h2_destroy.
 *  2. Fill an output with h2_write, send it, and write again when it was sent. h2_write gets content by
 *     `pull`, in the order of the client's priorities (RFC 9218) and as far as the client's windows allow.
 *  3. When h2_is_over returns true, nothing more will be written: send what was written and close.
 *
 * Each stream has a context, which on_request returned; on_closed is the last callback with it. */
#ifndef H2_H2_H
#define H2_H2_H

#include "http/request.h"
#include "http/response.h"

struct h2;
struct h2_shared;

/* The error codes of RFC 9113 section 7 that the owner uses. */
enum h2_code {
    H2_NO_ERROR = 0,
    H2_PROTOCOL_ERROR = 1,
    H2_INTERNAL_ERROR = 2,
    H2_CANCEL = 8,
    H2_ENHANCE_YOUR_CALM = 11,
};

struct h2_limits {
    uint32_t streams;          /* concurrent requests per connection */
    uint32_t window_bytes;     /* initial size of a stream's receive window */
    uint32_t window_bytes_max; /* windows grow up to this if the network can use it */
    uint32_t head_bytes;       /* all names and values of a request; more: 431 */
    uint32_t uri_bytes;        /* more: 414 */
    uint32_t fields;           /* more: 431 */
    uint64_t body_bytes;       /* of content with Content-Length; more: 413 */
    bool takes_connect;        /* extended CONNECT (RFC 8441) */
};

/* Kinds of floods: what a client may do only at a limited rate, see floods.c. */
enum h2_flood {
    H2_FLOOD_NONE,
    H2_FLOOD_RESETS,        /* requests reset by the client */
    H2_FLOOD_CONTINUATIONS, /* a head in too many frames */
    H2_FLOOD_HEADERS,       /* a head that is small on the wire and very large without compression */
    H2_FLOOD_SETTINGS,
    H2_FLOOD_PINGS,
    H2_FLOOD_PRIORITIES,
    H2_FLOOD_EMPTY_FRAMES, /* DATA without content */
    H2_FLOOD_WINDOWS,      /* tiny window updates */
    H2_FLOOD_FAULTS,       /* streams that we have to reset because of errors in them */
    H2_FLOOD_QUEUE,        /* frames that need an answer from a client that does not read the answers */
    H2_FLOOD_COUNT
};

/* A request; valid only inside on_request. */
struct h2_head_event {
    const struct http_request *request;
    struct slice text;      /* the request's slices point into it, or to constants */
    uint16_t reject_status; /* reject the request with this status; 0: the request is valid */
};

/* The trailers of a request; valid only inside on_end. */
struct h2_trailers {
    const struct http_field *fields;
    unsigned count;
    uint16_t reject_status; /* 431: they exceed a limit */
};

enum h2_pulled {
    H2_PULLED,
    H2_PULL_WAIT,   /* nothing yet: the owner calls h2_resume later */
    H2_PULL_FAILED, /* the rest is not available: the stream is reset */
};

/* A piece of a response's content. */
struct h2_piece {
    struct slice bytes; /* in `room`, or in memory that stays valid until the output is sent */
    bool is_last;       /* the content ends; `bytes` may be empty */
    const struct http_response
        *trailers; /* with is_last: its fields follow the content, and are copied; NULL: none */
};

struct h2_events {
    /* A complete request head. Content follows unless request->body says that there is none. Returns the
     * stream's context, or NULL to refuse the stream unprocessed. */
    void *(*on_request)(void *owner, uint32_t stream, const struct h2_head_event *head);
    /* Content of the request. Call h2_consume when it was processed. */
    void (*on_content)(void *owner, void *context, struct slice content);
    /* The request is complete. Called only for requests with content. `trailers` is NULL if there are none.
     */
    void (*on_end)(void *owner, void *context, const struct h2_trailers *trailers);
    /* The stream is closed: sent and received completely, or reset by either side. */
    void (*on_closed)(void *owner, void *context);
    /* Called by h2_write for content of the response: at most `bytes_max` bytes, written to `room`, which is
     * that large, or elsewhere. */
    enum h2_pulled (*pull)(void *owner, void *context, char *room, size_t bytes_max,
                           struct h2_piece *ret_piece);
};

/* The version of nghttp2, for `vif version`. */
const char *h2_library_version(void);

/* Creates what all engines of one kind share. `limits` and `events` are borrowed; a change of `limits` does
 * not affect existing engines. Returns NULL if out of memory. */
struct h2_shared *h2_shared_create(const struct h2_limits *limits, const struct h2_events *events) MUST_CHECK;
void h2_shared_destroy(struct h2_shared *shared);

/* Creates an engine; the first thing it writes is its SETTINGS frame. Returns NULL if out of memory. */
struct h2 *h2_create(struct h2_shared *shared, void *owner) MUST_CHECK;

/* For a client that upgraded from HTTP/1.1 (RFC 7540 section 3.2): its request is stream 1, and on_request is
 * called for it at once. `settings` is the payload of a SETTINGS frame. Must be the first call. Returns false
 * if out of memory. */
bool h2_upgrade(struct h2 *h2, struct slice settings, const struct h2_head_event *head,
                uint64_t now_ms) MUST_CHECK;

/* Frees the engine without any more callbacks. NULL is ignored. */
void h2_destroy(struct h2 *h2);

/* Consumes all bytes. Returns false if the engine accepts no more: the client violated the protocol or memory
 * ran out; h2_write then writes the GOAWAY. `now_ms` is from any monotonic clock. */
bool h2_receive(struct h2 *h2, struct slice bytes, uint64_t now_ms) MUST_CHECK;

/* Whether the bytes, which must begin with a frame, are exactly one request head. */
bool h2_is_one_head(struct slice bytes);

/* Whether the client has sent only a part of a head, or nothing at all yet. */
bool h2_is_inside_head(const struct h2 *h2);

/* ---- responses ---- */

/* Sends the head of the response, which is copied. Names may be in any case. With `has_content`, content is
 * then requested by `pull`. Returns false if out of memory. */
bool h2_respond(struct h2 *h2, uint32_t stream, const struct http_response *response, const char *date,
                bool has_content) MUST_CHECK;

/* The same for a response whose names are in lower case and whose slices live until on_closed: nothing is
 * copied. */
bool h2_respond_lasting(struct h2 *h2, uint32_t stream, const struct http_response *response,
                        const char *date, bool has_content) MUST_CHECK;

/* Sends an interim response. Returns false if out of memory. */
bool h2_send_interim(struct h2 *h2, uint32_t stream, const struct http_response *response) MUST_CHECK;

/* After H2_PULL_WAIT: there is content again. */
void h2_resume(struct h2 *h2, uint32_t stream);

/* Content of a request was processed: opens the windows by as many bytes. */
void h2_consume(struct h2 *h2, uint32_t stream, size_t bytes);

/* Whether the response waits for the client to open the stream's window. */
bool h2_awaits_window(const struct h2 *h2, uint32_t stream) MUST_CHECK;

/* Whether the stream's receive window allows the client to send content now. */
bool h2_offers_window(const struct h2 *h2, uint32_t stream) MUST_CHECK;

/* Resets the stream; on_closed is called when the RST_STREAM is written. */
void h2_reset(struct h2 *h2, uint32_t stream, enum h2_code code);

/* ---- closing ---- */

/* Starts a graceful shutdown: a first GOAWAY asks the client to send no new requests; those on their way are
 * still answered. Once the client has seen it, a second GOAWAY says which request was the last. */
void h2_drain(struct h2 *h2);

/* Sends a GOAWAY with the last request that is processed; later ones are ignored. */
void h2_finish(struct h2 *h2);

/* Whether there is nothing more to read or write. */
bool h2_is_over(const struct h2 *h2);

/* Why the engine accepts no more bytes, for the log; NULL if it does, or if the client sent GOAWAY. */
const char *h2_fault(const struct h2 *h2);
enum h2_flood h2_flood(const struct h2 *h2);

/* ---- output ---- */

/* A frame's header, and the longest frame with it: the least size of an output's room. */
#define H2_FRAME_HEAD_BYTES 9
#define H2_FRAME_BYTES_MAX  (16384 + H2_FRAME_HEAD_BYTES)

/* Content up to this size is copied, so that many small responses form one piece. */
#define H2_COPY_BYTES_MAX 4096

struct h2_output {
    char *room;
    size_t room_used;
    size_t room_size; /* at least H2_FRAME_BYTES_MAX */
    struct slice *pieces;
    size_t piece_count;
    size_t piece_max; /* at least 4 */
    uint64_t bytes;
    uint64_t bytes_max; /* content is cut to fit; other frames may exceed it */
};

enum h2_written {
    H2_WRITTEN_ALL,    /* there is nothing more for now */
    H2_WRITTEN_FULL,   /* there is more: write again when this was sent */
    H2_WRITTEN_FAILED, /* memory ran out: close */
};

enum h2_written h2_write(struct h2 *h2, struct h2_output *output) MUST_CHECK;

#endif
