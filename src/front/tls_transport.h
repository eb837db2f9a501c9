/* TLS on a connection's stream: what lies between the owner's calls (front/transport.h) and the socket.
 *
 * Ciphertext is read where the loop lends it, and plaintext lent on in the same way; what is sent is
 * encrypted into a buffer that all connections of the worker share. A connection keeps one of its own only
 * while its client does not take it, or while what was read has to wait: for the owner, for its turn to
 * shake hands, or for another thread that signs.
 *
 * Handshakes cost hundreds of microseconds each. In each turn of the loop they get TLS_HANDSHAKES_TURN_US, so
 * that a crowd of new clients cannot hold up those that are connected. */
#ifndef FRONT_TLS_TRANSPORT_H
#define FRONT_TLS_TRANSPORT_H

#include "front/connection.h"

#ifdef HAVE_TLS

#include "tls/session.h"

/* All handshakes of one turn, but for the last one, which was begun in time. */
#define TLS_HANDSHAKES_TURN_US 2000

/* Plaintext that is encrypted into one buffer and leaves in one call. */
#define TLS_OUTPUT_CONTENT_MAX ((size_t)64 << 10)

/* What is added to it: some 30 bytes a record, which is hardly ever shorter than 1,360 bytes. */
#define TLS_OUTPUT_OVERHEAD(content) ((content) / 32 + 1024)
#define TLS_OUTPUT_BYTES_MAX \
    (TLS_OUTPUT_CONTENT_MAX + TLS_OUTPUT_OVERHEAD(TLS_OUTPUT_CONTENT_MAX) + TLS_RECORD_OVERHEAD_MAX)

/* A record is read at once, as OpenSSL keeps the beginning of one until it is whole. */
#define TLS_READ_BYTES_MIN (TLS_RECORD_BYTES_MAX + TLS_RECORD_OVERHEAD_MAX)

/* What connections of a listener share; to be kept as long as there are any. */
struct tls_listener {
    const struct tls_names *names; /* which certificate is for whom; may change between any two calls */
    struct tls_limits limits;
};

struct tls_sending;

struct tls_transport {
    struct tls_session session;
    const struct tls_listener *listener;
    const struct stream_events *events; /* the owner's */
    struct input *input;                /* ciphertext that has to wait; NULL: none */
    struct tls_sending *sending;        /* what was not sent yet; NULL: nothing */
    struct list link;                   /* among those that wait: see struct tls_worker */
    int16_t error;                      /* see transport_error */
    bool is_reading : 1;                /* the owner wants plaintext */
    bool is_shaking_hands : 1;
    bool is_working : 1;    /* another thread has the session */
    bool has_fin : 1;       /* the peer's FIN came */
    bool end_told : 1;      /* on_end was called */
    bool sends : 1;         /* a send of the owner's is pending */
    bool sends_later : 1;   /* the owner asked for on_sent */
    bool shuts_down : 1;    /* nothing follows what is being sent */
    bool resets : 1;        /* the connection's end is to look like a failure */
    bool awaits_thread : 1; /* the stream is gone, but another thread has the session */
};

/* A connection with TLS. */
struct tls_connection {
    _Alignas(max_align_t) char room[CONNECTION_BYTES]; /* begins with a struct connection */
    struct tls_transport tls;
};

#define TLS_CONNECTION_BYTES sizeof(struct tls_connection)

static inline struct tls_transport *tls_transport_of(const struct stream *stream)
{
    return &((struct tls_connection *)connection_of(stream))->tls;
}

/* What all of them share. */
struct tls_worker {
    struct front *front;
    struct list shaking; /* those whose handshake waits for its turn, in order */
    struct list due;     /* those that have input to go on with */
    struct task task;    /* goes on with both */
    uint64_t turn;       /* of the loop, in which handshakes have taken `turn_us` */
    uint64_t turn_us;
    size_t held_count;    /* buffers of output that connections keep */
    struct buffer output; /* ciphertext that was just made; empty between two callbacks */
    char read_room[TLS_RECORD_BYTES_MAX];
    char write_room[TLS_RECORD_BYTES_MAX];
    char file_room[TLS_OUTPUT_CONTENT_MAX];
};

/* Makes it, once. Returns 0 or -ENOMEM. */
int tls_worker_ensure(struct front *front) MUST_CHECK;
void tls_worker_finish(struct front *front);

/* After stream_init with the owner's events, before anything is read. */
void tls_transport_begin(struct stream *stream, const struct tls_listener *listener);

/* What the handshake came to, once it is complete; with an arena also who the client is. Zeroed before. */
void tls_transport_tell(const struct stream *stream, struct arena *arena, struct peer_tls *ret_tls);

/* ---- between tls_transport.c and tls_output.c ---- */

static inline struct connection *tls_connection_of(struct tls_transport *tls)
{
    return (struct connection *)CONTAINER_OF(tls, struct tls_connection, tls)->room;
}

static inline struct stream *tls_stream_of(struct tls_transport *tls)
{
    return &tls_connection_of(tls)->stream;
}

struct tls_worker *tls_worker_of(struct tls_transport *tls);

/* What a call to the session is lent, with room for plaintext. */
struct tls_call tls_transport_call(struct tls_transport *tls, char room[TLS_RECORD_BYTES_MAX]);

/* Sends what the session made by itself (of a handshake, an alert), behind what is under way. False where
 * that broke the stream. */
bool tls_output_flush(struct tls_transport *tls) MUST_CHECK;

/* Gives back what was to be sent. */
void tls_output_drop(struct tls_transport *tls);

/* For struct stream_events: the stream can take more. */
void tls_output_on_sent(struct stream *stream);

#else

#define TLS_CONNECTION_BYTES CONNECTION_BYTES

static inline int tls_worker_ensure(struct front *front)
{
    (void)front;
    UNREACHABLE();
}

static inline void tls_worker_finish(struct front *front)
{
    (void)front;
}

static inline void tls_transport_begin(struct stream *stream, const struct tls_listener *listener)
{
    (void)stream, (void)listener;
    UNREACHABLE();
}

static inline void tls_transport_tell(const struct stream *stream, struct arena *arena,
                                      struct peer_tls *ret_tls)
{
    (void)stream, (void)arena, (void)ret_tls;
    UNREACHABLE();
}

#endif

#endif
