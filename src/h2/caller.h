/* The HTTP/2 engine of a client: requests in, bytes out; bytes in, responses out (RFC 9113). The counterpart
 * of h2/h2.h, with the same properties: no I/O, no clock, and nghttp2 is not visible above this header.
 *
 * Protocol of use, for an owner that has an engine for each connection to a server:
 *  1. h2_caller_begin begins a call: a request and its response, on a stream of its own.
 *  2. Fill a room with h2_caller_write and send it, until it returns H2_WRITTEN_ALL. It gets content of
 *     requests by `pull`, as far as the server's windows allow.
 *  3. Give bytes to h2_caller_receive, then write again. It calls back with responses and their content.
 *  4. When h2_caller_is_over returns true, close. Calls that are left have failed: h2_caller_fault says why.
 *
 * Callbacks may call everything but h2_caller_receive, h2_caller_write and h2_caller_destroy.
 *
 * Flow control: the connection's window is opened as content arrives, that of a stream by h2_caller_consume
 * alone. So the owner holds at most a stream's window for each call, and a slow one holds up no other. */
#ifndef H2_CALLER_H
#define H2_CALLER_H

#include "h2/h2.h"
#include "http/response_head.h"

struct h2_caller;
struct h2_caller_shared;

struct h2_caller_limits {
    uint32_t window_bytes;            /* a stream's receive window */
    uint32_t connection_window_bytes; /* that of the connection */
    uint32_t list_bytes; /* of headers, as announced to the server; each call has limits of its own */
};

/* The most interim responses (1xx) of a call. */
#define H2_CALL_INTERIMS_MAX 16

/* A request and its response. The owner's memory until on_closed. */
struct h2_call {
    uint32_t stream;
    uint32_t head_bytes; /* limits of the response, set by the owner: of a head's names and values, */
    uint32_t fields;     /* and of headers; at most HTTP_RESPONSE_FIELDS_MAX */
    bool is_head;        /* the method is HEAD; set by the owner */
    uint8_t interims;
    bool has_head;     /* the head of the response has come */
    bool has_ended;    /* the response is complete */
    bool is_refused;   /* the server has not processed it */
    bool is_cancelled; /* by the owner */
    bool is_reset;     /* by the server */
    uint32_t code;     /* its reason: RFC 9113 section 7 */
    const char *fault; /* what is wrong with the response; NULL: nothing */
};

enum h2_call_end {
    H2_CALL_COMPLETE,  /* the response is */
    H2_CALL_CANCELLED, /* by the owner */
    H2_CALL_REFUSED,   /* the server has not processed it, so it may be sent again */
    H2_CALL_RESET,     /* by the server */
    H2_CALL_BAD,       /* the response is not valid: call->fault says why */
};

struct h2_request {
    const struct http_response_field *fields; /* pseudo-headers first; they are copied, in lower case */
    unsigned field_count;
    bool has_content; /* which is then asked for by `pull` */
};

struct h2_caller_events {
    /* The head of a response, or with a status below 200 that of an interim one. Valid during the call.
     * `is_end`: on_end follows at once. */
    void (*on_head)(void *owner, struct h2_call *call, const struct http_response_head *head, bool is_end);
    /* Content, never empty. Call h2_caller_consume when there is room for as much again. */
    void (*on_content)(void *owner, struct h2_call *call, struct slice bytes);
    /* The response is complete. The request may be not: then the owner cancels it. */
    void (*on_end)(void *owner, struct h2_call *call, const struct http_field *trailers, unsigned count);
    /* The last callback with the call. */
    void (*on_closed)(void *owner, struct h2_call *call, enum h2_call_end end);
    /* Content of the request: at most `bytes_max` bytes, which must be in `room`. */
    enum h2_pulled (*pull)(void *owner, struct h2_call *call, char *room, size_t bytes_max,
                           struct h2_piece *ret_piece);
};

/* Creates what all engines of a worker share. `limits` and `events` are borrowed. Returns NULL if out of
 * memory. */
struct h2_caller_shared *h2_caller_shared_create(const struct h2_caller_limits *limits,
                                                 const struct h2_caller_events *events) MUST_CHECK;

/* No engine may be left. NULL is ignored. */
void h2_caller_shared_destroy(struct h2_caller_shared *shared);

/* Creates an engine; the first thing it writes is the connection preface. Returns NULL if out of memory. */
struct h2_caller *h2_caller_create(struct h2_caller_shared *shared, void *owner) MUST_CHECK;

/* Frees the engine without any more callbacks. NULL is ignored. */
void h2_caller_destroy(struct h2_caller *caller);

/* Whether the server's settings have come. */
bool h2_caller_is_introduced(const struct h2_caller *caller);

/* How many more calls the server accepts now; before its settings have come, one in all. 0 after GOAWAY. */
uint32_t h2_caller_room(const struct h2_caller *caller);

/* Begins a call, for which there is room. Returns false if out of memory. */
bool h2_caller_begin(struct h2_caller *caller, struct h2_call *call,
                     const struct h2_request *request) MUST_CHECK;

/* After H2_PULL_WAIT: there is content again. */
void h2_caller_resume(struct h2_caller *caller, const struct h2_call *call);

/* Opens the stream's window by as many bytes. */
void h2_caller_consume(struct h2_caller *caller, const struct h2_call *call, size_t bytes);

/* Ends the call on this side, by RST_STREAM; on_closed follows when that is written. */
void h2_caller_cancel(struct h2_caller *caller, struct h2_call *call);

/* Sends a PING. Its answer counts as bytes received, no more. */
void h2_caller_ping(struct h2_caller *caller);

/* Says goodbye: the last that is written is a GOAWAY. */
void h2_caller_finish(struct h2_caller *caller);

/* Consumes all bytes; to be followed by h2_caller_write. `now_ms` is from any monotonic clock. */
void h2_caller_receive(struct h2_caller *caller, struct slice bytes, uint64_t now_ms);

/* Fills `room`, of at least H2_FRAME_BYTES_MAX bytes and the 24 of the preface. */
enum h2_written h2_caller_write(struct h2_caller *caller, char *room, size_t size,
                                size_t *ret_length) MUST_CHECK;

/* Whether there is nothing more to read or write: GOAWAY was written, or came and all calls are over. */
bool h2_caller_is_over(const struct h2_caller *caller);

/* Whether the server has said by GOAWAY that it takes no more calls. */
bool h2_caller_was_dismissed(const struct h2_caller *caller);

/* How the server has broken the rules; NULL: it has not. */
const char *h2_caller_fault(const struct h2_caller *caller);

/* Whether the fault is that it does not speak HTTP/2 at all. */
bool h2_caller_is_alone(const struct h2_caller *caller);

/* The name of an error code of RFC 9113 section 7. Never NULL, static. */
const char *h2_code_text(uint32_t code);

#endif
