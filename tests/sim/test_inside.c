/* The oracles that look into the server notice what they are there to notice: jobs for clients that have
 * reset, and whoever could have made room. */
#include "../unit/test.h"
#include "inside.h"

#include "log/counters.h"
#include "loop/offload.h"

#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define PORT 80

/* ---- what others provide elsewhere ---- */

static struct sim_fault last_fault;

void sim_clients_on_fault(const struct sim_fault *fault)
{
    last_fault = *fault;
}

void sim_clients_on_log(struct slice bytes)
{
    (void)bytes;
}

/* ---- a client, and jobs for it ---- */

static struct sim_socket *client;
static int listener, server;
static struct loop *loop;
static struct job first, second;

static const struct sim_socket_events no_events = {0};

static void let_pass(uint64_t us)
{
    uint64_t until_us = sim_now_us() + us;
    while (time_wait(until_us))
        continue;
}

static int accept_one(void)
{
    struct sockaddr_in peer;
    socklen_t length = sizeof(peer);
    return accept4(listener, (struct sockaddr *)&peer, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

/* The second job is the client's. */
static int connection_of(void *context, const struct job *job)
{
    (void)context;
    return job == &second ? server : -1;
}

static int set_up(void **state)
{
    (void)state;
    kernel_start(&(struct kernel_options){.seed = 1, .replay_words = ""});
    kernel_enter(SIDE_LOOP);
    kernel_watch_server(&(struct kernel_watch){.connection_of = connection_of});
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(PORT)};
    listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(listener, 10), 0);
    struct loop_options options = {.backend = LOOP_BACKEND_EPOLL, .offload_threads = 1};
    assert_int_equal(loop_create(&options, &loop), 0);
    client = sim_connect(&(struct sim_connect){.port = PORT, .events = &no_events});
    let_pass(2 * SIM_S);
    server = accept_one();
    assert_true(server >= 0);
    serving_enter((struct serving){0});
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    loop_destroy(loop);
    kernel_finish();
    return 0;
}

static void make_a_call(struct job *job)
{
    (void)job;
    assert_int_equal(accept_one(), -1);
}

static void make_none(struct job *job)
{
    (void)job;
}

static void submit(struct job *job, void (*work)(struct job *job))
{
    *job = (struct job){.work = work, .done = make_none};
    list_init(&job->link);
    assert_int_equal(offload_submit(loop, job), 0);
}

/* What would end the simulator does so in a process of its own. */
static void expect_failure(void (*play)(void), const char *words)
{
    char text[4096] = "";
    FILE *out = tmpfile();
    assert_non_null(out);
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(fileno(out), STDERR_FILENO);
        play();
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
    rewind(out);
    size_t length = fread(text, 1, sizeof(text) - 1, out);
    text[length] = '\0';
    fclose(out);
    if (strstr(text, words) == NULL)
        fail_msg("failed for \"%s\", expected \"%s\"", text, words);
}

/* ---- jobs ---- */

static void leave_and_be_asked_for_late(void)
{
    sim_socket_reset(client);
    let_pass(2 * SIM_S);
    for (int i = 0; i < 20; i++)
        accept_one();
    submit(&second, make_none);
}

static void a_job_that_begins_for_who_has_left_is_noticed(void **state)
{
    (void)state;
    expect_failure(leave_and_be_asked_for_late, "which has reset its connection");
}

/* It waits in the pool behind another one; the server could not know before. */
static void leave_and_wait(void (*work)(struct job *job), unsigned turns)
{
    sim_socket_reset(client);
    let_pass(2 * SIM_S);
    submit(&first, make_none);
    submit(&second, work);
    for (; turns > 0; turns--)
        call_began_turn();
    let_pass(5 * SIM_S);
}

static void leave_and_be_worked_for(void)
{
    leave_and_wait(make_a_call, 2);
}

static void a_job_that_is_done_for_who_has_left_is_noticed(void **state)
{
    (void)state;
    expect_failure(leave_and_be_worked_for, "had reset its connection before");
}

static void a_job_that_is_given_up_is_none(void **state)
{
    (void)state;
    leave_and_wait(make_none, 2);
}

static void what_nobody_can_know_yet_is_no_fault(void **state)
{
    (void)state;
    leave_and_wait(make_a_call, 1);
}

