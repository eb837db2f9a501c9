/* A connection with TLS for whose pending output there is no memory: the buffer with it is the next
 * connection's, whose ciphertext must not reach this client. The linker puts the function here in the place
 * of calloc. */
#include "tests/unit/test.h"

#include "tests/unit/secure_builder.h"

#define ASK_SMALL "GET /small HTTP/1.1\r\nHost: x\r\n\r\n"

static bool lacks_memory;

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);

void *__wrap_calloc(size_t count, size_t size)
{
    return lacks_memory ? NULL : __real_calloc(count, size);
}

/* Fills the socket, so that the next send waits; returns how many bytes that took. */
static size_t fill(const struct stream *stream)
{
    static char zeros[65536];
    size_t sent = 0;
    for (ssize_t count; (count = send(stream->watch.fd, zeros, sizeof(zeros), MSG_DONTWAIT)) > 0;)
        sent += (size_t)count;
    return sent;
}

struct drain {
    const struct stream *stream;
    int fd;
    size_t received;
};

static bool was_all_sent(void *context)
{
    static char bytes[65536];
    struct drain *drain = context;
    bool was_sent = stream_unsent(drain->stream) == 0 || !stream_is_sending(drain->stream);
    for (ssize_t count; (count = recv(drain->fd, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0;)
        drain->received += (size_t)count;
    return was_sent;
}

static void output_of_others_is_not_sent(void **state)
{
    (void)state;
    for (int backend = LOOP_BACKEND_EPOLL; backend < LOOP_BACKEND_IO_URING; backend++) {
        struct secure_world secure;
        struct secure_client client, other;
        secure_begin(&secure, (enum loop_backend)backend, &pki.ecdsa_pair);
        world_start(&secure.world);
        SSL_CTX_set_max_proto_version(secure.client_ctx, TLS1_3_VERSION);
        secure_open(&client, &secure, 4096);
        world_await_state(&secure.world, CLIENT_IDLE);
        struct stream *stream = &world_connection(&secure.world)->stream;
        secure_take(&client); /* the ticket */
        size_t expected = fill(stream);
        lacks_memory = true;
        transport_shutdown(stream);
        lacks_memory = false;
        assert_int_equal(transport_error(stream), -ENOMEM);
        secure_open(&other, &secure, 0);
        secure_say(&other, ASK_SMALL);
        secure_await(&other, "HTTP/1.1 200 OK\r\n", 1);
        struct drain drain = {.stream = stream, .fd = client.plain.fd};
        world_expect(&secure.world, was_all_sent, &drain);
        (void)was_all_sent(&drain);
        assert_int_equal(drain.received, expected);
        secure_close(&other);
        secure_close(&client);
        world_await_open(&secure.world, 0);
        secure_end(&secure);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(output_of_others_is_not_sent),
    };
    return cmocka_run_group_tests(tests, duo_make_pki, duo_free_pki);
}
