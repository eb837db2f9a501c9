/* TLS on a connection's stream: the layer between the owner's calls (front/transport.h) and the socket.
 *
 * Ciphertext is read from the loop's buffer and plaintext is passed on in a shared one; output is encrypted
 * into a buffer that all connections of the worker share. A connection has a buffer of its own only while the
 * socket does not accept its output, or while received ciphertext has to wait: for the owner, for its turn to
 * do the handshake, or for a signature made on another thread.
 *
 * A handshake costs hundreds of microseconds. All handshakes together get TLS_HANDSHAKES_TURN_US in each turn
 * of the loop, so that many new clients cannot hold up established connections. */
#ifndef FRONT_TLS_TRANSPORT_H
#define FRONT_TLS_TRANSPORT_H

#include "front/connection.h"

#ifdef HAVE_TLS

#include "tls/memory.h"
#include "tls/session.h"

/* Time for all handshakes of one turn, in microseconds; the last one may exceed it, as it is only checked
 * before each. */
#define TLS_HANDSHAKES_TURN_US 2000

/* Most bytes of plaintext that are encrypted into one buffer. */
#define TLS_OUTPUT_CONTENT_MAX TRANSPORT_CALL_BYTES_MAX

/* Room for the overhead of encryption: about 30 bytes per record; records are hardly ever shorter than 1,360
 * bytes. */
#define TLS_OUTPUT_OVERHEAD(content) ((content) / 32 + 1024)
#define TLS_OUTPUT_BYTES_MAX \
    (TLS_OUTPUT_CONTENT_MAX + TLS_OUTPUT_OVERHEAD(TLS_OUTPUT_CONTENT_MAX) + TLS_RECORD_OVERHEAD_MAX)

/* Reads are at least one record long, as OpenSSL buffers a partial record until it is complete. */
#define TLS_READ_BYTES_MIN (TLS_RECORD_BYTES_MAX + TLS_RECORD_OVERHEAD_MAX)

/* Shared by the connections of a listener; must outlive them. */
struct tls_listener {
    const struct tls_names *names; /* certificates by server name; may change between any two calls */
    struct tls_limits limits;
    unsigned *connections; /* counts them; NULL: nobody wants to know */
};

struct tls_sending;

struct tls_transport {
    struct tls_session session;
    const struct tls_listener *listener;
    const struct stream_events *events; /* the owner's */
    struct input *input;                /* received ciphertext that has to wait; NULL: none */
    struct tls_sending *sending;        /* ciphertext not sent yet; NULL: none */
    struct list link;                   /* in tls_worker.shaking or .due */
    int16_t error;                      /* see transport_error */
    bool is_reading : 1;                /* the owner wants plaintext */
    bool is_shaking_hands : 1;
    bool is_working : 1;    /* another thread uses the session */
    bool has_fin : 1;       /* the peer's FIN came */
    bool end_told : 1;      /* on_end was called */
    bool sends : 1;         /* a send of the owner is pending */
    bool sends_later : 1;   /* the owner asked for on_sent */
    bool shuts_down : 1;    /* the owner called shutdown */
    bool resets : 1;        /* close by RST */
    bool awaits_thread : 1; /* the stream is closed, but another thread still uses the session */
    bool is_blocked : 1;    /* output waits until the rest of a message from the client has been read, even
                               if the owner reads nothing */
};

/* A connection with TLS. */
struct tls_connection {
    _Alignas(max_align_t) char room[CONNECTION_BYTES]; /* a connection struct of any protocol */
    struct tls_transport tls;
};

#define TLS_CONNECTION_BYTES sizeof(struct tls_connection)

static inline struct tls_transport *tls_transport_of(const struct stream *stream)
{
    return &((struct tls_connection *)connection_of(stream))->tls;
}

/* Shared by all TLS connections of a worker. */
struct tls_worker {
    struct front *front;
    struct list shaking; /* connections whose handshake waits for its turn, in order */
    struct list due;     /* connections with input to process */
    struct task task;    /* processes both lists */
    struct task trim;    /* gives memory back */
    uint64_t turn;       /* the loop's turn that `turn_us` belongs to */
    uint64_t turn_us;
    size_t held_count;    /* output buffers that connections keep */
    struct buffer output; /* shared output buffer; empty between two callbacks */
    char read_room[TLS_RECORD_BYTES_MAX];
    char write_room[TLS_RECORD_BYTES_MAX];
    char file_room[TLS_OUTPUT_CONTENT_MAX];
};

/* Creates front->tls unless it exists. Returns 0 or -ENOMEM. */
int tls_worker_ensure(struct front *front) MUST_CHECK;
void tls_worker_finish(struct front *front);

/* Gives memory of sessions that have ended back to the system, some of it in each turn of the loop; call it
 * after a peak of connections. */
void tls_worker_trim(struct front *front);

/* Puts TLS on a stream. Call after stream_init with the owner's events, before anything is read. */
void tls_transport_begin(struct stream *stream, const struct tls_listener *listener);

/* Fills `ret_tls`, which is zeroed, with the result of a complete handshake; with an arena also with the
 * client's certificate data. */
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

/* The arguments for a call to the session; `room` is for plaintext. */
struct tls_call tls_transport_call(struct tls_transport *tls, char room[TLS_RECORD_BYTES_MAX]);

/* Sends what the session produced itself (handshake messages, alerts), after any pending output. Returns
 * false if the stream broke. */
bool tls_output_flush(struct tls_transport *tls) MUST_CHECK;

/* Nothing can be encrypted until TLS_WRITABLE: reads until then. Returns false if nothing more will come. */
bool tls_transport_block(struct tls_transport *tls) MUST_CHECK;

/* Frees the output that was not sent. */
void tls_output_drop(struct tls_transport *tls);

/* The handshake is complete after early data: sends the close_notify that had to wait for it. */
void tls_output_confirmed(struct tls_transport *tls);

/* For struct stream_events: the stream accepts more. */
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

static inline void tls_worker_trim(struct front *front)
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
