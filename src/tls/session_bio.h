/* Connects a session to OpenSSL: the state of the handshake, the BIO by which OpenSSL reads and writes, and
 * its callbacks. For the files of tls/ only. */
#ifndef TLS_SESSION_BIO_H
#define TLS_SESSION_BIO_H

#include "tls/client_hello.h"
#include "tls/session.h"

/* Exists from the first byte until the handshake is complete and `held` is consumed. */
struct tls_handshake {
    struct client_hello_scan scan;
    uint32_t bytes; /* that OpenSSL has read */
    uint32_t bytes_max;
    uint32_t bytes_now;     /* that it may have read for now: the ClientHello, as early data is read later */
    struct buffer held;     /* received ciphertext that waits for the rest of a ClientHello, or for work */
    struct slice unread;    /* the part of `held` that OpenSSL has not read yet */
    struct buffer produced; /* ciphertext that tls_session_work produced */
    int outcome;            /* of tls_session_work: the result of SSL_get_error */
    bool seeks_early;       /* it is not known yet whether there is early data */
    bool is_slow;           /* it may need a slow signature */
    bool has_signed;        /* the signature was made */
    struct client_hello hello;
};

/* The BIO method of sessions: reads from their input, writes to their output. NULL if out of memory. */
struct bio_method_st *session_bio_method_create(void);

/* Gives `ssl` a BIO on the session. Returns false if out of memory. */
bool session_bio_attach(struct tls_session *session) MUST_CHECK;

/* ---- for OpenSSL's callbacks, see callbacks.c ---- */

/* The session of an SSL object, taken from its BIO. (Application data of an SSL would cost 100 bytes.) */
struct tls_session *session_of(const SSL *ssl);

/* Whether the client asked for that name when the context was chosen. */
bool session_is_for_name(const struct tls_session *session, struct slice name);

/* Called for each message, and each record header, that is sent or received. */
void session_see_message(struct tls_session *session, bool is_sent, int type, struct slice bytes);

/* ---- inside of sessions ---- */

/* Changes the state of a session that has not failed; nothing else does. Asserts that the transition is
 * valid. */
void session_set_state(struct tls_session *session, enum tls_state state);

/* Records the error in OpenSSL's queue, for a session that will be marked as failed later on the loop's
 * thread. A reason recorded before stays. */
void session_note_library_fault(struct tls_session *session);

/* Marks the session as failed. A reason recorded before stays. */
enum tls_event session_break(struct tls_session *session, const char *fault);

/* The same with the error in OpenSSL's queue as the reason. */
enum tls_event session_break_by_library(struct tls_session *session);

/* Counts content in either direction: it allows for more KeyUpdates. */
void session_count_content(struct tls_session *session, size_t length);

/* tls_session_next for a session whose handshake is not complete (session_handshake.c). */
enum tls_event session_handshake_next(struct tls_session *session, const struct tls_call *call);

/* For tls_session_connect: the state of the handshake; false if out of memory. And one step of it: the result
 * of SSL_get_error. */
bool session_handshake_ensure(struct tls_session *session, const struct tls_limits *limits) MUST_CHECK;
int session_handshake_step(struct tls_session *session);

/* Whether this side is the client: see tls_session_connect. */
bool session_is_client(const struct tls_session *session);

/* Frees the state of the handshake, except bytes that are still to be read. */
void session_handshake_leave(struct tls_session *session);
void session_handshake_free(struct tls_session *session);

#endif
