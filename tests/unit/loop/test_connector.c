/* Connecting: at once, later, refused, too late, given up; on each backend. */
#include "chosen_backend.h"

#include "loop/connector.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define LATE_MS 20000

/* A listening socket whose queue holds few connections; whoever comes after them waits for an accept. */
struct port {
    int fd;
    struct address address;
};

static void port_open(struct port *port, int backlog)
{
    *port = (struct port){.address = {.v4 = {.sin_family = AF_INET}, .length = sizeof(struct sockaddr_in)}};
    port->address.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    port->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(port->fd, &port->address.any, port->address.length), 0);
    assert_int_equal(listen(port->fd, backlog), 0);
    getsockname(port->fd, &port->address.any, &port->address.length);
}

/* Takes the one place in the queue of a port that was opened with a backlog of 0: later SYNs are dropped, and
 * sent again after one and after three seconds. */
static int port_fill(const struct port *port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, &port->address.any, port->address.length), 0);
    return fd;
}

struct caller {
    struct connector connector;
    struct timer patience;
    struct loop *loop;
    int fd;
    int error;
    unsigned calls;
};

static void on_connected(struct connector *connector, int fd)
{
    struct caller *caller = CONTAINER_OF(connector, struct caller, connector);
    caller->fd = fd;
    caller->calls++;
    loop_stop(caller->loop);
}

static void on_failed(struct connector *connector, int error)
{
    struct caller *caller = CONTAINER_OF(connector, struct caller, connector);
    caller->error = error;
    caller->calls++;
    loop_stop(caller->loop);
}

static const struct connector_events caller_events = {.on_connected = on_connected, .on_failed = on_failed};

static void on_patience(struct timer *timer)
{
    loop_stop(CONTAINER_OF(timer, struct caller, patience)->loop);
}

static void caller_init(struct caller *caller)
{
    *caller = (struct caller){.fd = -1};
    assert_int_equal(loop_create(&(struct loop_options){.backend = chosen_backend()}, &caller->loop), 0);
    timer_init(&caller->patience, on_patience);
    connector_init(&caller->connector, caller->loop, &caller_events);
}

static void caller_run(struct caller *caller, uint64_t most_ms)
{
    wheel_arm(loop_wheel(caller->loop), &caller->patience, most_ms);
    assert_int_equal(loop_run(caller->loop), 0);
    timer_disarm(&caller->patience);
}

static void caller_finish(struct caller *caller)
{
    if (caller->fd >= 0)
        close(caller->fd);
    loop_destroy(caller->loop);
}

/* The answer may be there at once or later: either way it is a connection that carries bytes. */
static void connects_over_tcp(void **state)
{
    (void)state;
    struct port port;
    struct caller caller;
    port_open(&port, 8);
    caller_init(&caller);
    int fd = connector_start(&caller.connector, &port.address, LATE_MS);
    if (fd == -EINPROGRESS) {
        caller_run(&caller, LATE_MS);
        assert_int_equal(caller.calls, 1);
        fd = caller.fd;
    }
    caller.fd = fd;
    assert_true(fd >= 0);
    int accepted = accept(port.fd, NULL, NULL);
    char byte = 0;
    assert_int_equal(write(fd, "x", 1), 1);
    assert_int_equal(read(accepted, &byte, 1), 1);
    assert_int_equal(byte, 'x');
    close(accepted);
    caller_finish(&caller);
    close(port.fd);
}

static void a_full_queue_is_waited_for(void **state)
{
    (void)state;
    struct port port;
    struct caller caller;
    port_open(&port, 0);
    int filler = port_fill(&port);
    caller_init(&caller);
    assert_int_equal(connector_start(&caller.connector, &port.address, LATE_MS), -EINPROGRESS);
    caller_run(&caller, 20);
    assert_int_equal(caller.calls, 0);
    int accepted = accept(port.fd, NULL, NULL);
    caller_run(&caller, LATE_MS);
    assert_int_equal(caller.calls, 1);
    assert_int_equal(caller.error, 0);
    assert_true(caller.fd >= 0);
    close(accepted);
    close(filler);
    caller_finish(&caller);
    close(port.fd);
}

static void takes_no_longer_than_it_may(void **state)
{
    (void)state;
    struct port port;
    struct caller caller;
    port_open(&port, 0);
    int filler = port_fill(&port);
    caller_init(&caller);
    assert_int_equal(connector_start(&caller.connector, &port.address, 30), -EINPROGRESS);
    caller_run(&caller, LATE_MS);
    assert_int_equal(caller.calls, 1);
    assert_int_equal(caller.error, -ETIMEDOUT);
    assert_int_equal(connector_start(&caller.connector, &port.address, LATE_MS), -EINPROGRESS); /* again */
    connector_cancel(&caller.connector);
    connector_cancel(&caller.connector); /* changes nothing */
    caller_run(&caller, 30);
    assert_int_equal(caller.calls, 1);
    close(filler);
    caller_finish(&caller);
    close(port.fd);
}

static void says_that_nobody_listens(void **state)
{
    (void)state;
    struct port port;
    struct caller caller;
    port_open(&port, 1);
    close(port.fd);
    caller_init(&caller);
    int fd = connector_start(&caller.connector, &port.address, LATE_MS);
    if (fd == -EINPROGRESS) {
        caller_run(&caller, LATE_MS);
        fd = caller.error;
    }
    assert_int_equal(fd, -ECONNREFUSED);
    caller_finish(&caller);
}

static void connects_to_unix_sockets(void **state)
{
    (void)state;
    struct caller caller;
    char folder[] = "/tmp/vif-connector-XXXXXX";
    assert_non_null(mkdtemp(folder));
    struct address address = {.unix_path = {.sun_family = AF_UNIX}, .length = sizeof(struct sockaddr_un)};
    snprintf(address.unix_path.sun_path, sizeof(address.unix_path.sun_path), "%s/socket", folder);
    caller_init(&caller);
    assert_int_equal(connector_start(&caller.connector, &address, LATE_MS), -ENOENT);
    int listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listening, &address.any, address.length), 0);
    assert_int_equal(listen(listening, 0), 0);
    caller.fd = connector_start(&caller.connector, &address, LATE_MS);
    assert_true(caller.fd >= 0);
    assert_int_equal(connector_start(&caller.connector, &address, LATE_MS), -EAGAIN); /* its queue is full */
    close(listening);
    unlink(address.unix_path.sun_path);
    rmdir(folder);
    caller_finish(&caller);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(connects_over_tcp),           cmocka_unit_test(a_full_queue_is_waited_for),
        cmocka_unit_test(takes_no_longer_than_it_may), cmocka_unit_test(says_that_nobody_listens),
        cmocka_unit_test(connects_to_unix_sockets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
