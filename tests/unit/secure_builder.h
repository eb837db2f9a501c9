/* A server with TLS in the test's process, on any backend, and clients of OpenSSL's. */
#ifndef TESTS_UNIT_SECURE_BUILDER_H
#define TESTS_UNIT_SECURE_BUILDER_H

#include "tests/unit/server_builder.h"
#include "tests/unit/tls/duo.h"

#include "front/tls_transport.h"

#define BIG_BYTES ((size_t)8 << 20)

struct secure_world {
    struct world world;
    struct tls_names names;
    struct tls_listener listener;
    SSL_CTX *client_ctx;
};

struct secure_client {
    struct client plain; /* its socket, and the plaintext that was received */
    SSL *ssl;
    bool is_open;    /* the handshake is done */
    bool said_close; /* close_notify came */
    bool failed;
    int alert;
};

static inline void secure_begin(struct secure_world *secure, enum loop_backend backend,
                                const struct tls_pair_files *pair)
{
    struct world *world = &secure->world;
    world_init(world);
    world->backend = backend;
    world_add_file(world, "small", 10);
    world_add_file(world, "big", BIG_BYTES);
    const struct tls_settings settings = {.pairs = pair, .pair_count = 1, .protocols = TLS_PROTOCOL_HTTP1};
    struct tls_context *context = duo_context(&settings);
    tls_names_init(&secure->names);
    tls_names_set_default(&secure->names, context);
    tls_context_unref(context);
    secure->listener = (struct tls_listener){.names = &secure->names, .limits = TLS_LIMITS_DEFAULT};
    world->tls = &secure->listener;
    secure->client_ctx = SSL_CTX_new(TLS_client_method());
    X509_STORE_add_cert(SSL_CTX_get_cert_store(secure->client_ctx), pki.root.certificate);
    SSL_CTX_set_verify(secure->client_ctx, SSL_VERIFY_PEER, NULL);
}

static inline void secure_end(struct secure_world *secure)
{
    world_finish(&secure->world);
    tls_names_finish(&secure->names);
    SSL_CTX_free(secure->client_ctx);
}

static inline void secure_note_alert(const SSL *ssl, int where, int value)
{
    struct secure_client *client = SSL_get_app_data(ssl);
    if ((where & SSL_CB_READ_ALERT) == SSL_CB_READ_ALERT)
        client->alert = value & 0xff;
}

static inline void secure_connect(struct secure_client *client, struct secure_world *secure,
                                  int receive_bytes)
{
    *client = (struct secure_client){.alert = TLS_ALERT_NONE};
    client_connect(&client->plain, &secure->world, receive_bytes);
    client->ssl = SSL_new(secure->client_ctx);
    SSL_set_app_data(client->ssl, client);
    SSL_set_info_callback(client->ssl, secure_note_alert);
    SSL_set_tlsext_host_name(client->ssl, PKI_NAME);
    SSL_set_fd(client->ssl, client->plain.fd);
    SSL_set_connect_state(client->ssl);
}

static inline void secure_close(struct secure_client *client)
{
    SSL_free(client->ssl);
    client_close(&client->plain);
}

/* Takes what is there, and shakes hands if that is not done yet. */
static inline void secure_take(struct secure_client *client)
{
    char bytes[16384];
    size_t length;
    ERR_clear_error();
    int result = client->is_open ? 1 : SSL_do_handshake(client->ssl);
    client->is_open |= result == 1;
    while (result == 1 && (result = SSL_read_ex(client->ssl, bytes, sizeof(bytes), &length)) == 1)
        buffer_append(&client->plain.received, slice_make(bytes, length));
    int error = SSL_get_error(client->ssl, result);
    client->said_close |= error == SSL_ERROR_ZERO_RETURN;
    client->failed |= error == SSL_ERROR_SSL || error == SSL_ERROR_SYSCALL;
}

static inline bool secure_is_over(const struct secure_client *client)
{
    return client->said_close || client->failed;
}

static inline bool secure_has_shaken_hands(void *context)
{
    struct secure_client *client = context;
    secure_take(client);
    return client->is_open || secure_is_over(client);
}

static inline bool secure_has_pattern(void *context)
{
    struct secure_client *client = context;
    secure_take(client);
    return client_count(&client->plain, client->plain.pattern) >= client->plain.wanted ||
           secure_is_over(client);
}

static inline bool secure_has_bytes(void *context)
{
    struct secure_client *client = context;
    secure_take(client);
    return client->plain.received.length >= client->plain.wanted || secure_is_over(client);
}

static inline bool secure_has_ended(void *context)
{
    struct secure_client *client = context;
    secure_take(client);
    return secure_is_over(client);
}

static inline void secure_open(struct secure_client *client, struct secure_world *secure, int receive_bytes)
{
    secure_connect(client, secure, receive_bytes);
    world_expect(&secure->world, secure_has_shaken_hands, client);
    assert_true(client->is_open);
}

static inline void secure_say(struct secure_client *client, const char *text)
{
    size_t length;
    assert_int_equal(SSL_write_ex(client->ssl, text, strlen(text), &length), 1);
}

static inline void secure_await(struct secure_client *client, const char *pattern, size_t times)
{
    client->plain.pattern = pattern;
    client->plain.wanted = times;
    world_expect(client->plain.world, secure_has_pattern, client);
    assert_true(client_count(&client->plain, pattern) >= times);
}

static inline void secure_await_end(struct secure_client *client)
{
    world_expect(client->plain.world, secure_has_ended, client);
}

#endif
