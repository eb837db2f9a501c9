/* TLS on the clients' side, by OpenSSL: in vif-sim-tls, in the place of wire_veil.c. Clients differ in what
 * they offer, so that handshakes are full and resumed, of both versions, with a HelloRetryRequest, with each
 * cipher, and with signatures that the server has made by another thread. */
#include "wire_parts.h"

#include "../openssl.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

/* Of all clients, the last ticket that came: any of them may resume it. */
static SSL_SESSION *ticket;

static int keep_ticket(SSL *ssl, SSL_SESSION *session)
{
    struct wire *wire = SSL_get_app_data(ssl);
    SSL_SESSION_free(ticket);
    ticket = session;
    wire->has_ticket = true;
    return 1;
}

static SSL_CTX *make_context(void)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), sim_openssl_root());
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(ctx, keep_ticket);
    return ctx;
}

/* ---- sending ---- */

static void take_ciphertext(struct wire *wire)
{
    char bytes[16384];
    int length;
    while ((length = BIO_read(SSL_get_wbio(wire->ssl), bytes, sizeof(bytes))) > 0)
        buffer_append(&wire->outbox, slice_make(bytes, (size_t)length));
}

/* The server knows X25519 and P-256: whoever sends a key for another group is asked for a second hello. */
static void choose_offer(struct wire *wire, bool resumes, bool is_slow)
{
    static const char *const groups[] = {"X25519:P-256", "X25519:P-256", "P-256", "P-521:X25519"};
    static const char *const suites[] = {
        "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256",
        "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256"};
    struct sim_chance *chance = &wire->chance;
    SSL_set1_groups_list(wire->ssl, groups[sim_below(chance, ARRAY_LENGTH(groups))]);
    if (!resumes) /* or its own cipher might not be among them */
        SSL_set_ciphersuites(wire->ssl, suites[sim_below(chance, ARRAY_LENGTH(suites))]);
    SSL_set_max_proto_version(wire->ssl, sim_one_in(chance, 5) ? TLS1_2_VERSION : TLS1_3_VERSION);
    if (is_slow)
        SSL_set1_sigalgs_list(wire->ssl, "RSA-PSS+SHA256:RSA+SHA256");
    if (!sim_one_in(chance, 4))
        SSL_set_tlsext_host_name(wire->ssl, SIM_OPENSSL_NAME);
}

static void shake_hands(struct wire *wire);

void wire_layer_begin(struct wire *wire, unsigned protocol, bool resumes, bool is_slow)
{
    static SSL_CTX *ctx;
    const char *alpn = protocol & VEIL_H2 ? "\2h2" : "\10http/1.1";
    if (ctx == NULL)
        ctx = make_context();
    wire->ssl = SSL_new(ctx);
    SSL_set_bio(wire->ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_connect_state(wire->ssl);
    SSL_set_app_data(wire->ssl, wire);
    SSL_set_alpn_protos(wire->ssl, (const unsigned char *)alpn, (unsigned)strlen(alpn));
    /* For a slow signature OpenSSL would offer a session of TLS 1.2 without its cipher. */
    bool has_session = resumes && ticket && !is_slow;
    choose_offer(wire, has_session, is_slow);
    if (has_session)
        SSL_set_session(wire->ssl, ticket);
    shake_hands(wire);
}

void wire_layer_end(struct wire *wire)
{
    SSL_set_shutdown(wire->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(wire->ssl);
    wire->ssl = NULL;
}

void wire_layer_seal(struct wire *wire, struct slice content)
{
    size_t length;
    ERR_clear_error();
    if (SSL_write_ex(wire->ssl, content.data, content.length, &length) != 1)
        wire_broken(wire, "nothing can be sent");
    take_ciphertext(wire);
}

/* TLS 1.2 has no such message. */
void wire_layer_change_key(struct wire *wire, bool asks)
{
    if (SSL_version(wire->ssl) == TLS1_3_VERSION)
        SSL_key_update(wire->ssl, asks ? SSL_KEY_UPDATE_REQUESTED : SSL_KEY_UPDATE_NOT_REQUESTED);
}

void wire_layer_close(struct wire *wire)
{
    SSL_shutdown(wire->ssl);
    take_ciphertext(wire);
}

/* ---- receiving ---- */

static void take_failure(struct wire *wire)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    wire_broken(wire, reason ? reason : "TLS failed for no reason");
    ERR_clear_error();
}

static void trace_handshake(const struct wire *wire)
{
    sim_trace("socket %u: %s, %s%s", sim_socket_number(wire->socket), SSL_get_version(wire->ssl),
              SSL_get_cipher(wire->ssl), SSL_session_reused(wire->ssl) ? ", resumed" : "");
}

static void shake_hands(struct wire *wire)
{
    ERR_clear_error();
    int result = SSL_do_handshake(wire->ssl);
    int error = SSL_get_error(wire->ssl, result);
    take_ciphertext(wire);
    if (result == 1) {
        trace_handshake(wire);
        wire_opened(wire);
    } else if (error != SSL_ERROR_WANT_READ) {
        take_failure(wire);
    }
}

static void read_content(struct wire *wire)
{
    char room[16384];
    size_t length;
    int result;
    ERR_clear_error();
    while ((result = SSL_read_ex(wire->ssl, room, sizeof(room), &length)) == 1)
        buffer_append(&wire->plain, slice_make(room, length));
    int error = SSL_get_error(wire->ssl, result);
    take_ciphertext(wire); /* a KeyUpdate is answered */
    if (error == SSL_ERROR_ZERO_RETURN)
        wire->state = WIRE_CLOSED;
    else if (error != SSL_ERROR_WANT_READ)
        take_failure(wire);
}

/* That each byte follows from the seed shows in the trace. */
static void trace_bytes(const struct wire *wire, struct slice bytes)
{
    uint32_t sum = 2166136261u;
    for (size_t i = 0; i < bytes.length; i++)
        sum = (sum ^ (unsigned char)bytes.data[i]) * 16777619u;
    sim_trace("socket %u: %zu bytes of TLS, %08x", sim_socket_number(wire->socket), bytes.length, sum);
}

void wire_layer_take(struct wire *wire, struct slice bytes)
{
    trace_bytes(wire, bytes);
    if (wire->state == WIRE_BROKEN)
        return;
    if (wire->state == WIRE_CLOSED) {
        blame(&wire->verdict, "%zu bytes behind close_notify", bytes.length);
        return;
    }
    BIO_write(SSL_get_rbio(wire->ssl), bytes.data, (int)bytes.length);
    if (wire->state == WIRE_GREETING)
        shake_hands(wire);
    if (wire->state == WIRE_OPEN)
        read_content(wire);
    if (wire->state == WIRE_CLOSED && BIO_pending(SSL_get_rbio(wire->ssl)) > 0)
        blame(&wire->verdict, "bytes behind close_notify");
}
