/* Connections with TLS, by a client of OpenSSL's, on every backend. */
#include "tests/unit/test.h"

#include "tests/unit/secure_builder.h"
#include "tests/unit/tls/raw_records.h"

static bool has_big_file(const struct secure_client *client, size_t at)
{
    const char *content = client->plain.received.data + at;
    for (size_t i = 0; i < BIG_BYTES; i++) {
        if (content[i] != world_byte_at(i))
            return false;
    }
    return true;
}

/* ---- */

#define ASK_SMALL "GET /small HTTP/1.1\r\nHost: x\r\n\r\n"
#define ASK_BIG   "GET /big HTTP/1.1\r\nHost: x\r\n\r\n"

/* More may come behind it. */
static void await_big(struct secure_client *client)
{
    secure_await(client, "\r\n\r\n", 1);
    const char *head_end = memmem(client->plain.received.data, client->plain.received.length, "\r\n\r\n", 4);
    size_t begin = (size_t)(head_end + 4 - client->plain.received.data);
    client->plain.wanted = begin + BIG_BYTES;
    world_expect(client->plain.world, secure_has_bytes, client);
    assert_true(client->plain.received.length >= client->plain.wanted);
    assert_true(has_big_file(client, begin));
}

static void serves_files(enum loop_backend backend, int version)
{
    struct secure_world secure;
    struct secure_client client;
    secure_begin(&secure, backend, &pki.ecdsa_pair);
    world_start(&secure.world);
    SSL_CTX_set_max_proto_version(secure.client_ctx, version);
    secure_open(&client, &secure, 0);
    assert_int_equal(SSL_version(client.ssl), version);
    world_await_state(&secure.world, CLIENT_IDLE);
    secure_say(&client, ASK_SMALL);
    secure_await(&client, "HTTP/1.1 200 OK\r\n", 1);
    secure_say(&client, ASK_SMALL ASK_SMALL ASK_SMALL);
    secure_await(&client, "HTTP/1.1 200 OK\r\n", 4);
    buffer_clear(&client.plain.received);
    secure_say(&client, ASK_BIG);
    await_big(&client);
    world_await_state(&secure.world, CLIENT_IDLE);
    assert_int_equal(secure.world.counters.tls_handshakes, 1);
    secure_close(&client);
    world_await_open(&secure.world, 0);
    secure_end(&secure);
}

static void files_come_whole(void **state)
{
    (void)state;
    for (int backend = LOOP_BACKEND_EPOLL; backend < LOOP_BACKEND_COUNT; backend++) {
        serves_files((enum loop_backend)backend, TLS1_3_VERSION);
        serves_files((enum loop_backend)backend, TLS1_2_VERSION);
    }
}

/* A connection whose turn was up is in the same state, but has nothing that the socket did not take. */
static bool waits_for_the_socket(void *context)
{
    struct world *world = context;
    struct connection *connection = world_connection(world);
    return connection && connection->client.state == CLIENT_SEND &&
           transport_is_sending(&connection->stream) && world->server->front.tls->held_count == 1;
}

/* With buffers so small each send has to wait. */
static void a_slow_client_gets_all(void **state)
{
    (void)state;
    for (int backend = LOOP_BACKEND_EPOLL; backend < LOOP_BACKEND_COUNT; backend++) {
        struct secure_world secure;
        struct secure_client client;
        secure_begin(&secure, (enum loop_backend)backend, &pki.ecdsa_pair);
        world_start(&secure.world);
        secure_open(&client, &secure, 4096);
        secure_say(&client, ASK_BIG);
        world_expect(&secure.world, waits_for_the_socket, &secure.world);
        struct stream *stream = &world_connection(&secure.world)->stream;
        assert_in_range(transport_unsent(stream), 1, BIG_BYTES);
        await_big(&client);
        world_await_state(&secure.world, CLIENT_IDLE);
        assert_false(transport_is_sending(stream));
        assert_int_equal(secure.world.server->front.tls->held_count, 0);
        secure_close(&client);
        secure_end(&secure);
    }
}

