/* What the simulated kernel promises in the place of Linux: edges and levels, buffers that fill, FIN and RST,
 * errors told once, descriptors, paths. */
#include "../unit/test.h"
#include "kernel/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PORT 80

/* ---- what the clients' side has to provide ---- */

void sim_clients_on_fault(const struct sim_fault *fault)
{
    (void)fault;
}

void sim_clients_on_log(struct slice bytes)
{
    (void)bytes;
}

/* ---- a client and a server ---- */

static struct sim_socket *client;
static int listener, server, epoll;
static bool has_fin, has_reset;

static void on_ended(struct sim_socket *socket, enum sim_end end, void *context)
{
    (void)socket, (void)context;
    *(end == SIM_END_FIN ? &has_fin : &has_reset) = true;
}

static const struct sim_socket_events events = {.on_ended = on_ended};

static void let_pass(uint64_t us)
{
    uint64_t until_us = sim_now_us() + us;
    while (time_wait(until_us))
        continue;
}

static int setup(void **state)
{
    (void)state;
    kernel_start(&(struct kernel_options){.seed = 1, .replay_words = ""});
    kernel_enter(SIDE_LOOP);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(PORT)};
    listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(listener, 10), 0);
    epoll = epoll_create1(EPOLL_CLOEXEC);
    has_fin = has_reset = false;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    kernel_finish();
    return 0;
}