/* Whether a client is there, and whether files or mounts have changed, is asked in the midst of a turn. */
static void a_question_begins_no_turn(void **state)
{
    (void)state;
    struct pollfd fds[] = {{.fd = server, .events = POLLIN}, {.fd = listener, .events = POLLIN}, {.fd = -1}};
    uint64_t turns = calls_turns();
    assert_int_equal(poll(fds, 1, 0), 0);
    assert_int_equal(poll(fds, 2, 0), 0);
    assert_int_equal(calls_turns(), turns);
    assert_int_equal(poll(fds, 3, 0), 0);
    assert_int_equal(calls_turns(), turns + 1);
    assert_int_equal(poll(fds, 2, 1), 0);
    assert_int_equal(calls_turns(), turns + 2);
}

/* ---- for whom it is ---- */

static void fail_for_want_of_room(struct job *job)
{
    (void)job;
    shortage_of_jobs();
}

static void expect_last_fault(bool is_for_one, const struct sim_socket *served)
{
    assert_non_null(last_fault.call);
    assert_int_equal(last_fault.is_for_one, is_for_one);
    assert_ptr_equal(last_fault.served, served);
    last_fault = (struct sim_fault){0};
}

static void a_fault_is_told_with_whom_it_is_for(void **state)
{
    (void)state;
    submit(&first, fail_for_want_of_room);
    let_pass(2 * SIM_S);
    expect_last_fault(false, NULL);
    submit(&second, fail_for_want_of_room);
    let_pass(2 * SIM_S);
    expect_last_fault(true, client);
    shortage_of_jobs();
    expect_last_fault(false, NULL);
    struct sim_socket *other = sim_connect(&(struct sim_connect){.port = PORT, .events = &no_events});
    let_pass(2 * SIM_S);
    assert_true(accept_one() >= 0);
    shortage_of_descriptors("open", NULL);
    expect_last_fault(true, other);
}

/* ---- making room ---- */

static void who_can_be_spared(void **state)
{
    (void)state;
    static const struct {
        struct guest guest;
        bool expected;
    } rows[] = {
        {{CLIENT_IDLE, .has_asked = false}, true},
        {{CLIENT_IDLE, true, {.is_taken = true, .quiet_us = SIM_S}}, true},
        {{CLIENT_IDLE, true, {.is_taken = false, .quiet_us = SIM_S}}, false},
        {{CLIENT_IDLE, true, {.is_taken = false, .quiet_us = 2 * SIM_S}}, true},
        {{CLIENT_HEAD, true, {.quiet_us = SIM_S / 2}}, false},
        {{CLIENT_HEAD, true, {.quiet_us = 2 * SIM_S}}, true},
        {{CLIENT_BODY, true, {.quiet_us = SIM_S / 2}}, false},
        {{CLIENT_BODY, true, {.quiet_us = 2 * SIM_S}}, true},
        {{CLIENT_SEND, true, {.quiet_us = SIM_S}}, false},
        {{CLIENT_SEND, true, {.quiet_us = 3 * SIM_S}}, true},
        {{CLIENT_LINGER, true, {.quiet_us = SIM_S}}, false},
        {{CLIENT_LINGER, true, {.quiet_us = 3 * SIM_S}}, true},
        {{CLIENT_HANDLE, true, {.quiet_us = 60 * SIM_S}}, false},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        if (guest_can_be_spared(&rows[i].guest) != rows[i].expected)
            fail_msg("row %zu", i);
    }
}

/* ---- counters ---- */

static void count_what_was_not_sent(void)
{
    inside_judge_counters(&(struct counters){.bytes_sent = network_bytes_handed() + 1}, false);
}

static void bytes_that_were_not_sent_are_noticed(void **state)
{
    (void)state;
    expect_failure(count_what_was_not_sent, "are counted as sent");
}

static void count_who_is_gone(void)
{
    inside_judge_counters(&(struct counters){.connections_open = 1}, false);
}

static void connections_that_stay_counted_are_noticed(void **state)
{
    (void)state;
    expect_failure(count_who_is_gone, "are counted as open");
}

static void right_counters_are_right(void **state)
{
    (void)state;
    assert_int_equal(send(server, "abc", 3, MSG_NOSIGNAL), 3);
    inside_judge_counters(&(struct counters){.bytes_sent = 3}, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_job_that_begins_for_who_has_left_is_noticed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_job_that_is_done_for_who_has_left_is_noticed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_job_that_is_given_up_is_none, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_nobody_can_know_yet_is_no_fault, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_question_begins_no_turn, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_fault_is_told_with_whom_it_is_for, set_up, tear_down),
        cmocka_unit_test(who_can_be_spared),
        cmocka_unit_test_setup_teardown(bytes_that_were_not_sent_are_noticed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(connections_that_stay_counted_are_noticed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(right_counters_are_right, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