/* A KeyUpdate is answered behind what is being sent, and what follows can be read with the new keys. */
static void keys_change_while_a_response_is_sent(void **state)
{
    (void)state;
    for (int backend = LOOP_BACKEND_EPOLL; backend < LOOP_BACKEND_COUNT; backend++) {
        struct secure_world secure;
        struct secure_client client;
        secure_begin(&secure, (enum loop_backend)backend, &pki.ecdsa_pair);
        world_start(&secure.world);
        secure_open(&client, &secure, 4096);
        secure_say(&client, "POST /big HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n");
        world_await_state(&secure.world, CLIENT_BODY);
        assert_int_equal(SSL_key_update(client.ssl, SSL_KEY_UPDATE_REQUESTED), 1);
        assert_int_equal(SSL_do_handshake(client.ssl), 1);
        char content[100000];
        size_t length;
        memset(content, 'a', sizeof(content));
        assert_int_equal(SSL_write_ex(client.ssl, content, sizeof(content), &length), 1);
        secure_await(&client, "HTTP/1.1 405 ", 1);
        secure_say(&client, ASK_BIG);
        world_await_state(&secure.world, CLIENT_SEND);
        assert_int_equal(SSL_key_update(client.ssl, SSL_KEY_UPDATE_REQUESTED), 1);
        assert_int_equal(SSL_do_handshake(client.ssl), 1);
        secure_say(&client, ASK_SMALL);
        secure_await(&client, "HTTP/1.1 200 OK\r\n", 2);
        secure_close(&client);
        secure_end(&secure);
    }
}

/* ---- messages in two records ---- */

static void note_secret(const SSL *ssl, const char *line)
{
    raw_note_secret(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)), line);
}

static void send_record(struct secure_client *client, struct raw_writer *writer, uint8_t type,
                        struct slice bytes)
{
    uint8_t record[RAW_RECORD_MAX];
    size_t length = raw_write(writer, type, bytes, record);
    client_send(&client->plain, slice_make((const char *)record, length));
}

static void open_raw(struct secure_client *client, struct secure_world *secure, struct raw_writer *writer)
{
    SSL_CTX_set_ciphersuites(secure->client_ctx, RAW_SUITE);
    SSL_CTX_set_app_data(secure->client_ctx, writer);
    SSL_CTX_set_keylog_callback(secure->client_ctx, note_secret);
    secure_open(client, secure, 4096);
}

static bool is_blocked(void *context)
{
    struct secure_client *client = context;
    secure_take(client);
    struct connection *connection = world_connection(client->plain.world);
    return connection == NULL || tls_transport_of(&connection->stream)->is_blocked;
}

/* The beginning of a KeyUpdate that asks for one, while a response is sent by an owner that reads meanwhile,
 * as that of HTTP/2 does. */
static void begin_update(struct secure_client *client, struct raw_writer *writer)
{
    struct world *world = client->plain.world;
    send_record(client, writer, RAW_TYPE_CONTENT, SLICE(ASK_BIG));
    world_await_state(world, CLIENT_SEND);
    struct stream *stream = &world_connection(world)->stream;
    transport_read_resume(stream);
    send_record(client, writer, RAW_TYPE_HANDSHAKE, SLICE("\x18\0\0\1"));
    world_expect(world, is_blocked, client);
    assert_non_null(world_connection(world));
    assert_true(transport_is_sending(stream));
    assert_true(transport_unsent(stream) > 0);
}

