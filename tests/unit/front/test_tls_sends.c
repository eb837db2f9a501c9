/* How long the system calls are that send ciphertext: each costs a packet at least, and a short one behind
 * each long one would be wasted. And what becomes of a close_notify that the socket does not take whole. The
 * linker puts the function here in the place of sys_send. */
#include "tests/unit/test.h"

#include "tests/unit/secure_builder.h"

#include "front/h2_connection.h"
#include "sys/socket.h"

#include <errno.h>

#define PAGE_BYTES ((size_t)200 << 10)
#define CALLS_MAX  64

static size_t lengths[CALLS_MAX];
static size_t call_count;

/* The socket takes so little of the next send, nothing at the call behind it, and then all. */
#define ROOM_BYTES 4

static enum { SOCKET_IS_EMPTY, SOCKET_HAS_LITTLE_ROOM, SOCKET_IS_FULL } fill;

ssize_t __real_sys_send(int fd, const struct iovec *pieces, size_t count, bool more);
ssize_t __wrap_sys_send(int fd, const struct iovec *pieces, size_t count, bool more);

ssize_t __wrap_sys_send(int fd, const struct iovec *pieces, size_t count, bool more)
{
    size_t length = 0;
    for (size_t i = 0; i < count; i++)
        length += pieces[i].iov_len;
    assert_true(call_count < CALLS_MAX);
    lengths[call_count++] = length;
    if (fill == SOCKET_HAS_LITTLE_ROOM) {
        assert_true(pieces[0].iov_len > ROOM_BYTES);
        fill = SOCKET_IS_FULL;
        return __real_sys_send(fd, &(struct iovec){pieces[0].iov_base, ROOM_BYTES}, 1, more);
    }
    if (fill == SOCKET_IS_FULL) {
        fill = SOCKET_IS_EMPTY;
        return -EAGAIN;
    }
    ssize_t sent = __real_sys_send(fd, pieces, count, more);
    assert_int_equal(sent, length); /* the socket has room for the page, so that nothing is sent twice */
    return sent;
}

/* On a new connection the records are short, so that there is more ciphertext. */
static void all_calls_but_the_last_are_long(void **state)
{
    (void)state;
    struct secure_world secure;
    struct secure_client client;
    secure_begin(&secure, LOOP_BACKEND_EPOLL, &pki.ecdsa_pair);
    world_add_file(&secure.world, "page", PAGE_BYTES);
    world_start(&secure.world);
    secure_open(&client, &secure, 0);
    world_await_state(&secure.world, CLIENT_IDLE);
    for (size_t pages = 1; pages <= 2; pages++) {
        call_count = 0;
        secure_say(&client, "GET /page HTTP/1.1\r\nHost: x\r\n\r\n");
        client.plain.wanted = pages * PAGE_BYTES;
        world_expect(&secure.world, secure_has_bytes, &client);
        world_await_state(&secure.world, CLIENT_IDLE);
        assert_int_equal(call_count, PAGE_BYTES / TLS_OUTPUT_CONTENT_MAX + 1);
        for (size_t i = 0; i + 1 < call_count; i++)
            assert_in_range(lengths[i], TLS_OUTPUT_CONTENT_MAX, STREAM_CALL_BYTES_MAX);
    }
    secure_close(&client);
    world_await_open(&secure.world, 0);
    secure_end(&secure);
}

/* ---- the end ---- */

/* The client says that it sends no more, and the socket has hardly any room. */
static void end_with_little_room(struct secure_client *client)
{
    fill = SOCKET_HAS_LITTLE_ROOM;
    assert_int_equal(SSL_shutdown(client->ssl), 0);
    assert_int_equal(shutdown(client->plain.fd, SHUT_WR), 0);
    secure_await_end(client);
    assert_int_equal(fill, SOCKET_IS_EMPTY);
    assert_true(client->said_close);
}

static void a_close_notify_comes_whole_after_the_clients_fin(void **state)
{
    (void)state;
    struct secure_world secure;
    struct secure_client client;
    secure_begin(&secure, LOOP_BACKEND_EPOLL, &pki.ecdsa_pair);
    world_start(&secure.world);
    secure_open(&client, &secure, 0);
    world_await_state(&secure.world, CLIENT_IDLE);
    call_count = 0;
    end_with_little_room(&client);
    secure_close(&client);
    world_await_open(&secure.world, 0);
    /* Half a request is not answered. */
    secure_open(&client, &secure, 0);
    secure_say(&client, "POST /small HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nabc");
    world_await_state(&secure.world, CLIENT_BODY);
    call_count = 0;
    end_with_little_room(&client);
    assert_int_equal(client.plain.received.length, 0);
    secure_close(&client);
    world_await_open(&secure.world, 0);
    secure_end(&secure);
}

#ifdef HAVE_HTTP2

#define EMPTY_SETTINGS "\0\0\0\4\0\0\0\0\0"
#define SETTINGS_ACK   "\0\0\0\4\1\0\0\0\0"

static bool has_acknowledgement(void *context)
{
    struct secure_client *client = context;
    secure_take(client);
    const struct buffer *received = &client->plain.received;
    return secure_is_over(client) ||
           memmem(received->data, received->length, SETTINGS_ACK, sizeof(SETTINGS_ACK) - 1) != NULL;
}

static void a_close_notify_comes_whole_over_h2(void **state)
{
    (void)state;
    struct secure_world secure;
    struct secure_client client;
    secure_begin(&secure, LOOP_BACKEND_EPOLL, &pki.ecdsa_pair);
    const struct tls_settings settings = {
        .pairs = &pki.ecdsa_pair, .pair_count = 1, .protocols = TLS_PROTOCOL_H2};
    struct tls_context *context = duo_context(&settings);
    tls_names_set_default(&secure.names, context);
    tls_context_unref(context);
    assert_int_equal(SSL_CTX_set_alpn_protos(secure.client_ctx, (const uint8_t *)"\2h2", 3), 0);
    world_start(&secure.world);
    secure_open(&client, &secure, 0);
    size_t length;
    call_count = 0;
    const struct slice beginning = SLICE(H2_PREFACE EMPTY_SETTINGS);
    assert_int_equal(SSL_write_ex(client.ssl, beginning.data, beginning.length, &length), 1);
    world_expect(&secure.world, has_acknowledgement, &client);
    end_with_little_room(&client);
    secure_close(&client);
    world_await_open(&secure.world, 0);
    secure_end(&secure);
}

#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_calls_but_the_last_are_long),
        cmocka_unit_test(a_close_notify_comes_whole_after_the_clients_fin),
#ifdef HAVE_HTTP2
        cmocka_unit_test(a_close_notify_comes_whole_over_h2),
#endif
    };
    return cmocka_run_group_tests(tests, duo_make_pki, duo_free_pki);
}
