/* Between a session and OpenSSL: the handshake's own memory, how OpenSSL reads and writes, what it tells. For
 * the files of tls/ only. */
#ifndef TLS_SESSION_BIO_H
#define TLS_SESSION_BIO_H

#include "tls/client_hello.h"
#include "tls/session.h"

/* Lives from the first byte until the handshake is complete and `held` is used up. */
struct tls_handshake {
    struct client_hello_scan scan;
    uint32_t bytes; /* that OpenSSL has read */
    uint32_t bytes_max;
    struct buffer held;     /* ciphertext that came and waits: for the rest of a ClientHello, or for work */
    struct slice unread;    /* of `held`, what OpenSSL has not read yet */
    struct buffer produced; /* ciphertext that work made */
    int outcome;            /* of work: what SSL_get_error said */
    bool is_slow;           /* a signature of it may take long */
    bool has_signed;        /* the signature was made */
    struct client_hello hello;
};

/* How sessions read and write: from their input, to their output. NULL where memory ran out. */
struct bio_method_st *session_bio_method_create(void);

/* Lets `ssl` read and write through the session. False where memory ran out. */
bool session_bio_attach(struct tls_session *session) MUST_CHECK;

/* ---- told by OpenSSL, see callbacks.c ---- */

/* The session of an SSL object: its BIO knows. (Application data of an SSL would cost 100 bytes.) */
struct tls_session *session_of(const SSL *ssl);

/* The client asked for that name when the context was chosen. */
bool session_is_for_name(const struct tls_session *session, struct slice name);

/* A message, or the header of a record, passes by. */
void session_see_message(struct tls_session *session, bool is_sent, int type, struct slice bytes);

/* ---- inside of sessions ---- */

/* The one place where a session that goes on changes its state: an assert checks the move. */
void session_set_state(struct tls_session *session, enum tls_state state);

/* The reason in OpenSSL's queue, for a session that will be broken on the loop's thread; the first one stays.
 */
void session_note_library_fault(struct tls_session *session);

/* The session is broken; the first reason stays. */
enum tls_event session_break(struct tls_session *session, const char *fault);

/* The same, for the reason in OpenSSL's queue. */
enum tls_event session_break_by_library(struct tls_session *session);

/* Content went, either way: it makes up for KeyUpdates. */
void session_count_content(struct tls_session *session, size_t length);

/* One event of a session whose handshake is not complete (session_handshake.c). */
enum tls_event session_handshake_next(struct tls_session *session, const struct tls_call *call);

/* What the handshake needed is given back, but for bytes that are still to be read. */
void session_handshake_leave(struct tls_session *session);
void session_handshake_free(struct tls_session *session);

#endif