/* What the client sends behind it is not read before the owner wants it. */
static void a_message_may_come_in_two_records(void **state)
{
    (void)state;
    for (int backend = LOOP_BACKEND_EPOLL; backend < LOOP_BACKEND_COUNT; backend++) {
        struct secure_world secure;
        struct secure_client client;
        struct raw_writer writer;
        secure_begin(&secure, (enum loop_backend)backend, &pki.ecdsa_pair);
        world_start(&secure.world);
        open_raw(&client, &secure, &writer);
        begin_update(&client, &writer);
        transport_read_pause(&world_connection(&secure.world)->stream);
        send_record(&client, &writer, RAW_TYPE_HANDSHAKE, SLICE("\1"));
        raw_change_key(&writer);
        send_record(&client, &writer, RAW_TYPE_CONTENT, SLICE(ASK_SMALL));
        await_big(&client);
        secure_await(&client, "HTTP/1.1 200 OK\r\n", 2);
        assert_false(client.failed);
        secure_close(&client);
        world_await_open(&secure.world, 0);
        secure_end(&secure);
    }
}

static void the_rest_of_a_message_may_not_come(void **state)
{
    (void)state;
    for (int backend = LOOP_BACKEND_EPOLL; backend < LOOP_BACKEND_COUNT; backend++) {
        struct secure_world secure;
        struct secure_client client;
        struct raw_writer writer;
        secure_begin(&secure, (enum loop_backend)backend, &pki.ecdsa_pair);
        secure.world.settings->timeouts.write_ms = 300;
        world_start(&secure.world);
        open_raw(&client, &secure, &writer);
        begin_update(&client, &writer);
        shutdown(client.plain.fd, SHUT_WR);
        secure_await_end(&client);
        world_await_open(&secure.world, 0);
        assert_int_equal(secure.world.counters.timeouts, 0);
        secure_close(&client);
        open_raw(&client, &secure, &writer);
        begin_update(&client, &writer);
        secure_await_end(&client);
        world_await_open(&secure.world, 0);
        assert_int_equal(secure.world.counters.timeouts, 1);
        secure_close(&client);
        secure_end(&secure);
    }
}

