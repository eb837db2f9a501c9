/* A session: TLS on one connection, without I/O. Ciphertext goes in and plaintext comes out, and the other
 * way round; the bytes are lent by whoever has the socket.
 *
 * Protocol of use:
 *  1. Call tls_session_next with the ciphertext that came, again and again, until it says TLS_MORE: each call
 *     takes what it used from the front of the input and returns one event. On TLS_MORE all input was taken.
 *  2. After each call send what it appended to the output, whatever the event.
 *  3. On TLS_READY the handshake is complete: tls_session_info says what came of it. From then on
 *     tls_session_write turns plaintext into ciphertext.
 *  4. On TLS_WORK hand the session to another thread for tls_session_work, and leave it alone until that has
 *     returned; then call tls_session_next again. Keep what is left of the input meanwhile.
 *  5. On TLS_ERROR and TLS_HTTP send the output (an alert, mostly) and close. Nothing more is taken in.
 *  6. When the peer ends the connection (FIN), tls_session_end says whether that is an end or a cut.
 *
 * Nothing of OpenSSL is there before the ClientHello is whole, and no buffer stays while nothing goes on. */
#ifndef TLS_SESSION_H
#define TLS_SESSION_H

#include "base/arena.h"
#include "base/buffer.h"
#include "tls/client_hello.h"
#include "tls/context.h"
#include "tls/names.h"

#include <sys/types.h>

/* The most that one record carries (RFC 8446 section 5.1). */
#define TLS_RECORD_BYTES_MAX 16384

/* What a record is longer than its content, whatever the cipher, and a KeyUpdate before it. */
#define TLS_RECORD_OVERHEAD_MAX 256

/* Records of a new or rested session are about as long as a packet, so that the peer can use the first bytes
 * without waiting for more packets; then of some, then of full length. Bytes of content: what fits with its
 * headers into 1,460, less 40 for IPv6 and TCP options. */
#define TLS_RECORD_BYTES_FIRST  1360
#define TLS_RECORD_BYTES_SECOND 4096
#define TLS_RECORDS_OF_A_SIZE   10
#define TLS_REST_MS             1000

/* Handshake messages after the handshake (KeyUpdate, attempts to renegotiate) that are taken within
 * TLS_INTERRUPTION_BYTES of content, either way: each costs 0.1 ms. */
#define TLS_INTERRUPTIONS_MAX  16
#define TLS_INTERRUPTION_BYTES (1 << 20)

struct tls_limits {
    uint32_t hello_bytes;     /* of a ClientHello: CLIENT_HELLO_BYTES_MIN to CLIENT_HELLO_BYTES_MAX */
    uint32_t handshake_bytes; /* that a client sends until the handshake is complete; not less */
    uint32_t records_per_key; /* sent until the key is changed (TLS 1.3; RFC 8446 section 5.5) */
};

#define TLS_LIMITS_DEFAULT                                                                                \
    (struct tls_limits)                                                                                   \
    {                                                                                                     \
        .hello_bytes = CLIENT_HELLO_BYTES_DEFAULT, .handshake_bytes = 65536, .records_per_key = 1u << 23, \
    }

/* What a call is lent; the same for all sessions of a listener. */
struct tls_call {
    const struct tls_names *names; /* looked at when a ClientHello is whole */
    const struct tls_limits *limits;
    struct buffer *output; /* ciphertext is appended; must have room for 16 KiB at least */
    char *room;            /* for plaintext, TLS_RECORD_BYTES_MAX at least */
    size_t room_size;
    uint64_t now_ms; /* of a monotonic clock */
    bool may_work;   /* slow signatures become TLS_WORK */
};

enum tls_event {
    TLS_MORE,  /* nothing more to say without more ciphertext */
    TLS_READY, /* the handshake is complete */
    TLS_DATA,  /* plaintext, never empty; it stands in the call's room */
    TLS_END,   /* the peer's close_notify: it sends no more. Sending may go on */
    TLS_WORK,  /* a step of the handshake may take a millisecond or more: see the top */
    TLS_HTTP,  /* the client speaks plain HTTP: answer it so, and close */
    TLS_ERROR, /* broken: tls_session_fault says why */
};

