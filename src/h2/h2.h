/* The HTTP/2 engine: bytes in, requests out; responses in, bytes out (RFC 9113). It does no I/O and knows no
 * clock, no files and no handlers. Frames, header compression, flow control and the order of streams are done
 * by nghttp2, which nobody above this header sees.
 *
 * Protocol of use, for an owner that has an engine for each connection:
 *  1. Give bytes to h2_receive. It calls back with requests and their content; these calls may respond,
 * reset, give credit and resume, but not receive, write or destroy.
 *  2. Fill an output with h2_write, send it, and write again when it was sent. Content is pulled for it by
 *     `pull`, in the order of the priorities that the client gave (RFC 9218), and only as much as the
 * client's windows allow.
 *  3. When h2_is_over, nothing more will be said: close behind what was written.
 *
 * Each stream has a context of the owner's, which on_request returned; on_closed is the last that is said of
 * it. */
#ifndef H2_H2_H
#define H2_H2_H

#include "http/request.h"
#include "http/response.h"

struct h2;
struct h2_shared;

/* Of RFC 9113 section 7, those that the owner has a use for. */
enum h2_code {
    H2_NO_ERROR = 0,
    H2_PROTOCOL_ERROR = 1,
    H2_INTERNAL_ERROR = 2,
    H2_REFUSED_STREAM = 7, /* nothing was done: the client may ask again */
    H2_CANCEL = 8,
    H2_ENHANCE_YOUR_CALM = 11,
};

struct h2_limits {
    uint32_t streams;          /* requests at once on a connection */
    uint32_t window_bytes;     /* content of a request that may come before it is taken, at first */
    uint32_t window_bytes_max; /* windows grow up to this, as far as the network has use for it */
    uint32_t head_bytes;       /* names and values of a request together: else 431 */
    uint32_t uri_bytes;        /* else 414 */
    uint32_t fields;           /* else 431 */
    uint64_t body_bytes;       /* of a content whose length is told: else 413 */
};

/* What a client may do only so often, as it costs us more than it: see floods.c. */
enum h2_flood {
    H2_FLOOD_NONE,
    H2_FLOOD_RESETS,        /* requests that are taken back */
    H2_FLOOD_CONTINUATIONS, /* a head in very many frames */
    H2_FLOOD_HEADERS,       /* a head that is small on the wire and very large without compression */
    H2_FLOOD_SETTINGS,
    H2_FLOOD_PINGS,
    H2_FLOOD_PRIORITIES,
    H2_FLOOD_EMPTY_FRAMES, /* DATA without content */
    H2_FLOOD_WINDOWS,      /* credit in crumbs */
    H2_FLOOD_FAULTS,       /* streams that we have to reset for what is wrong with them */
    H2_FLOOD_QUEUE,        /* what has to be answered by somebody who does not read */
    H2_FLOOD_COUNT
};

/* A request, from inside of on_request only. */
struct h2_head_event {
    const struct http_request *request;
    struct slice text;      /* that the request's slices point into, but for constants */
    uint16_t reject_status; /* what it is to be refused with; 0: it is in order */
};

enum h2_pulled {
    H2_PULLED,
    H2_PULL_WAIT,   /* nothing yet: h2_resume follows */
    H2_PULL_FAILED, /* the rest cannot be had: the stream is reset */
};

/* A piece of a response's content. */
struct h2_piece {
    struct slice bytes; /* in the room that was offered, or wherever they stay until the output is sent */
    bool is_last;       /* then it may be empty */
};

struct h2_events {
    /* A whole head. Content follows unless request->body says that there is none. Returns the stream's
     * context; NULL: it is refused, and was not looked at. */
    void *(*on_request)(void *owner, uint32_t stream, const struct h2_head_event *head);
    /* Content of the request: to be given back with h2_consume when it was taken. */
    void (*on_content)(void *owner, void *context, struct slice content);
    /* The request is complete. Only of one with content. */
    void (*on_end)(void *owner, void *context);
    /* The stream is over: sent and received whole, or reset by either side. */
    void (*on_closed)(void *owner, void *context);
    /* Content of the response, for h2_write: at most `bytes_max` bytes, in `room`, which has so much, or
     * elsewhere. */
    enum h2_pulled (*pull)(void *owner, void *context, char *room, size_t bytes_max,
                           struct h2_piece *ret_piece);
};

/* Of nghttp2, for `vif version`. */
const char *h2_library_version(void);