static void the_end_is_told(void **state)
{
    (void)state;
    for (int backend = LOOP_BACKEND_EPOLL; backend < LOOP_BACKEND_COUNT; backend++) {
        struct secure_world secure;
        struct secure_client client;
        secure_begin(&secure, (enum loop_backend)backend, &pki.ecdsa_pair);
        world_start(&secure.world);
        secure_open(&client, &secure, 0);
        secure_say(&client, "GET /small HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        secure_await_end(&client);
        assert_true(client.said_close);
        assert_int_equal(client_count(&client.plain, "HTTP/1.1 200 OK\r\n"), 1);
        secure_close(&client);
        /* One that has asked for more gets the end behind the refusal, and is listened to until it ends. */
        secure_open(&client, &secure, 0);
        secure_say(&client, "nonsense\r\n\r\n" ASK_SMALL);
        secure_await_end(&client);
        assert_true(client.said_close);
        assert_int_equal(client_count(&client.plain, "HTTP/1.1 400 "), 1);
        world_await_state(&secure.world, CLIENT_LINGER);
        secure_close(&client);
        world_await_open(&secure.world, 0);
        secure_end(&secure);
    }
}

/* What a FIN without close_notify has cut off is no request. */
static void a_cut_request_is_not_answered(void **state)
{
    (void)state;
    struct secure_world secure;
    struct secure_client client;
    secure_begin(&secure, LOOP_BACKEND_AUTO, &pki.ecdsa_pair);
    world_start(&secure.world);
    secure_open(&client, &secure, 0);
    secure_say(&client, "POST /small HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nabc");
    world_await_state(&secure.world, CLIENT_BODY);
    shutdown(client.plain.fd, SHUT_WR);
    secure_await_end(&client);
    assert_int_equal(client.plain.received.length, 0);
    world_await_open(&secure.world, 0);
    secure_close(&client);
    /* What was whole before is answered, as long as the client takes it. */
    secure_open(&client, &secure, 0);
    secure_say(&client, ASK_SMALL);
    shutdown(client.plain.fd, SHUT_WR);
    secure_await(&client, "HTTP/1.1 200 OK\r\n", 1);
    secure_await_end(&client);
    secure_close(&client);
    secure_end(&secure);
}

static void plain_http_is_told(void **state)
{
    (void)state;
    struct secure_world secure;
    struct client client;
    secure_begin(&secure, LOOP_BACKEND_AUTO, &pki.ecdsa_pair);
    world_start(&secure.world);
    client_connect(&client, &secure.world, 0);
    client_say(&client, ASK_SMALL);
    client_await(&client, "HTTP/1.1 400 Bad Request\r\n", 1);
    client_await(&client, "https://\n", 1);
    client_await_end(&client);
    client_close(&client);
    client_connect(&client, &secure.world, 0);
    client_say(&client, "\1\2\3 nonsense");
    client_await_end(&client);
    client_close(&client);
    world_await_open(&secure.world, 0);
    assert_int_equal(secure.world.counters.tls_failures, 2);
    assert_int_equal(secure.world.counters.tls_handshakes, 0);
    secure_end(&secure);
}

static void a_refused_client_gets_the_alert(void **state)
{
    (void)state;
    struct secure_world secure;
    struct secure_client client;
    secure_begin(&secure, LOOP_BACKEND_AUTO, &pki.ecdsa_pair);
    tls_names_set_default(&secure.names, NULL);
    world_start(&secure.world);
    secure_connect(&client, &secure, 0);
    secure_await_end(&client);
    assert_int_equal(client.alert, TLS_ALERT_UNRECOGNIZED_NAME);
    secure_close(&client);
    world_await_open(&secure.world, 0);
    secure_end(&secure);
}

static void a_handshake_has_its_time(void **state)
{
    (void)state;
    for (int drips = 0; drips < 2; drips++) {
        struct secure_world secure;
        struct client client;
        secure_begin(&secure, LOOP_BACKEND_AUTO, &pki.ecdsa_pair);
        secure.world.settings->timeouts.handshake_ms = 300;
        world_start(&secure.world);
        client_connect(&client, &secure.world, 0);
        /* The beginning of a ClientHello of 512 bytes. */
        client_send(&client, SLICE("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"));
        world_await_state(&secure.world, CLIENT_HANDSHAKE);
        for (int i = 0; drips && i < 5; i++) {
            client_offer(&client, SLICE("a"));
            world_run_for(&secure.world, 80);
        }
        client_await_end(&client);
        assert_int_equal(secure.world.counters.timeouts, 1);
        client_close(&client);
        secure_end(&secure);
    }
}

/* Signatures of long keys are another thread's work; the client may leave while it is at it. */
static void slow_signatures_leave_the_loop(void **state)
{
    (void)state;
    for (int backend = LOOP_BACKEND_EPOLL; backend < LOOP_BACKEND_COUNT; backend++) {
        struct secure_world secure;
        struct secure_client client;
        struct plug plug;
        secure_begin(&secure, (enum loop_backend)backend, &pki.slow_pair);
        world_start(&secure.world);
        secure_open(&client, &secure, 0);
        secure_say(&client, ASK_SMALL);
        secure_await(&client, "HTTP/1.1 200 OK\r\n", 1);
        secure_close(&client);
        world_await_open(&secure.world, 0);

        plug_put(&plug, &secure.world);
        secure_connect(&client, &secure, 0);
        secure_take(&client);
        world_await_state(&secure.world, CLIENT_HANDSHAKE);
        world_run_for(&secure.world, 20);
        assert_false(client.is_open);
        client_abort(&client.plain);
        SSL_free(client.ssl);
        world_await_open(&secure.world, 0);
        plug_pull(&plug, &secure.world);
        secure_end(&secure);
    }
}

#define CROWD 60

/* Full handshakes of many that come at once are spread over the turns, and all come to their end. */
static void a_crowd_takes_turns(void **state)
{
    (void)state;
    struct secure_world secure;
    struct secure_client clients[CROWD];
    secure_begin(&secure, LOOP_BACKEND_AUTO, &pki.ecdsa_pair);
    world_start(&secure.world);
    for (size_t i = 0; i < CROWD; i++) {
        secure_connect(&clients[i], &secure, 0);
        secure_take(&clients[i]);
    }
    for (size_t i = 0; i < CROWD; i++)
        world_expect(&secure.world, secure_has_shaken_hands, &clients[i]);
    for (size_t i = 0; i < CROWD; i++) {
        secure_say(&clients[i], ASK_SMALL);
        secure_await(&clients[i], "HTTP/1.1 200 OK\r\n", 1);
    }
    assert_int_equal(secure.world.counters.tls_handshakes, CROWD);
    for (size_t i = 0; i < CROWD; i++)
        secure_close(&clients[i]);
    world_await_open(&secure.world, 0);
    secure_end(&secure);
}

static unsigned looks;

static void count_look(void *state)
{
    (void)state;
    looks++;
}

/* Whether files have changed is looked at once for all records that were received together. */
static void records_that_come_together_cost_one_look(void **state)
{
    (void)state;
    struct secure_world secure;
    struct secure_client client;
    secure_begin(&secure, LOOP_BACKEND_EPOLL, &pki.ecdsa_pair);
    world_start(&secure.world);
    struct handler *handler = &secure.world.server->service.handlers[ROUTE_FILES];
    struct handler_type files = *handler->type;
    files.see_changes = count_look;
    handler->type = &files;
    secure_open(&client, &secure, 0);
    world_await_state(&secure.world, CLIENT_IDLE);
    looks = 0;
    secure_say(&client, "GET /small HTTP/1.1\r\n");
    secure_say(&client, "Host: x\r\n");
    secure_say(&client, "\r\n");
    secure_await(&client, "HTTP/1.1 200 OK\r\n", 1);
    assert_int_equal(looks, 1);
    secure_close(&client);
    world_await_open(&secure.world, 0);
    secure_end(&secure);
}

static void a_drain_is_polite(void **state)
{
    (void)state;
    struct secure_world secure;
    struct secure_client idle, busy;
    secure_begin(&secure, LOOP_BACKEND_AUTO, &pki.ecdsa_pair);
    world_start(&secure.world);
    secure_open(&idle, &secure, 0);
    secure_open(&busy, &secure, 4096);
    secure_say(&busy, ASK_BIG);
    secure_await(&busy, "HTTP/1.1 200 OK\r\n", 1);
    server_drain(secure.world.server);
    secure_say(&idle, ASK_SMALL);
    secure_await(&idle, "\r\nConnection: close\r\n", 1);
    await_big(&busy);
    secure_await_end(&idle);
    secure_await_end(&busy);
    assert_true(idle.said_close && busy.said_close);
    secure_close(&idle);
    secure_close(&busy);
    secure_end(&secure);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_come_whole),
        cmocka_unit_test(a_slow_client_gets_all),
        cmocka_unit_test(keys_change_while_a_response_is_sent),
        cmocka_unit_test(a_message_may_come_in_two_records),
        cmocka_unit_test(the_rest_of_a_message_may_not_come),
        cmocka_unit_test(the_end_is_told),
        cmocka_unit_test(a_cut_request_is_not_answered),
        cmocka_unit_test(plain_http_is_told),
        cmocka_unit_test(a_refused_client_gets_the_alert),
        cmocka_unit_test(a_handshake_has_its_time),
        cmocka_unit_test(slow_signatures_leave_the_loop),
        cmocka_unit_test(a_crowd_takes_turns),
        cmocka_unit_test(records_that_come_together_cost_one_look),
        cmocka_unit_test(a_drain_is_polite),
    };
    return cmocka_run_group_tests(tests, duo_make_pki, duo_free_pki);
}