static int take_connection(void)
{
    struct sockaddr_in peer;
    socklen_t length = sizeof(peer);
    return accept4(listener, (struct sockaddr *)&peer, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

static void connect_both(size_t receive_bytes)
{
    struct sim_connect wanted = {.port = PORT, .events = &events, .receive_bytes = receive_bytes};
    client = sim_connect(&wanted);
    let_pass(2 * SIM_S);
    server = take_connection();
    assert_true(server >= 0);
}

static void watch(unsigned wanted)
{
    struct epoll_event event = {.events = wanted, .data.fd = server};
    assert_int_equal(epoll_ctl(epoll, EPOLL_CTL_ADD, server, &event), 0);
}

/* What one wait of no length says of the connection; 0: nothing. */
static unsigned told(void)
{
    struct epoll_event event;
    int count = epoll_wait(epoll, &event, 1, 0);
    assert_true(count >= 0);
    return count ? event.events : 0;
}

static void say(const char *text)
{
    assert_int_equal(sim_socket_send(client, slice_from(text)), strlen(text));
    let_pass(2 * SIM_S);
}

static ssize_t hear(void)
{
    char bytes[100];
    return recv(server, bytes, sizeof(bytes), 0);
}

/* ---- readiness ---- */

static void an_edge_is_told_once(void **state)
{
    (void)state;
    connect_both(0);
    watch(EPOLLIN | EPOLLOUT | EPOLLET);
    assert_int_equal(told(), EPOLLOUT);
    assert_int_equal(told(), 0);
    say("a");
    assert_int_equal(told(), EPOLLIN | EPOLLOUT);
    assert_int_equal(told(), 0);
    say("b");
    assert_int_equal(told(), EPOLLIN | EPOLLOUT);
    assert_int_equal(hear(), 2);
    assert_int_equal(hear(), -1);
    assert_int_equal(errno, EAGAIN);
    assert_int_equal(told(), 0);
}

static void a_level_is_told_as_long_as_it_holds(void **state)
{
    (void)state;
    connect_both(0);
    watch(EPOLLIN);
    assert_int_equal(told(), 0);
    say("a");
    assert_int_equal(told(), EPOLLIN);
    assert_int_equal(told(), EPOLLIN);
    assert_int_equal(hear(), 1);
    assert_int_equal(told(), 0);
}

static void what_holds_already_is_told_after_the_registration(void **state)
{
    (void)state;
    connect_both(0);
    say("a");
    watch(EPOLLIN | EPOLLET);
    assert_int_equal(told(), EPOLLIN);
    assert_int_equal(told(), 0);
}

static void room_is_told_after_a_send_was_short(void **state)
{
    (void)state;
    static char bytes[1 << 20];
    connect_both(1000);
    watch(EPOLLOUT | EPOLLET);
    assert_int_equal(told(), EPOLLOUT);
    ssize_t sent = send(server, bytes, sizeof(bytes), MSG_NOSIGNAL);
    assert_true(sent > 0 && (size_t)sent < sizeof(bytes));
    assert_int_equal(send(server, bytes, 1, MSG_NOSIGNAL), -1);
    assert_int_equal(errno, EAGAIN);
    size_t received = 0, taken = 1;
    while (taken > 0) {
        let_pass(2 * SIM_S);
        taken = sim_socket_receive(client, bytes, sizeof(bytes));
        assert_true(taken <= 1000);
        received += taken;
    }
    assert_int_equal(received, sent);
    assert_int_equal(told(), EPOLLOUT);
    assert_int_equal(told(), 0);
}

/* ---- ends ---- */

static void a_fin_comes_behind_the_bytes(void **state)
{
    (void)state;
    connect_both(0);
    watch(EPOLLIN | EPOLLRDHUP | EPOLLET);
    (void)sim_socket_send(client, SLICE("last"));
    sim_socket_finish(client);
    let_pass(2 * SIM_S);
    assert_int_equal(told(), EPOLLIN | EPOLLRDHUP);
    assert_int_equal(hear(), 4);
    assert_int_equal(hear(), 0);
    assert_int_equal(send(server, "x", 1, MSG_NOSIGNAL), 1);
}

static void a_reset_is_told_once_and_then_it_is_over(void **state)
{
    (void)state;
    connect_both(0);
    sim_socket_reset(client);
    let_pass(2 * SIM_S);
    assert_int_equal(hear(), -1);
    assert_int_equal(errno, ECONNRESET);
    assert_int_equal(hear(), 0);
    assert_int_equal(send(server, "x", 1, MSG_NOSIGNAL), -1);
    assert_int_equal(errno, EPIPE);
}

static void to_close_sends_what_was_written_and_fin(void **state)
{
    (void)state;
    char bytes[10];
    connect_both(0);
    assert_int_equal(send(server, "hello", 5, MSG_NOSIGNAL), 5);
    assert_int_equal(close(server), 0);
    let_pass(2 * SIM_S);
    assert_int_equal(sim_socket_receive(client, bytes, sizeof(bytes)), 5);
    assert_true(has_fin);
    assert_false(has_reset);
}

static void to_close_with_bytes_unread_resets(void **state)
{
    (void)state;
    connect_both(0);
    say("nobody reads this");
    assert_int_equal(close(server), 0);
    let_pass(2 * SIM_S);
    assert_true(has_reset);
    assert_false(has_fin);
}

static void bytes_for_what_is_closed_are_answered_by_a_reset(void **state)
{
    (void)state;
    connect_both(0);
    assert_int_equal(close(server), 0);
    let_pass(2 * SIM_S);
    assert_true(has_fin);
    say("too late");
    assert_true(has_reset);
}

static void who_waits_for_a_listener_that_goes_is_reset(void **state)
{
    (void)state;
    client = sim_connect(&(struct sim_connect){.port = PORT, .events = &events});
    let_pass(2 * SIM_S);
    assert_int_equal(close(listener), 0);
    let_pass(2 * SIM_S);
    assert_true(has_reset);
}

/* ---- files ---- */

static int open_beneath(int root, const char *path, uint64_t flags, uint64_t resolve)
{
    struct open_how how = {.flags = flags | O_CLOEXEC, .resolve = resolve | RESOLVE_BENEATH};
    long fd = syscall(SYS_openat2, root, path, &how, sizeof(how));
    return fd < 0 ? -errno : (int)fd;
}

static void paths_stay_beneath_the_root(void **state)
{
    (void)state;
    sim_folder_make("/site/folder");
    sim_file_put("/secret", SLICE("secret"), 0);
    sim_file_put("/site/file", SLICE("file"), 0);
    sim_symlink_make("/site/out", "../secret");
    sim_symlink_make("/site/absolute", "/secret");
    sim_symlink_make("/site/in", "folder/../file");
    sim_symlink_make("/site/loop", "loop");
    kernel_enter(SIDE_JOB); /* the loop must not wait for a disk */
    int root = open("/site", O_PATH | O_DIRECTORY | O_CLOEXEC);
    assert_true(open_beneath(root, "file", O_RDONLY, 0) >= 0);
    assert_true(open_beneath(root, "in", O_RDONLY, 0) >= 0);
    assert_int_equal(open_beneath(root, "in", O_RDONLY, RESOLVE_NO_SYMLINKS), -ELOOP);
    assert_int_equal(open_beneath(root, "../secret", O_RDONLY, 0), -EXDEV);
    assert_int_equal(open_beneath(root, "out", O_RDONLY, 0), -EXDEV);
    assert_int_equal(open_beneath(root, "absolute", O_RDONLY, 0), -EXDEV);
    assert_int_equal(open_beneath(root, "loop", O_RDONLY, 0), -ELOOP);
    assert_int_equal(open_beneath(root, "file/below", O_RDONLY, 0), -ENOTDIR);
}

static void what_is_cold_is_not_opened_without_waiting(void **state)
{
    (void)state;
    sim_file_put("/site/file", SLICE("file"), 0);
    sim_file_chill("/site/file");
    kernel_enter(SIDE_JOB);
    int root = open("/site", O_PATH | O_DIRECTORY | O_CLOEXEC);
    kernel_enter(SIDE_LOOP);
    assert_int_equal(open_beneath(root, "file", O_RDONLY, RESOLVE_CACHED), -EAGAIN);
    assert_int_equal(open_beneath(root, "none", O_RDONLY, RESOLVE_CACHED), -EAGAIN);
    kernel_enter(SIDE_JOB);
    assert_true(open_beneath(root, "file", O_RDONLY, 0) >= 0);
    assert_int_equal(open_beneath(root, "none", O_RDONLY, 0), -ENOENT);
    kernel_enter(SIDE_LOOP);
    assert_true(open_beneath(root, "file", O_RDONLY, RESOLVE_CACHED) >= 0);
    assert_int_equal(open_beneath(root, "none", O_RDONLY, RESOLVE_CACHED), -ENOENT);
}

static void a_watched_folder_tells_of_its_names(void **state)
{
    (void)state;
    union {
        struct inotify_event event;
        char bytes[200];
    } out;
    char path[32];
    kernel_enter(SIDE_JOB);
    int root = open("/site", O_PATH | O_DIRECTORY | O_CLOEXEC);
    int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", root);
    assert_int_equal(inotify_add_watch(fd, path, IN_MOVED_TO | IN_ONLYDIR), 1);
    assert_int_equal(read(fd, &out, sizeof(out)), -1);
    assert_int_equal(errno, EAGAIN);
    sim_file_put("/site/name", SLICE("x"), 0);
    assert_int_equal(read(fd, &out, sizeof(out)), sizeof(out.event) + 16);
    assert_int_equal(out.event.wd, 1);
    assert_int_equal(out.event.mask, IN_MOVED_TO);
    assert_string_equal(out.event.name, "name");
}

/* ---- connections that the server opens ---- */

#define OUTSIDE_PORT 9000

static enum sim_welcome welcome;
static struct sim_socket *outside; /* the other end */

static enum sim_welcome on_knock(struct sim_listener *outside_listener)
{
    (void)outside_listener;
    return welcome;
}

static void *on_connection(struct sim_listener *outside_listener, struct sim_socket *socket)
{
    (void)outside_listener;
    outside = socket;
    return NULL;
}

static int connect_again(int fd)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(OUTSIDE_PORT)};
    return connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 ? 0 : errno;
}

