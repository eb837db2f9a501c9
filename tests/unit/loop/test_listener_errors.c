/* A listener and the errors that the kernel seldom makes: of a client that is to be accepted, of the socket,
 * and of the backend after a rest. */
#include "../test.h"

#include "loop/internal.h"
#include "loop/listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <unistd.h>

#define PATIENCE_MS 10000

static int next_accept_error, watch_error; /* 0: none */
static unsigned watch_failures;            /* how often it is still to fail */

int __real_sys_accept(int listening_fd, struct address *ret_peer);
int __wrap_sys_accept(int listening_fd, struct address *ret_peer);
int __real_watch_start(struct loop *loop, struct watch *watch, enum watch_mode mode);
int __wrap_watch_start(struct loop *loop, struct watch *watch, enum watch_mode mode);

int __wrap_sys_accept(int listening_fd, struct address *ret_peer)
{
    int error = next_accept_error;
    next_accept_error = 0;
    return error < 0 ? error : __real_sys_accept(listening_fd, ret_peer);
}

int __wrap_watch_start(struct loop *loop, struct watch *watch, enum watch_mode mode)
{
    if (watch_failures == 0)
        return __real_watch_start(loop, watch, mode);
    watch_failures--;
    return watch_error;
}

struct host {
    struct listener listener;
    struct loop *loop;
    struct sockaddr_in address;
    int listening_fd;
    unsigned accepted;
};

static void on_accept(struct listener *listener, int fd, const struct address *peer)
{
    (void)peer;
    CONTAINER_OF(listener, struct host, listener)->accepted++;
    close(fd);
}

static bool on_exhausted(struct listener *listener, int error)
{
    (void)listener, (void)error;
    fail();
    return false;
}

static void on_turned_away(struct listener *listener, int fd)
{
    (void)listener, (void)fd;
    fail();
}

static const struct listener_events host_events = {
    .on_accept = on_accept,
    .on_exhausted = on_exhausted,
    .on_turned_away = on_turned_away,
};

static void host_open(struct host *host)
{
    *host = (struct host){.address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}}};
    socklen_t length = sizeof(host->address);
    assert_int_equal(loop_create(&(struct loop_options){0}, &host->loop), 0);
    host->listening_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_int_equal(bind(host->listening_fd, (struct sockaddr *)&host->address, length), 0);
    assert_int_equal(listen(host->listening_fd, 10), 0);
    getsockname(host->listening_fd, (struct sockaddr *)&host->address, &length);
    assert_int_equal(listener_start(&host->listener, host->loop, host->listening_fd, &host_events), 0);
}

static void host_close(struct host *host)
{
    listener_stop(&host->listener);
    loop_destroy(host->loop);
    close(host->listening_fd);
}

static int host_call(struct host *host)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&host->address, sizeof(host->address)), 0);
    return fd;
}

/* A client that was there, and is no more, holds nobody up. */
static void an_error_of_one_client_is_passed_over(void **state)
{
    (void)state;
    static const int errors[] = {
        ECONNABORTED, ECONNRESET,  EHOSTDOWN,  EHOSTUNREACH, ENETDOWN, ENETUNREACH,
        ENONET,       ENOPROTOOPT, EOPNOTSUPP, EPERM,        EPROTO,   ETIMEDOUT,
    };
    TABLE_ROWS(i, errors, strerror(errors[i])) {
        struct host host;
        host_open(&host);
        int client = host_call(&host);
        next_accept_error = -errors[i];
        assert_int_equal(loop_run_once(host.loop, PATIENCE_MS), 0);
        assert_int_equal(next_accept_error, 0);
        assert_int_equal(host.accepted, 1); /* in the same turn */
        assert_false(timer_is_armed(&host.listener.pause));
        close(client);
        host_close(&host);
    }
}

/* Though the backend has no memory for it at first. */
static void a_rest_ends_when_the_socket_can_be_watched(void **state)
{
    (void)state;
    enum { FAILURES = 2 };
    struct host host;
    host_open(&host);
    int client = host_call(&host);
    next_accept_error = -EINVAL;
    assert_int_equal(loop_run_once(host.loop, PATIENCE_MS), 0);
    assert_int_equal(host.accepted, 0);
    assert_true(timer_is_armed(&host.listener.pause));
    uint64_t began_ms = loop_now_ms(host.loop);
    watch_error = -ENOMEM;
    watch_failures = FAILURES;
    while (host.accepted == 0 && loop_now_ms(host.loop) < began_ms + PATIENCE_MS)
        assert_int_equal(loop_run_once(host.loop, LISTENER_PAUSE_MS), 0);
    assert_int_equal(host.accepted, 1);
    assert_int_equal(watch_failures, 0);
    assert_true(loop_now_ms(host.loop) - began_ms >= (FAILURES + 1) * LISTENER_PAUSE_MS);
    close(client);
    host_close(&host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_error_of_one_client_is_passed_over),
        cmocka_unit_test(a_rest_ends_when_the_socket_can_be_watched),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
