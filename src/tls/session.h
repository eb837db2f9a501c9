/* A session: TLS on one connection, without I/O. It turns ciphertext into plaintext and back; the owner of
 * the socket provides all buffers.
 *
 * Protocol of use:
 *  1. Call tls_session_next with the received ciphertext repeatedly until it returns TLS_MORE: each call
 *     consumes input from the front and returns one event. On TLS_MORE all input was consumed.
 *  2. After each call, send what it appended to the output, whatever the event.
 *  3. On TLS_READY the handshake is complete: tls_session_info returns its result. From then on
 *     tls_session_write encrypts plaintext.
 *     If the client's early data (0-RTT) was accepted, TLS_READY comes a round trip earlier, and
 *     TLS_CONFIRMED when the handshake is complete. What is read before that may be a replay of an earlier
 *     connection, and a close_notify cannot be sent yet.
 *  4. On TLS_WORK call tls_session_work on another thread, and do not use the session until that has
 *     returned; then call tls_session_next again. Keep the rest of the input meanwhile.
 *  5. On TLS_ERROR and TLS_HTTP send the output (usually an alert) and close. No more input is accepted.
 *  6. When the peer sends FIN, tls_session_end says whether the data was complete or truncated.
 *
 * This is the server's side; tls_session_connect begins the client's.
 *
 * No OpenSSL object exists before the ClientHello is complete, and an idle session has no buffers. */
#ifndef TLS_SESSION_H
#define TLS_SESSION_H

#include "base/arena.h"
#include "base/buffer.h"
#include "tls/client_hello.h"
#include "tls/context.h"
#include "tls/names.h"

#include <sys/types.h>

/* Most content of one record (RFC 8446 section 5.1). */
#define TLS_RECORD_BYTES_MAX 16384

/* Upper bound of a record's overhead with any cipher, plus a KeyUpdate before it. */
#define TLS_RECORD_OVERHEAD_MAX 256

/* Record sizes, in bytes of content. A session that is new or was idle for TLS_IDLE_MS sends records of about
 * one packet, so that the peer can use the first bytes without waiting for more packets; after
 * TLS_RECORDS_OF_A_SIZE of them larger ones, then records of full length. The first size fits with its
 * overhead into 1,460 bytes, less 40 for IPv6 and TCP options. */
#define TLS_RECORD_BYTES_FIRST  1360
#define TLS_RECORD_BYTES_SECOND 4096
#define TLS_RECORDS_OF_A_SIZE   10
#define TLS_IDLE_MS             1000

/* Most post-handshake messages (KeyUpdate, attempts to renegotiate) that are accepted per
 * TLS_INTERRUPTION_BYTES of content in either direction: each costs 0.1 ms. */
#define TLS_INTERRUPTIONS_MAX  16
#define TLS_INTERRUPTION_BYTES (1 << 20)

struct tls_limits {
    uint32_t hello_bytes;     /* of the ClientHello: CLIENT_HELLO_BYTES_MIN to _MAX */
    uint32_t handshake_bytes; /* from the client until the handshake is complete; at least hello_bytes */
    uint32_t records_per_key; /* records sent until the key is changed (TLS 1.3; RFC 8446 section 5.5) */
};

#define TLS_LIMITS_DEFAULT                                                                                \
    (struct tls_limits)                                                                                   \
    {                                                                                                     \
        .hello_bytes = CLIENT_HELLO_BYTES_DEFAULT, .handshake_bytes = 65536, .records_per_key = 1u << 23, \
    }

/* The arguments and buffers of a call; the same for all sessions of a listener. */
struct tls_call {
    const struct tls_names *names; /* used when a ClientHello is complete */
    const struct tls_limits *limits;
    struct buffer *output; /* ciphertext is appended; must have room for 16 KiB at least */
    char *room;            /* for plaintext, TLS_RECORD_BYTES_MAX at least */
    size_t room_size;
    uint64_t now_ms; /* of a monotonic clock */
    bool may_work;   /* slow signatures become TLS_WORK */
};

enum tls_event {
    TLS_MORE,      /* needs more ciphertext */
    TLS_READY,     /* the handshake is complete, or early data was accepted: tls_session_is_early */
    TLS_CONFIRMED, /* after early data: the handshake is complete */
    TLS_DATA,      /* plaintext, never empty; it is in the call's room */
    TLS_WRITABLE,  /* tls_session_write, which returned 0 before, takes plaintext again */
    TLS_END,       /* the peer's close_notify: it sends no more; sending may continue */
    TLS_WORK,      /* a step of the handshake may take a millisecond or more: step 4 above */
    TLS_HTTP,      /* the client speaks plain HTTP: answer in plain HTTP and close */
    TLS_ERROR,     /* failed: tls_session_fault says why */
};

enum tls_state {
    TLS_STATE_HELLO,     /* the ClientHello is incomplete; there is no SSL object */
    TLS_STATE_HANDSHAKE, /* waits for the client's next message */
    TLS_STATE_WORK,      /* tls_session_work is to be called on another thread */
    TLS_STATE_WORKED,    /* it has returned */
    TLS_STATE_EARLY,     /* early data was accepted and is read */
    TLS_STATE_EARLY_END, /* all of it was read; waits for the client's Finished */
    TLS_STATE_OPEN,
    TLS_STATE_ENDED,  /* the peer's close_notify came */
    TLS_STATE_BROKEN, /* failed or refused */
};

struct tls_handshake;