/* Begins to connect; `server` is the socket. */
static void connect_outside(enum sim_welcome expected)
{
    static struct sim_listener outside_listener;
    outside_listener = (struct sim_listener){
        .port = OUTSIDE_PORT, .on_knock = on_knock, .on_connection = on_connection, .events = &events};
    sim_listen(&outside_listener);
    welcome = expected;
    outside = NULL;
    server = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_int_equal(connect_again(server), EINPROGRESS);
    assert_int_equal(connect_again(server), EALREADY);
    watch(EPOLLIN | EPOLLOUT);
    assert_int_equal(told(), 0);
    let_pass(2 * SIM_S);
}

static void a_connection_that_is_accepted_is_writable(void **state)
{
    (void)state;
    char bytes[8];
    connect_outside(SIM_WELCOME_ACCEPTED);
    assert_int_equal(told(), EPOLLOUT);
    assert_int_equal(connect_again(server), EISCONN);
    assert_int_equal(send(server, "abc", 3, MSG_NOSIGNAL), 3);
    let_pass(2 * SIM_S);
    assert_int_equal(sim_socket_receive(outside, bytes, sizeof(bytes)), 3);
    assert_int_equal(sim_socket_send(outside, SLICE("de")), 2);
    let_pass(2 * SIM_S);
    assert_int_equal(recv(server, bytes, sizeof(bytes), 0), 2);
    close(server);
    let_pass(2 * SIM_S);
    assert_true(has_fin);
}

