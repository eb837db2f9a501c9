/* The control socket, with clients of its own and the time as the test wants it. */
#include "../test.h"

#include "tests/unit/tree_builder.h"

#include "proc/control.h"
#include "sys/socket.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NOW_MS = 1000 };

struct fixture {
    struct tree tree;
    struct log log;
    struct control control;
    struct control_client *client; /* of the last command */
    char command[CONTROL_LINE_MAX];
    enum control_wait waits_for; /* set for each command; if not, it is answered at once */
    pid_t worker;
};

static void ignore_line(struct log *log, enum log_level level, struct slice line)
{
    (void)log, (void)level, (void)line;
}

static void take_command(void *context, struct control_client *client, struct slice command)
{
    struct fixture *fixture = context;
    fixture->client = client;
    snprintf(fixture->command, sizeof(fixture->command), "%.*s", SLICE_ARGS(command));
    client->waits_for = fixture->waits_for;
    if (client->waits_for == CONTROL_WAITS_NOT)
        control_answer(client, CONTROL_DONE, SLICE("so it is\n"));
}

static bool is_worker(void *context, pid_t process)
{
    return ((struct fixture *)context)->worker == process;
}

static void set_up(struct fixture *fixture)
{
    *fixture = (struct fixture){.log = {.level = LOG_LEVEL_ERROR, .write = ignore_line}};
    tree_init(&fixture->tree);
    setenv("RUNTIME_DIRECTORY", fixture->tree.path, 1);
    fixture->control =
        (struct control){.on_command = take_command, .is_worker = is_worker, .context = fixture};
    control_open(&fixture->control, &fixture->log);
    assert_true(fixture->control.fd >= 0);
}

static void tear_down(struct fixture *fixture)
{
    control_close(&fixture->control);
    assert_int_not_equal(access(fixture->control.bound.unix_path.sun_path, F_OK), 0);
    tree_finish(&fixture->tree);
}

/* What the master does in one turn of its loop. */
static void turn_at(struct fixture *fixture, uint64_t now_ms)
{
    struct pollfd fds[CONTROL_FDS_MAX];
    size_t count = control_poll_set(&fixture->control, fds);
    assert_true(sys_poll(fds, count, 0) >= 0);
    control_take_ready(&fixture->control, fds, count, now_ms);
    control_expire(&fixture->control, now_ms);
}

static int connect_at(struct fixture *fixture, uint64_t now_ms)
{
    const struct address *address = &fixture->control.bound;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_int_equal(connect(fd, &address->any, address->length), 0);
    turn_at(fixture, now_ms);
    return fd;
}

static void say(struct fixture *fixture, int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), 0), strlen(text));
    turn_at(fixture, NOW_MS);
}

static void expect_silence(int fd)
{
    char byte;
    assert_int_equal(recv(fd, &byte, 1, 0), -1);
}

/* The whole answer, and the end of the connection. */
static void expect_answer(int fd, const char *expected)
{
    char text[200];
    ssize_t length = recv(fd, text, sizeof(text), 0);
    assert_true(length > 0);
    assert_slice(slice_make(text, (size_t)length), expected);
    assert_int_equal(recv(fd, text, sizeof(text), 0), 0);
    close(fd);
}

static void a_command_may_come_in_pieces(void **state)
{
    (void)state;
    struct fixture fixture;
    set_up(&fixture);
    int fd = connect_at(&fixture, NOW_MS);
    say(&fixture, fd, "sta");
    assert_string_equal(fixture.command, "");
    say(&fixture, fd, "tus json\n");
    assert_string_equal(fixture.command, "status json");
    expect_answer(fd, "done\nso it is\n");
    tear_down(&fixture);
}

static void a_command_is_as_long_as_the_room_for_it(void **state)
{
    (void)state;
    struct fixture fixture;
    char line[CONTROL_LINE_MAX + 1];
    set_up(&fixture);
    memset(line, 'x', sizeof(line));
    line[CONTROL_LINE_MAX] = '\0';
    int fd = connect_at(&fixture, NOW_MS);
    say(&fixture, fd, line);
    assert_string_equal(fixture.command, "");
    expect_answer(fd, "failed\nthe command is too long\n");
    line[CONTROL_LINE_MAX - 1] = '\n';
    fd = connect_at(&fixture, NOW_MS);
    say(&fixture, fd, line);
    assert_int_equal(strlen(fixture.command), CONTROL_LINE_MAX - 1);
    expect_answer(fd, "done\nso it is\n");
    tear_down(&fixture);
}

static void who_says_nothing_is_sent_away_in_time(void **state)
{
    (void)state;
    struct fixture fixture;
    set_up(&fixture);
    assert_int_equal(control_wait_ms(&fixture.control, NOW_MS), -1);
    int first = connect_at(&fixture, NOW_MS), second = connect_at(&fixture, NOW_MS + 10);
    say(&fixture, second, "half a comm");
    assert_int_equal(control_wait_ms(&fixture.control, NOW_MS + 10), CONTROL_MS_MAX - 10);
    turn_at(&fixture, NOW_MS + CONTROL_MS_MAX - 1);
    expect_silence(first);
    turn_at(&fixture, NOW_MS + CONTROL_MS_MAX);
    expect_answer(first, "failed\nno command came\n");
    expect_silence(second);
    assert_int_equal(control_wait_ms(&fixture.control, NOW_MS + CONTROL_MS_MAX), 10);
    turn_at(&fixture, NOW_MS + CONTROL_MS_MAX + 10);
    expect_answer(second, "failed\nno command came\n");
    assert_int_equal(control_wait_ms(&fixture.control, NOW_MS + CONTROL_MS_MAX + 10), -1);
    tear_down(&fixture);
}