enum tls_state {
    TLS_STATE_HELLO,     /* the ClientHello is not whole; there is no SSL object */
    TLS_STATE_HANDSHAKE, /* waits for the client's next message */
    TLS_STATE_WORK,      /* a step is to be done on another thread */
    TLS_STATE_WORKED,    /* that is done */
    TLS_STATE_OPEN,
    TLS_STATE_ENDED,  /* the peer's close_notify came */
    TLS_STATE_BROKEN, /* or refused */
};

struct tls_handshake;

struct tls_session {
    SSL *ssl;
    struct tls_context *context;     /* a reference; from the ClientHello on */
    struct tls_handshake *handshake; /* what is needed until TLS_READY only */
    struct slice *input;             /* of the call that is under way */
    struct buffer *output;
    const char *fault;
    uint64_t written_ms;         /* the last tls_session_write */
    uint32_t interruption_bytes; /* see TLS_INTERRUPTIONS_MAX */
    uint32_t key_records;        /* sent under the present key */
    uint16_t interruptions;
    uint8_t records;    /* sent since the last rest, as far as their size depends on it */
    uint8_t state;      /* enum tls_state */
    int16_t alert_sent; /* enum tls_alert */
    int16_t alert_received;
    bool has_closed; /* our close_notify was made */
};

/* At the beginning of a connection; takes no memory yet. */
void tls_session_init(struct tls_session *session);

/* Gives everything back. Not while another thread works on it. The client may resume such a session, unless
 * it is broken. */
void tls_session_finish(struct tls_session *session);

/* The next event; see the top. `ret_plaintext` is set for TLS_DATA only, and gone with the next call that is
 * lent the same room. */
enum tls_event tls_session_next(struct tls_session *session, const struct tls_call *call, struct slice *input,
                                struct slice *ret_plaintext) MUST_CHECK;

/* After TLS_WORK, on any thread: does the step. Touches nothing but the session, and what its context lets
 * several threads use. */
void tls_session_work(struct tls_session *session);

/* Appends records with the plaintext of the pieces, in order, until there is no more or the output is full;
 * short pieces share records. Returns how many bytes of plaintext were taken, or ERROR_CLOSED where the
 * session is broken. After TLS_READY and before tls_session_close only. The room is used for gathering. */
ssize_t tls_session_write(struct tls_session *session, const struct tls_call *call,
                          const struct slice *pieces, size_t piece_count) MUST_CHECK;

/* Appends our close_notify, once: we send no more. Nothing where there is no session (yet, or any more). */
void tls_session_close(struct tls_session *session, const struct tls_call *call);

/* The peer's FIN came. Returns TLS_END after its close_notify; else TLS_ERROR: what was received may have
 * been cut short by somebody else, and must not be taken for whole (RFC 8446 section 6.1). */
enum tls_event tls_session_end(struct tls_session *session) MUST_CHECK;

static inline bool tls_session_is_ready(const struct tls_session *session)
{
    return session->state == TLS_STATE_OPEN || session->state == TLS_STATE_ENDED;
}

/* Why it is broken, in a few words; with the alert that was sent or received (TLS_ALERT_NONE: none), for the
 * log. NULL where it is not. */
static inline const char *tls_session_fault(const struct tls_session *session)
{
    return session->fault;
}

/* What a handshake came to. The slices live as long as the session, the strings for ever. */
struct tls_info {
    struct slice protocol; /* of ALPN; empty where the client did not ask */
    struct slice name;     /* that the client asked for; may be empty */
    const char *version;   /* "TLSv1.3" */
    const char *cipher;    /* as the RFCs write it: "TLS_AES_128_GCM_SHA256" */
    const char *group;     /* of the key exchange: "x25519"; "" where there was none */
    bool is_resumed;
    bool has_client; /* the client proved who it is, see tls_session_client */
};

/* After TLS_READY. */
void tls_session_info(const struct tls_session *session, struct tls_info *ret_info);

#define TLS_FINGERPRINT_BYTES 65

/* Who the client is, by its certificate. */
struct tls_client {
    struct slice subject; /* as RFC 2253 writes names: "CN=ada,O=Example" */
    struct slice issuer;
    char fingerprint[TLS_FINGERPRINT_BYTES]; /* SHA-256 of the certificate, in hexadecimal digits, with NUL */
};

/* After TLS_READY, where tls_info.has_client says so; the names are the arena's. False where memory ran out.
 */
bool tls_session_client(const struct tls_session *session, struct arena *arena,
                        struct tls_client *ret_client) MUST_CHECK;

#endif
