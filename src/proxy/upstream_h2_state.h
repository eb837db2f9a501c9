/* The state of HTTP/2 to a server, for upstream_h2.c, upstream_h2_stream.c and upstream_h2_watch.c alone. */
#ifndef PROXY_UPSTREAM_H2_STATE_H
#define PROXY_UPSTREAM_H2_STATE_H

#include "base/byte_ring.h"
#include "h2/caller.h"
#include "proxy/upstream_h2.h"

/* A stream's window: what the ring of a response holds, so that there is room for all that may come. */
#define H2_STREAM_WINDOW_BYTES BYTE_RING_BYTES

struct upstream_h2 {
    struct upstream_connection *connection;
    struct h2_caller *caller;
    struct list streams;
    unsigned stream_count;
    unsigned streams_max; /* since the server refused one */
    struct task flush;
    char *room;          /* of output that is on its way; NULL: none is */
    uint32_t idle_ms;    /* of the settings of its last request, */
    uint32_t idle_max;   /* as these, */
    uint32_t connect_ms; /* and these: see upstream_h2_watch.c */
    uint32_t ping_ms;
    struct timer watch;
    uint64_t began_ms; /* the attempt to open it */
    uint64_t heard_ms; /* the server was alive then, */
    uint64_t asked_ms; /* and has to answer to a PING of this time, */
    bool is_asked;     /* if there was one */
    uint8_t pings;     /* since it last sent something of a response */
    bool is_mute;      /* its settings did not come in time */
    bool is_of_client; /* the PROXY protocol has said so: no other may use it */
};

struct upstream_h2_stream {
    struct upstream_carrier carrier; /* first */
    struct h2_call call;
    struct upstream_h2 *h2;
    struct upstream_user *user; /* NULL: it has left */
    struct list link;
    struct timer timer;
    uint64_t deadline_ms;
    uint8_t wait;    /* enum upstream_wait */
    size_t window;   /* what the server may still send, as far as it will be told */
    bool is_begun;   /* the request was passed to the engine */
    bool is_starved; /* the user had no content to send */
};

static inline bool upstream_h2_is_closed(const struct upstream_h2 *h2)
{
    return h2->connection->state == UPSTREAM_CLOSED;
}

static inline struct loop *upstream_h2_loop(const struct upstream_h2 *h2)
{
    return h2->connection->upstream->all->loop;
}

/* What was submitted is sent at the end of the turn. */
static inline void upstream_h2_defer_flush(struct upstream_h2 *h2)
{
    task_defer(upstream_h2_loop(h2), &h2->flush);
}

/* Closes the connection, and fails its requests. Not within a call of the engine. */
void upstream_h2_fail(struct upstream_h2 *h2, enum proxy_fault fault, const char *detail);

/* ---- whether the server is alive: upstream_h2_watch.c ---- */

void upstream_h2_watch_init(struct upstream_h2 *h2);

/* There is another request. */
void upstream_h2_watch_begin(struct upstream_h2 *h2);

/* Bytes came, or were taken. */
static inline void upstream_h2_note_alive(struct upstream_h2 *h2)
{
    h2->heard_ms = loop_now_ms(upstream_h2_loop(h2));
    h2->is_asked = false;
}

/* ---- streams ---- */

/* What all streams of a worker are events of. */
extern const struct h2_caller_events upstream_h2_stream_events;

/* Gives the user a stream. Returns false if out of memory. */
bool upstream_h2_stream_create(struct upstream_h2 *h2, struct upstream_user *user) MUST_CHECK;

/* The connection is closed: fails the user, and frees the stream. */
void upstream_h2_stream_fail(struct upstream_h2_stream *stream, enum proxy_fault fault, const char *detail);

#endif
