/* How long the system calls are that send ciphertext: each costs a packet at least, and a short one behind
 * each long one would be wasted. The linker puts the function here in the place of sys_send. */
#include "tests/unit/test.h"

#include "tests/unit/secure_builder.h"

#include "sys/socket.h"

#define PAGE_BYTES ((size_t)200 << 10)
#define CALLS_MAX  64

static size_t lengths[CALLS_MAX];
static size_t call_count;

ssize_t __real_sys_send(int fd, const struct iovec *pieces, size_t count, bool more);
ssize_t __wrap_sys_send(int fd, const struct iovec *pieces, size_t count, bool more);

ssize_t __wrap_sys_send(int fd, const struct iovec *pieces, size_t count, bool more)
{
    size_t length = 0;
    for (size_t i = 0; i < count; i++)
        length += pieces[i].iov_len;
    assert_true(call_count < CALLS_MAX);
    lengths[call_count++] = length;
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_calls_but_the_last_are_long),
    };
    return cmocka_run_group_tests(tests, duo_make_pki, duo_free_pki);
}
