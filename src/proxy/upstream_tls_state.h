/* The state of TLS to a server, for upstream_tls.c and upstream_tls_output.c alone. */
#ifndef PROXY_UPSTREAM_TLS_STATE_H
#define PROXY_UPSTREAM_TLS_STATE_H

#include "proxy/upstream_tls.h"

#include "loop/offload.h"
#include "tls/session.h"

/* Most ciphertext of one send; its plaintext is a head and what a ring holds. */
#define OUTPUT_BYTES_MAX ((size_t)8 << 20)

struct upstream_tls_rooms {
    struct buffer output; /* empty between two callbacks */
    char read[TLS_RECORD_BYTES_MAX];
    char write[TLS_RECORD_BYTES_MAX];
};

struct upstream_tls {
    struct upstream_link *link; /* NULL: closed, but a thread is still at work */
    struct upstream *upstream;
    const struct upstream_link_events *events;
    struct tls_session session;
    unsigned generation;          /* of the upstream's remote */
    struct ssl_session_st *fresh; /* a session that can be resumed, just received */
    struct buffer input;          /* ciphertext that has to wait */
    struct buffer output;         /* ciphertext that the stream has */
    struct buffer next;           /* the same behind it */
    struct segment *held;         /* of the owner's send, until the server's message is whole; NULL: none */
    size_t held_count;
    uint64_t begun_ms;  /* when the handshake began */
    uint64_t former_ms; /* when the handshake of the session that it wants to resume began */
    struct task again;  /* takes the input */
    struct job job;
    const char *fault; /* what is wrong with the server's choice; NULL: nothing */
    int16_t error;
    uint8_t offer;   /* enum upstream_offer */
    bool chose_h2;   /* the server */
    bool refused_h2; /* the server, which was offered nothing else */
    bool is_secured;
    bool is_reading; /* the owner wants plaintext */
    bool is_working; /* a thread has the session */
    bool is_mute;    /* nothing is sent any more */
    bool has_rest;   /* of the input, behind the event that is acted on */
    bool has_fin;
    bool has_ended; /* on_end was called */
    bool is_cut;    /* without a close_notify */
    bool sends;     /* a send of the owner is pending */
    bool shuts_down;
    bool resets;
};

static inline struct stream *upstream_tls_stream(const struct upstream_tls *tls)
{
    return &tls->link->stream;
}

static inline struct upstream_tls *upstream_tls_of(const struct stream *stream)
{
    return CONTAINER_OF((struct stream *)stream, struct upstream_link, stream)->tls;
}

static inline bool upstream_tls_is_closed(const struct upstream_tls *tls)
{
    return upstream_tls_stream(tls)->flags & STREAM_CLOSED;
}

static inline struct upstream_tls_rooms *upstream_tls_rooms_of(const struct upstream_tls *tls)
{
    return tls->upstream->all->rooms;
}

/* The owner closes it then. */
static inline void upstream_tls_fail(struct upstream_tls *tls, int error)
{
    tls->error = (int16_t)error;
    tls->events->stream.on_error(upstream_tls_stream(tls), error);
}

/* Of a call of the session, with one of the rooms. */
struct tls_call upstream_tls_call(const struct upstream_tls *tls, char room[TLS_RECORD_BYTES_MAX]);

/* Takes what came and has to wait, in a later turn, or else reads on. */
void upstream_tls_read_on(struct upstream_tls *tls);

/* ---- output ---- */

/* Empties the shared buffer. */
void upstream_tls_clear_output(struct upstream_tls_rooms *rooms);

/* Sends what the session has made by itself. Returns false if the stream broke. */
bool upstream_tls_flush(struct upstream_tls *tls);

/* Our close_notify, behind all else. Returns false if the stream broke. */
bool upstream_tls_say_end(struct upstream_tls *tls);

/* The owner's send that had to wait for the rest of a message, once more has come. */
void upstream_tls_send_held(struct upstream_tls *tls);

/* The stream's event. */
void upstream_tls_on_sent(struct stream *stream);

#endif
