/* The listener: accepting, running out of descriptors, resting, and never spinning. Whatever lowers a limit
 * runs in a child. */
#include "chosen_backend.h"

#include "loop/listener.h"
#include "loop/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CLIENTS_MAX 200
#define PATIENCE_MS 10000

/* A listener's owner and its clients. */
struct host {
    struct listener listener;
    struct loop *loop;
    struct timer timer;
    struct task task;
    int listening_fd;
    struct sockaddr_in address;
    int accepted[CLIENTS_MAX];
    unsigned accepted_count, exhausted_count, turned_away_count, turns;
    int exhausted_error;
    bool takes_time;        /* on_accept takes all of a turn's */
    bool frees_one;         /* on_exhausted closes a connection */
    bool stop_in_exhausted; /* stops the listener, in each of the callbacks */
    bool stop_in_turned_away;
    bool stop_in_accept;
    const unsigned *watched; /* the loop stops when this has come to `goal` */
    unsigned goal;
};

static void look_at_goal(struct host *host)
{
    if (host->watched && *host->watched >= host->goal)
        loop_stop(host->loop);
}

static void on_accept(struct listener *listener, int fd, const struct address *peer)
{
    struct host *host = CONTAINER_OF(listener, struct host, listener);
    assert_int_equal(peer->any.sa_family, AF_INET);
    assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    assert_true(host->accepted_count < CLIENTS_MAX);
    host->accepted[host->accepted_count++] = fd;
    while (host->takes_time && loop_has_time(host->loop))
        continue;
    if (host->stop_in_accept)
        listener_stop(listener);
    look_at_goal(host);
}

static bool on_exhausted(struct listener *listener, int error)
{
    struct host *host = CONTAINER_OF(listener, struct host, listener);
    host->exhausted_count++;
    host->exhausted_error = error;
    if (host->stop_in_exhausted)
        listener_stop(listener);
    if (!host->frees_one || host->accepted_count == 0)
        return false;
    close(host->accepted[--host->accepted_count]);
    return true;
}

static void on_turned_away(struct listener *listener, int fd)
{
    struct host *host = CONTAINER_OF(listener, struct host, listener);
    host->turned_away_count++;
    assert_int_equal(write(fd, "no", 2), 2);
    if (host->stop_in_turned_away)
        listener_stop(listener);
    look_at_goal(host);
}

static const struct listener_events host_events = {
    .on_accept = on_accept,
    .on_exhausted = on_exhausted,
    .on_turned_away = on_turned_away,
};

static void host_stop(struct timer *timer)
{
    loop_stop(CONTAINER_OF(timer, struct host, timer)->loop);
}

static void host_open(struct host *host)
{
    *host = (struct host){.address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}}};
    assert_int_equal(loop_create(&(struct loop_options){.backend = chosen_backend()}, &host->loop), 0);
    timer_init(&host->timer, host_stop);
    socklen_t length = sizeof(host->address);
    host->listening_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_int_equal(bind(host->listening_fd, (struct sockaddr *)&host->address, length), 0);
    assert_int_equal(listen(host->listening_fd, CLIENTS_MAX), 0);
    getsockname(host->listening_fd, (struct sockaddr *)&host->address, &length);
    assert_int_equal(listener_start(&host->listener, host->loop, host->listening_fd, &host_events), 0);
}

static void host_close(struct host *host)
{
    listener_stop(&host->listener);
    listener_stop(&host->listener); /* changes nothing */
    loop_destroy(host->loop);
    close(host->listening_fd);
    for (unsigned i = 0; i < host->accepted_count; i++)
        close(host->accepted[i]);
}

static void host_run(struct host *host, unsigned duration_ms)
{
    wheel_arm(loop_wheel(host->loop), &host->timer, duration_ms);
    assert_int_equal(loop_run(host->loop), 0);
}

/* Until `count`, one of the host's own, is `goal`; it must not take PATIENCE_MS. */
static void host_run_to(struct host *host, const unsigned *count, unsigned goal)
{
    host->watched = count;
    host->goal = goal;
    if (*count < goal)
        host_run(host, PATIENCE_MS);
    timer_disarm(&host->timer);
    host->watched = NULL;
}

static int host_call(struct host *host)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&host->address, sizeof(host->address)), 0);
    return fd;
}