struct tls_session {
    SSL *ssl;
    struct tls_context *context;     /* a reference; set from the ClientHello on */
    struct tls_handshake *handshake; /* state that is needed until TLS_READY only */
    struct slice *input;             /* of the current call, as is `output` */
    struct buffer *output;
    const char *fault;
    uint64_t written_ms;         /* time of the last tls_session_write */
    uint32_t interruption_bytes; /* see TLS_INTERRUPTIONS_MAX */
    uint32_t key_records;        /* records sent under the current key */
    uint16_t interruptions;
    uint8_t records;    /* sent since the last idle time; stops counting at full record size */
    uint8_t state;      /* enum tls_state */
    int16_t alert_sent; /* enum tls_alert */
    int16_t alert_received;
    bool has_closed; /* our close_notify was written */
    bool is_blocked; /* tls_session_write returned 0, and TLS_WRITABLE has to follow */
};

/* Initialises a session; allocates nothing. */
void tls_session_init(struct tls_session *session);

/* Frees everything. Not while another thread uses the session. The client may resume the session later,
 * unless it failed. */
void tls_session_finish(struct tls_session *session);

/* What a client wants of a server. */
struct tls_target {
    const char *host;       /* whose certificate it must be: a name, or an address without brackets */
    bool accepts_any;       /* the certificate is not looked at */
    struct slice protocols; /* offered by ALPN, the best one first, each behind a byte with its length */
    struct ssl_session_st *former;   /* to be resumed; NULL: none */
    struct ssl_session_st **resumed; /* gets sessions that can be resumed later; the owner frees them */
};

/* Begins an initialised session as the client of a server, with a context for that (tls/client_context.h),
 * and appends the ClientHello to the output. Goes on as at the top, without early data: what is said there of
 * the client is the server. Returns false if out of memory. */
bool tls_session_connect(struct tls_session *session, struct tls_context *context,
                         const struct tls_target *target, const struct tls_call *call) MUST_CHECK;

/* After TLS_READY: whether the session holds ciphertext that it was given before; tls_session_next reads it,
 * even without input. */
static inline bool tls_session_holds_input(const struct tls_session *session)
{
    return session->handshake != NULL;
}

/* After TLS_ERROR of a client: whether the server's certificate was refused. */
bool tls_session_distrusts(const struct tls_session *session);

/* Returns the next event; see the top. `ret_plaintext` is set for TLS_DATA only, and valid until the next
 * call with the same room. */
enum tls_event tls_session_next(struct tls_session *session, const struct tls_call *call, struct slice *input,
                                struct slice *ret_plaintext) MUST_CHECK;

/* After TLS_WORK: does the slow step, on any thread. Uses only the session and the thread-safe parts of its
 * context. */
void tls_session_work(struct tls_session *session);

/* Encrypts the plaintext of the pieces, in order, and appends the records until there is no more or the
 * output is full; short pieces share records. Returns the bytes of plaintext consumed, or ERROR_CLOSED if the
 * session failed. It consumes none while only the beginning of a message has come that the peer sent after
 * the handshake (a ticket, a KeyUpdate), as a message may be split into several records: try again after
 * TLS_WRITABLE, which comes before anything else is read. Only after TLS_READY and before tls_session_close.
 * Uses the call's room to gather pieces. */
ssize_t tls_session_write(struct tls_session *session, const struct tls_call *call,
                          const struct slice *pieces, size_t piece_count) MUST_CHECK;

/* Appends our close_notify, once: we send no more. Does nothing before TLS_READY, while the session is early,
 * and after a failure. */
void tls_session_close(struct tls_session *session, const struct tls_call *call);

/* The peer sent FIN. Returns TLS_END if its close_notify came before; else TLS_ERROR: an attacker may have
 * truncated the data, so it must not be treated as complete (RFC 8446 section 6.1). */
enum tls_event tls_session_end(struct tls_session *session) MUST_CHECK;

static inline bool tls_session_is_ready(const struct tls_session *session)
{
    return session->state >= TLS_STATE_EARLY && session->state <= TLS_STATE_ENDED;
}

/* Whether early data was accepted and the handshake is not complete: what was read may be a replay. */
static inline bool tls_session_is_early(const struct tls_session *session)
{
    return session->state == TLS_STATE_EARLY || session->state == TLS_STATE_EARLY_END;
}

/* Why the session failed, in a few words for the log; NULL if it did not. See also alert_sent and
 * alert_received (TLS_ALERT_NONE: none). */
static inline const char *tls_session_fault(const struct tls_session *session)
{
    return session->fault;
}

/* The result of a handshake. The slices live as long as the session; the strings are constants. */
struct tls_info {
    struct slice protocol; /* negotiated by ALPN; empty if the client did not use it */
    struct slice name;     /* server name that the client asked for; may be empty */
    const char *version;   /* "TLSv1.3" */
    const char *cipher;    /* as the RFCs write it: "TLS_AES_128_GCM_SHA256" */
    const char *group;     /* of the key exchange: "x25519"; "" if there was none */
    bool is_resumed;
    bool is_early;         /* the client sent early data, and it was accepted */
    bool is_early_refused; /* it sent early data, which was refused */
    bool has_client;       /* the client has a certificate, see tls_session_client */
};

/* After TLS_READY. */
void tls_session_info(const struct tls_session *session, struct tls_info *ret_info);

#define TLS_FINGERPRINT_BYTES 65

/* The client's certificate. */
struct tls_client {
    struct slice subject; /* as RFC 2253 writes names: "CN=ada,O=Example" */
    struct slice issuer;
    char fingerprint[TLS_FINGERPRINT_BYTES]; /* SHA-256 of the certificate, in hexadecimal digits, with NUL */
};

/* After TLS_READY, if tls_info.has_client is set. The names are allocated in the arena. Returns false if out
 * of memory. */
bool tls_session_client(const struct tls_session *session, struct arena *arena,
                        struct tls_client *ret_client) MUST_CHECK;

#endif
