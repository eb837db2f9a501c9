/* A client of OpenSSL's and a session of vif's, in memory: what one makes the other gets, cut as the test
 * wishes. */
#ifndef TESTS_UNIT_TLS_DUO_H
#define TESTS_UNIT_TLS_DUO_H

#include "tests/unit/tls/pki.h"

#include "base/error.h"
#include "tls/session.h"

#include <pthread.h>

/* Certificates that most tests need, made once for a program. */
struct duo_pki {
    struct tree tree;
    struct pki_cert root, leaf, rsa, slow, client, revoked, expired, stranger;
    struct tls_pair_files ecdsa_pair, rsa_pair, slow_pair;
    const char *ca;
};

static struct duo_pki pki;

static inline struct tls_pair_files duo_write_pair(const char *name, const struct pki_cert *cert)
{
    char certificate[32], key[32];
    snprintf(certificate, sizeof(certificate), "%s.pem", name);
    snprintf(key, sizeof(key), "%s.key", name);
    return (struct tls_pair_files){pki_write_chain(&pki.tree, certificate, cert, &pki.root, NULL),
                                   pki_write_key(&pki.tree, key, cert), NULL};
}

static inline int duo_make_pki(void **state)
{
    (void)state;
    tree_init(&pki.tree);
    const struct pki_options server = {.common_name = "server",
                                       .names = "DNS:" PKI_NAME ",DNS:*.example.org"};
    struct pki_options rsa = server, slow = server;
    rsa.rsa_bits = 2048;
    slow.rsa_bits = 3072;
    pki.root = pki_make((struct pki_options){.common_name = "Root", .is_ca = true}, NULL);
    pki.leaf = pki_make(server, &pki.root);
    pki.rsa = pki_make(rsa, &pki.root);
    pki.slow = pki_make(slow, &pki.root);
    pki.client = pki_make((struct pki_options){.common_name = "Ada", .is_client = true}, &pki.root);
    pki.revoked = pki_make((struct pki_options){.common_name = "Rex", .is_client = true}, &pki.root);
    pki.expired = pki_make(
        (struct pki_options){.common_name = "Max", .is_client = true, .start_days = -9, .end_days = -1},
        &pki.root);
    pki.stranger = pki_make((struct pki_options){.common_name = "Eve", .is_client = true}, NULL);
    pki.ecdsa_pair = duo_write_pair("ecdsa", &pki.leaf);
    pki.rsa_pair = duo_write_pair("rsa", &pki.rsa);
    pki.slow_pair = duo_write_pair("slow", &pki.slow);
    pki.ca = pki_write_chain(&pki.tree, "ca.pem", &pki.root, NULL, NULL);
    return 0;
}

static inline int duo_free_pki(void **state)
{
    (void)state;
    struct pki_cert *all[] = {&pki.root,   &pki.leaf,    &pki.rsa,     &pki.slow,
                              &pki.client, &pki.revoked, &pki.expired, &pki.stranger};
    for (size_t i = 0; i < ARRAY_LENGTH(all); i++)
        pki_free(all[i]);
    tree_finish(&pki.tree);
    return 0;
}

/* ---- the server's side ---- */

#define DUO_OUTPUT_BYTES (1 << 20)

struct duo {
    struct tls_names names;
    struct tls_limits limits;
    struct tls_call call;
    struct buffer output;
    char room[TLS_RECORD_BYTES_MAX];
    struct tls_session session;

    SSL_CTX *client_ctx;
    SSL *client;
    SSL_SESSION *ticket; /* the last that the server sent */
    int tickets;
    int client_alert;       /* the last that it got; TLS_ALERT_NONE: none */
    size_t step;            /* bytes that the server gets at once; 0: all */
    struct buffer received; /* plaintext that the server got */
    struct buffer events;   /* a letter each: Ready, Confirmed, Again, Work, End, Http, X for an error */
};

static inline struct tls_context *duo_context(const struct tls_settings *settings)
{
    struct tls_report report = {0};
    struct tls_context *context = NULL;
    if (tls_context_create(settings, time(NULL), &report, &context) != 0)
        fail_msg("%s", tls_report_gravest(&report));
    return context;
}

static inline int duo_keep_ticket(SSL *ssl, SSL_SESSION *session)
{
    struct duo *duo = SSL_get_app_data(ssl);
    SSL_SESSION_free(duo->ticket);
    duo->ticket = session;
    duo->tickets++;
    return 1;
}