static void who_waits_for_an_answer_has_time(void **state)
{
    (void)state;
    struct fixture fixture;
    set_up(&fixture);
    fixture.waits_for = CONTROL_WAITS_FOR_RELOAD;
    int fd = connect_at(&fixture, NOW_MS);
    say(&fixture, fd, "reload\n");
    assert_string_equal(fixture.command, "reload");
    assert_int_equal(control_wait_ms(&fixture.control, NOW_MS), -1);
    turn_at(&fixture, NOW_MS + 10 * CONTROL_MS_MAX);
    expect_silence(fd);
    control_answer(fixture.client, CONTROL_PARTLY, SLICE("nearly\n"));
    expect_answer(fd, "partly\nnearly\n");
    tear_down(&fixture);
}

static void who_leaves_makes_room(void **state)
{
    (void)state;
    struct fixture fixture;
    int fds[CONTROL_CLIENTS_MAX];
    set_up(&fixture);
    fixture.waits_for = CONTROL_WAITS_FOR_STOP;
    for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++)
        fds[i] = connect_at(&fixture, NOW_MS);
    expect_answer(connect_at(&fixture, NOW_MS), "failed\ntoo many commands at once: try again\n");
    say(&fixture, fds[0], "stop\n");
    close(fds[0]); /* while it waits */
    close(fds[1]); /* before it has said anything */
    turn_at(&fixture, NOW_MS);
    fds[0] = connect_at(&fixture, NOW_MS);
    fds[1] = connect_at(&fixture, NOW_MS);
    expect_silence(fds[0]);
    expect_silence(fds[1]);
    expect_answer(connect_at(&fixture, NOW_MS), "failed\ntoo many commands at once: try again\n");
    tear_down(&fixture);
    for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++)
        close(fds[i]);
}

/* In a thread of it, as somebody who has taken it over would. */
static void *command_from_a_thread(void *context)
{
    const struct fixture *fixture = context;
    const struct address *address = &fixture->control.bound;
    char text[200] = "";
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool is_connected = connect(fd, &address->any, address->length) == 0;
    send(fd, "stop\n", 5, MSG_NOSIGNAL); /* it may have been refused already */
    while (is_connected && recv(fd, text + strlen(text), sizeof(text) - 1 - strlen(text), 0) > 0)
        ;
    bool is_refused = strcmp(text, "failed\na worker process may not do that\n") == 0;
    return is_refused ? context : NULL;
}

static _Noreturn void work(struct fixture *fixture)
{
    pthread_t thread;
    void *result = NULL;
    bool is_run = pthread_create(&thread, NULL, command_from_a_thread, fixture) == 0;
    _exit(is_run && pthread_join(thread, &result) == 0 && result ? 0 : 1);
}

static void workers_command_nothing(void **state)
{
    (void)state;
    struct fixture fixture;
    int status;
    set_up(&fixture);
    fixture.worker = fork();
    if (fixture.worker == 0)
        work(&fixture);
    struct pollfd ready = {.fd = fixture.control.fd, .events = POLLIN};
    assert_int_equal(sys_poll(&ready, 1, 10000), 1);
    turn_at(&fixture, NOW_MS);
    assert_int_equal(waitpid(fixture.worker, &status, 0), fixture.worker);
    assert_int_equal(status, 0);
    turn_at(&fixture, NOW_MS);
    assert_string_equal(fixture.command, "");
    tear_down(&fixture);
}

/* It may have been a worker that nobody knows any more. */
static void who_is_gone_commands_nothing(void **state)
{
    (void)state;
    struct fixture fixture;
    set_up(&fixture);
    const struct address *address = &fixture.control.bound;
    pid_t pid = fork();
    if (pid == 0) {
        int fd = socket(AF_UNIX, SOCK_STREAM, 0);
        bool is_sent = connect(fd, &address->any, address->length) == 0 && send(fd, "stop\n", 5, 0) == 5;
        _exit(is_sent ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    turn_at(&fixture, NOW_MS);
    turn_at(&fixture, NOW_MS);
    assert_string_equal(fixture.command, "");
    tear_down(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_command_may_come_in_pieces),
        cmocka_unit_test(a_command_is_as_long_as_the_room_for_it),
        cmocka_unit_test(who_says_nothing_is_sent_away_in_time),
        cmocka_unit_test(who_waits_for_an_answer_has_time),
        cmocka_unit_test(who_leaves_makes_room),
        cmocka_unit_test(workers_command_nothing),
        cmocka_unit_test(who_is_gone_commands_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