/* What all engines of one kind have in common. `limits` and `events` are borrowed; the limits of engines that
 * exist do not change with them. NULL without memory. */
struct h2_shared *h2_shared_create(const struct h2_limits *limits, const struct h2_events *events) MUST_CHECK;
void h2_shared_destroy(struct h2_shared *shared);

/* The first thing that it writes are its settings. NULL without memory. */
struct h2 *h2_create(struct h2_shared *shared, void *owner) MUST_CHECK;

/* The client came by way of a request of HTTP/1.1 (RFC 7540 section 3.2), which is stream 1: calls back with
 * it at once. `settings` are the payload of a SETTINGS frame. To be called first. False without memory. */
bool h2_upgrade(struct h2 *h2, struct slice settings, const struct h2_head_event *head,
                uint64_t now_ms) MUST_CHECK;

/* Tells of no stream any more. NULL is ignored. */
void h2_destroy(struct h2 *h2);

/* Takes all bytes. False when it takes no more of them: the client broke the protocol, or memory ran out;
 * what h2_write has then is the farewell. `now_ms` is of any clock that never goes back. */
bool h2_receive(struct h2 *h2, struct slice bytes, uint64_t now_ms) MUST_CHECK;

/* Where a frame begins here: it is the head of a request, and nothing else. */
bool h2_is_one_head(struct slice bytes);

/* The client has sent a part of a head, whose rest it owes us; or nothing yet. */
bool h2_is_inside_head(const struct h2 *h2);

/* ---- responses ---- */

/* The head of the response; the slices need not live any more afterwards. Names may be of any case. With
 * `has_content` it is pulled. False without memory. */
bool h2_respond(struct h2 *h2, uint32_t stream, const struct http_response *response, const char *date,
                bool has_content) MUST_CHECK;

/* The same for a response whose names are in lower case, and whose slices live until on_closed: nothing of it
 * is copied. */
bool h2_respond_lasting(struct h2 *h2, uint32_t stream, const struct http_response *response,
                        const char *date, bool has_content) MUST_CHECK;

/* An interim response. False without memory. */
bool h2_send_interim(struct h2 *h2, uint32_t stream, const struct http_response *response) MUST_CHECK;

/* There is content again, after H2_PULL_WAIT. */
void h2_resume(struct h2 *h2, uint32_t stream);

/* Content of a request was taken: as much more may come. */
void h2_consume(struct h2 *h2, uint32_t stream, size_t bytes);

/* The response waits for its client to open the stream's window. */
bool h2_awaits_window(const struct h2 *h2, uint32_t stream) MUST_CHECK;

/* The client may send content on this stream now. */
bool h2_offers_window(const struct h2 *h2, uint32_t stream) MUST_CHECK;

/* Ends the stream here; on_closed follows when that is written. */
void h2_reset(struct h2 *h2, uint32_t stream, enum h2_code code);

/* ---- the end ---- */

/* Says that the end is near: the client shall begin nothing new. What is on its way is still answered. Once
 * the client has seen that, the second GOAWAY says which request was the last. */
void h2_drain(struct h2 *h2);

/* Says which request was the last: those that come later are not looked at. */
void h2_finish(struct h2 *h2);

/* Both sides have nothing more to say. */
bool h2_is_over(const struct h2 *h2);

/* Why the engine takes no more bytes, for the log; NULL: it does, or the client has said goodbye. */
const char *h2_fault(const struct h2 *h2);
enum h2_flood h2_flood(const struct h2 *h2);

/* ---- output ---- */

/* A frame with its head: so much room an output must have. */
#define H2_FRAME_BYTES_MAX (16384 + 9)

/* Content up to this is copied, so that many small responses are one piece. */
#define H2_COPY_BYTES_MAX 4096

struct h2_output {
    char *room;
    size_t room_used;
    size_t room_size; /* at least H2_FRAME_BYTES_MAX */
    struct slice *pieces;
    size_t piece_count;
    size_t piece_max; /* at least 4 */
    uint64_t bytes;
};

enum h2_written {
    H2_WRITTEN_ALL,    /* there is no more for now */
    H2_WRITTEN_FULL,   /* there is: ask again when this is sent */
    H2_WRITTEN_FAILED, /* memory ran out: close */
};

enum h2_written h2_write(struct h2 *h2, struct h2_output *output) MUST_CHECK;

#endif