static uint64_t cpu_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static unsigned count_descriptors(void)
{
    unsigned count = 0;
    for (int fd = 0; fd < 1024; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

static void accepts_more_than_a_batch(void **state)
{
    (void)state;
    struct host host;
    host_open(&host);
    int clients[CLIENTS_MAX];
    for (unsigned i = 0; i < CLIENTS_MAX; i++)
        clients[i] = host_call(&host);
    host_run_to(&host, &host.accepted_count, CLIENTS_MAX);
    assert_int_equal(host.accepted_count, CLIENTS_MAX);
    assert_int_equal(host.exhausted_count, 0);
    for (unsigned i = 0; i < CLIENTS_MAX; i++)
        close(clients[i]);
    host_close(&host);
}

/* In one turn, so that those who are there already are served. */
static unsigned accept_in_a_turn(bool takes_time)
{
    struct host host;
    int clients[CLIENTS_MAX];
    host_open(&host);
    host.takes_time = takes_time;
    for (unsigned i = 0; i < CLIENTS_MAX; i++)
        clients[i] = host_call(&host);
    while (host.accepted_count == 0)
        assert_int_equal(loop_run_once(host.loop, PATIENCE_MS), 0);
    unsigned accepted = host.accepted_count;
    for (unsigned i = 0; i < CLIENTS_MAX; i++)
        close(clients[i]);
    host_close(&host);
    return accepted;
}

static void a_crowd_is_accepted_in_batches(void **state)
{
    (void)state;
    assert_in_range(accept_in_a_turn(false), 1, LISTENER_BATCH);
    assert_in_range(accept_in_a_turn(true), 1, LISTENER_BATCH / 4);
}

static void stops_inside_accept(void **state)
{
    (void)state;
    struct host host;
    host_open(&host);
    host.stop_in_accept = true;
    int first = host_call(&host), second = host_call(&host);
    host_run(&host, 30);
    assert_int_equal(host.accepted_count, 1); /* the queue keeps the other */
    host.stop_in_accept = false;
    assert_int_equal(listener_start(&host.listener, host.loop, host.listening_fd, &host_events), 0);
    host_run_to(&host, &host.accepted_count, 2);
    assert_int_equal(host.accepted_count, 2);
    close(first);
    close(second);
    host_close(&host);
}

static void accepts_at_once_when_asked(void **state)
{
    (void)state;
    struct host host;
    host_open(&host);
    listener_accept(&host.listener);
    int client = host_call(&host);
    listener_accept(&host.listener);
    assert_int_equal(host.accepted_count, 1);
    listener_stop(&host.listener);
    int late = host_call(&host);
    listener_accept(&host.listener); /* no more after that */
    assert_int_equal(host.accepted_count, 1);
    close(client);
    close(late);
    host_close(&host);
}

/* Who is in the queue has the right to come, however late in the turn it is. */
static void accepts_the_whole_queue_when_asked(void **state)
{
    (void)state;
    struct host host;
    host_open(&host);
    int clients[CLIENTS_MAX];
    for (unsigned i = 0; i < CLIENTS_MAX; i++)
        clients[i] = host_call(&host);
    while (loop_has_time(host.loop))
        continue;
    listener_accept(&host.listener);
    assert_int_equal(host.accepted_count, CLIENTS_MAX);
    for (unsigned i = 0; i < CLIENTS_MAX; i++)
        close(clients[i]);
    host_close(&host);
}

/* A client that reset its connection before it was accepted is nobody's error. */
static void passes_over_clients_that_are_gone(void **state)
{
    (void)state;
    struct host host;
    host_open(&host);
    struct linger hard = {.l_onoff = 1};
    int gone = host_call(&host);
    setsockopt(gone, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
    close(gone);
    int here = host_call(&host);
    host_run_to(&host, &host.accepted_count, 1);
    assert_true(host.accepted_count >= 1);
    assert_int_equal(host.exhausted_count, 0);
    close(here);
    host_close(&host);
}

/* Somebody else who shares the socket may end its listening: accept fails for good, and epoll tells of it as
 * long as it is watched. */
static void a_dead_socket_does_not_spin(void **state)
{
    (void)state;
    struct host host;
    host_open(&host);
    shutdown(host.listening_fd, SHUT_RDWR);
    uint64_t before_us = cpu_us();
    host_run(&host, 300);
    assert_true(cpu_us() - before_us < 60000);
    assert_int_equal(host.accepted_count, 0);
    host_close(&host);
}

/* Leaves exactly `count` descriptors free. */
static void leave_descriptors(unsigned count)
{
    int highest = dup(0);
    assert_true(highest >= 0);
    close(highest); /* the lowest that is free, as those below are all in use */
    struct rlimit limit = {.rlim_cur = (rlim_t)highest + count, .rlim_max = (rlim_t)highest + count};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

/* Runs `body` in a child, as it lowers the limits; a failure there is one here. */
static void in_child(void (*body)(struct host *host))
{
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct host host;
        host_open(&host);
        body(&host);
        host_close(&host);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* Inside a child cmocka's asserts would jump into the parent's copy of the test. */
#define CHECK(condition)                                                    \
    do {                                                                    \
        if (!(condition)) {                                                 \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
            _exit(1);                                                       \
        }                                                                   \
    } while (0)

/* One client is served with the last descriptor, one a rest is turned away with the reserve. */
static void turn_away(struct host *host)
{
    int clients[5];
    for (unsigned i = 0; i < 5; i++)
        clients[i] = host_call(host);
    unsigned before = count_descriptors();
    leave_descriptors(1);
    uint64_t before_us = cpu_us();
    host_run_to(host, &host->turned_away_count, 3);
    CHECK(cpu_us() - before_us < 50000);
    CHECK(host->accepted_count == 1);
    CHECK(host->exhausted_count == 3);
    CHECK(host->turned_away_count == 3);
    CHECK(host->exhausted_error == -EMFILE);
    CHECK(count_descriptors() == before + 1); /* the reserve is back */
    char answer[3];
    CHECK(read(clients[1], answer, 3) == 2 && read(clients[1], answer, 3) == 0);

    close(host->accepted[--host->accepted_count]); /* room again: the one who still waits is served */
    close(clients[1]);
    host_run_to(host, &host->accepted_count, 1);
    CHECK(host->accepted_count == 1);
    CHECK(host->turned_away_count == 3);
}

static void make_room(struct host *host)
{
    for (unsigned i = 0; i < 5; i++)
        host_call(host);
    leave_descriptors(2);
    host->frees_one = true;
    host_run_to(host, &host->exhausted_count, 3);
    host_run(host, 30);
    CHECK(host->accepted_count == 2);
    CHECK(host->exhausted_count == 3);
    CHECK(host->turned_away_count == 0);
}

static void stop_in_exhausted(struct host *host)
{
    host_call(host);
    leave_descriptors(0);
    host->stop_in_exhausted = true;
    unsigned before = count_descriptors();
    host_run(host, LISTENER_PAUSE_MS * 3 / 2);
    CHECK(host->exhausted_count == 1);
    CHECK(host->turned_away_count == 0);
    CHECK(!timer_is_armed(&host->listener.pause));
    CHECK(count_descriptors() == before - 1); /* the reserve is given back, and nothing else */
}

static void stop_in_turned_away(struct host *host)
{
    host_call(host);
    leave_descriptors(0);
    host->stop_in_turned_away = true;
    unsigned before = count_descriptors();
    host_run(host, LISTENER_PAUSE_MS * 3 / 2);
    CHECK(host->turned_away_count == 1);
    CHECK(!timer_is_armed(&host->listener.pause));
    CHECK(count_descriptors() == before - 1);
}

/* Stopped while it rests; the rest must not wake what may be freed. */
static void stop_while_resting(struct host *host)
{
    host_call(host);
    host_call(host);
    leave_descriptors(0);
    host_run_to(host, &host->turned_away_count, 1);
    CHECK(timer_is_armed(&host->listener.pause));
    listener_stop(&host->listener);
    CHECK(!timer_is_armed(&host->listener.pause));
    host_run(host, LISTENER_PAUSE_MS * 2);
    CHECK(host->turned_away_count == 1);
}

/* Not even the reserve could be opened: the listener rests all the same. */
static void rest_without_reserve(struct host *host)
{
    listener_stop(&host->listener);
    host_call(host);
    leave_descriptors(0);
    CHECK(listener_start(&host->listener, host->loop, host->listening_fd, &host_events) == 0);
    uint64_t before_us = cpu_us();
    host_run(host, LISTENER_PAUSE_MS * 5 / 2);
    CHECK(cpu_us() - before_us < 50000);
    CHECK(host->turned_away_count == 0 || host->turned_away_count == 1);
}

static void survives_without_descriptors(void **state)
{
    (void)state;
    in_child(turn_away);
    in_child(make_room);
    in_child(rest_without_reserve);
}

static void may_be_stopped_in_every_callback(void **state)
{
    (void)state;
    in_child(stop_in_exhausted);
    in_child(stop_in_turned_away);
    in_child(stop_while_resting);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepts_more_than_a_batch),
        cmocka_unit_test(a_crowd_is_accepted_in_batches),
        cmocka_unit_test(stops_inside_accept),
        cmocka_unit_test(accepts_at_once_when_asked),
        cmocka_unit_test(accepts_the_whole_queue_when_asked),
        cmocka_unit_test(passes_over_clients_that_are_gone),
        cmocka_unit_test(a_dead_socket_does_not_spin),
        cmocka_unit_test(survives_without_descriptors),
        cmocka_unit_test(may_be_stopped_in_every_callback),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