static inline void duo_note_alert(const SSL *ssl, int where, int value)
{
    struct duo *duo = SSL_get_app_data(ssl);
    if ((where & SSL_CB_READ_ALERT) == SSL_CB_READ_ALERT)
        duo->client_alert = value & 0xff;
}

/* A client that trusts the root, and a server with these settings under each name. */
static inline void duo_init(struct duo *duo, const struct tls_settings *settings)
{
    *duo = (struct duo){.limits = TLS_LIMITS_DEFAULT};
    struct tls_context *context = duo_context(settings);
    tls_names_init(&duo->names);
    tls_names_set_default(&duo->names, context);
    tls_context_unref(context);
    buffer_init(&duo->output, DUO_OUTPUT_BYTES);
    buffer_init(&duo->received, DUO_OUTPUT_BYTES);
    buffer_init(&duo->events, 1000);
    duo->call = (struct tls_call){.names = &duo->names,
                                  .limits = &duo->limits,
                                  .output = &duo->output,
                                  .room = duo->room,
                                  .room_size = sizeof(duo->room),
                                  .now_ms = 5000};
    tls_session_init(&duo->session);
    duo->client_ctx = SSL_CTX_new(TLS_client_method());
    X509_STORE_add_cert(SSL_CTX_get_cert_store(duo->client_ctx), pki.root.certificate);
    SSL_CTX_set_verify(duo->client_ctx, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_session_cache_mode(duo->client_ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(duo->client_ctx, duo_keep_ticket);
    SSL_CTX_set_info_callback(duo->client_ctx, duo_note_alert);
}

static inline void duo_finish_connection(struct duo *duo)
{
    tls_session_finish(&duo->session);
    if (duo->client) /* or its session could not be resumed */
        SSL_set_shutdown(duo->client, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(duo->client);
    duo->client = NULL;
    buffer_clear(&duo->output);
    buffer_clear(&duo->received);
    buffer_clear(&duo->events);
}

static inline void duo_finish(struct duo *duo)
{
    duo_finish_connection(duo);
    tls_names_finish(&duo->names);
    buffer_finish(&duo->output);
    buffer_finish(&duo->received);
    buffer_finish(&duo->events);
    SSL_SESSION_free(duo->ticket);
    SSL_CTX_free(duo->client_ctx);
    ERR_clear_error();
}

/* The client of the next connection; what the test still wants to set, it sets in duo->client. */
static inline void duo_begin(struct duo *duo, const char *name)
{
    duo_finish_connection(duo);
    duo->client_alert = TLS_ALERT_NONE;
    duo->client = SSL_new(duo->client_ctx);
    SSL_set_bio(duo->client, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_app_data(duo->client, duo);
    SSL_set_connect_state(duo->client);
    if (name)
        SSL_set_tlsext_host_name(duo->client, name);
}

static inline void *duo_work(void *session)
{
    tls_session_work(session);
    return NULL;
}

static inline void duo_work_elsewhere(struct duo *duo)
{
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, duo_work, &duo->session), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
}

/* Gives the server these bytes, and takes its events until it wants more. */
static inline void duo_feed_piece(struct duo *duo, struct slice bytes)
{
    static const char letters[] = {
        [TLS_READY] = 'R', [TLS_CONFIRMED] = 'C', [TLS_WRITABLE] = 'A', [TLS_END] = 'E',
        [TLS_WORK] = 'W',  [TLS_HTTP] = 'H',      [TLS_ERROR] = 'X'};
    for (;;) {
        struct slice plain;
        enum tls_event event = tls_session_next(&duo->session, &duo->call, &bytes, &plain);
        if (event == TLS_DATA)
            buffer_append(&duo->received, plain);
        else if (event != TLS_MORE)
            buffer_append_byte(&duo->events, letters[event]);
        if (event == TLS_WORK)
            duo_work_elsewhere(duo);
        if (event == TLS_MORE)
            assert_int_equal(bytes.length, 0);
        if (event == TLS_MORE || event == TLS_ERROR || event == TLS_HTTP)
            return;
    }
}

/* In pieces of duo->step, each in an allocation of its own size. */
static inline void duo_feed(struct duo *duo, struct slice bytes)
{
    while (bytes.length > 0) {
        size_t length = duo->step ? MIN(duo->step, bytes.length) : bytes.length;
        char *copy = malloc(length);
        memcpy(copy, bytes.data, length);
        duo_feed_piece(duo, slice_make(copy, length));
        free(copy);
        bytes = slice_skip(bytes, length);
    }
}

/* What the client has made for the server. */
static inline size_t duo_take(struct duo *duo, struct buffer *out)
{
    char bytes[4096];
    int length;
    while ((length = BIO_read(SSL_get_wbio(duo->client), bytes, sizeof(bytes))) > 0)
        buffer_append(out, slice_make(bytes, (size_t)length));
    return out->length;
}

static inline bool duo_move_to_server(struct duo *duo)
{
    struct buffer bytes;
    buffer_init(&bytes, DUO_OUTPUT_BYTES * 4);
    size_t length = duo_take(duo, &bytes);
    duo_feed(duo, buffer_slice(&bytes));
    buffer_finish(&bytes);
    return length > 0;
}

static inline bool duo_move_to_client(struct duo *duo)
{
    size_t length = duo->output.length;
    if (length > 0)
        BIO_write(SSL_get_rbio(duo->client), duo->output.data, (int)length);
    buffer_clear(&duo->output);
    return length > 0;
}

/* Lets both sides talk until neither has anything to say. Returns what SSL_get_error says of the client. */
static inline int duo_pump(struct duo *duo)
{
    char byte;
    int error = SSL_ERROR_NONE;
    bool moves = true;
    while (moves) {
        ERR_clear_error();
        int result = SSL_do_handshake(duo->client);
        if (result == 1)
            result = SSL_peek(duo->client, &byte, 1); /* tickets come behind the handshake */
        error = SSL_get_error(duo->client, result);
        moves = duo_move_to_server(duo);
        moves |= duo_move_to_client(duo);
    }
    return error;
}

/* A whole handshake; the server says that it is ready. */
static inline void duo_connect(struct duo *duo, const char *name)
{
    duo_begin(duo, name);
    duo_pump(duo);
    assert_slice(buffer_slice(&duo->events), "R");
    assert_true(SSL_is_init_finished(duo->client));
}

static inline void duo_reconnect(struct duo *duo, const char *name)
{
    SSL_SESSION *ticket = duo->ticket;
    assert_non_null(ticket);
    SSL_SESSION_up_ref(ticket);
    duo_begin(duo, name);
    SSL_set_session(duo->client, ticket);
    duo_pump(duo);
    assert_slice(buffer_slice(&duo->events), "R");
    SSL_SESSION_free(ticket);
}

static inline void duo_client_writes(struct duo *duo, struct slice text)
{
    while (text.length > 0) {
        size_t length = MIN(text.length, 16384u);
        assert_int_equal(SSL_write(duo->client, text.data, (int)length), (int)length);
        text = slice_skip(text, length);
    }
    duo_move_to_server(duo);
}

static inline void duo_server_writes(struct duo *duo, const struct slice *pieces, size_t count, size_t taken)
{
    assert_int_equal(tls_session_write(&duo->session, &duo->call, pieces, count), taken);
}

/* All plaintext that is there for the client, appended. */
static inline int duo_client_reads(struct duo *duo, struct buffer *out)
{
    char bytes[16384];
    int length;
    duo_move_to_client(duo);
    ERR_clear_error();
    while ((length = SSL_read(duo->client, bytes, sizeof(bytes))) > 0)
        buffer_append(out, slice_make(bytes, (size_t)length));
    return SSL_get_error(duo->client, length);
}

/* The handshake of a client that is refused: the server's alert, and words of its reason. */
static inline void duo_expect_refusal(struct duo *duo, int alert, const char *words)
{
    duo_pump(duo);
    if (duo->session.fault == NULL || strstr(duo->session.fault, words) == NULL)
        fail_msg("got \"%s\", expected \"%s\"", duo->session.fault ? duo->session.fault : "no fault", words);
    assert_int_equal(duo->session.alert_sent, alert);
    assert_int_equal(duo->client_alert, alert);
    assert_int_equal(duo->events.data[duo->events.length - 1], 'X');
}

static inline struct tls_settings duo_settings(const struct tls_pair_files *pairs, size_t count)
{
    return (struct tls_settings){
        .pairs = pairs, .pair_count = count, .protocols = TLS_PROTOCOL_H2 | TLS_PROTOCOL_HTTP1};
}

/* For the client: what ALPN has as a list. */
#define DUO_ALPN(list) (const unsigned char *)(list), sizeof(list) - 1

#endif