/* connect(2): the error is told once. */
static void a_connection_that_is_refused_tells_why(void **state)
{
    (void)state;
    connect_outside(SIM_WELCOME_REFUSED);
    assert_int_equal(told(), EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP);
    assert_int_equal(connect_again(server), ECONNREFUSED);
    assert_int_equal(connect_again(server), ECONNABORTED);
    close(server);
}

static void a_connection_that_is_ignored_stays_under_way(void **state)
{
    (void)state;
    connect_outside(SIM_WELCOME_IGNORED);
    assert_int_equal(told(), 0);
    assert_int_equal(connect_again(server), EALREADY);
    close(server);
    welcome = SIM_WELCOME_ACCEPTED;
    let_pass(200 * SIM_S);
    assert_null(outside);
}

/* SO_LINGER with a time of 0. */
static void a_connection_may_be_closed_by_a_reset(void **state)
{
    (void)state;
    connect_outside(SIM_WELCOME_ACCEPTED);
    struct linger linger = {.l_onoff = 1};
    assert_int_equal(setsockopt(server, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)), 0);
    close(server);
    let_pass(2 * SIM_S);
    assert_true(has_reset && !has_fin);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(an_edge_is_told_once),
        TEST(a_level_is_told_as_long_as_it_holds),
        TEST(what_holds_already_is_told_after_the_registration),
        TEST(room_is_told_after_a_send_was_short),
        TEST(a_fin_comes_behind_the_bytes),
        TEST(a_reset_is_told_once_and_then_it_is_over),
        TEST(to_close_sends_what_was_written_and_fin),
        TEST(to_close_with_bytes_unread_resets),
        TEST(bytes_for_what_is_closed_are_answered_by_a_reset),
        TEST(who_waits_for_a_listener_that_goes_is_reset),
        TEST(paths_stay_beneath_the_root),
        TEST(what_is_cold_is_not_opened_without_waiting),
        TEST(a_watched_folder_tells_of_its_names),
        TEST(a_connection_that_is_accepted_is_writable),
        TEST(a_connection_that_is_refused_tells_why),
        TEST(a_connection_that_is_ignored_stays_under_way),
        TEST(a_connection_may_be_closed_by_a_reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
