/* Wrappers of system calls whose promises the modules above rely on: what they wait for, what they send at
 * once, what they tell apart. */
#include "../test.h"

#include "sys/clock.h"
#include "sys/event.h"
#include "sys/file.h"
#include "sys/process.h"
#include "sys/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void make_pair(int ret_fds[2])
{
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ret_fds), 0);
}

static void connect_by_tcp(int ret_fds[2])
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);
    int listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listening, (struct sockaddr *)&address, length), 0);
    assert_int_equal(listen(listening, 1), 0);
    assert_int_equal(getsockname(listening, (struct sockaddr *)&address, &length), 0);
    ret_fds[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(ret_fds[0], (struct sockaddr *)&address, length), 0);
    ret_fds[1] = accept4(listening, NULL, NULL, SOCK_CLOEXEC);
    assert_true(ret_fds[1] >= 0);
    close(listening);
}

static void close_pair(const int fds[2])
{
    close(fds[0]);
    close(fds[1]);
}

static ssize_t send_some(int fd, bool more)
{
    struct iovec piece = {.iov_base = (char[]){"some"}, .iov_len = 4};
    return sys_send(fd, &piece, 1, more);
}

static bool has_come(int fd)
{
    struct pollfd pollfd = {.fd = fd, .events = POLLIN};
    return poll(&pollfd, 1, 0) > 0;
}

/* On this machine what is sent is there at once; what is held back comes after 200 ms. */
static void the_last_bytes_are_sent_at_once(void **state)
{
    (void)state;
    int fds[2];
    connect_by_tcp(fds);
    assert_int_equal(send_some(fds[0], true), 4);
    assert_int_equal(send_some(fds[0], false), 4);
    assert_true(has_come(fds[1]));
    char bytes[8];
    assert_int_equal(recv(fds[1], bytes, sizeof(bytes), MSG_DONTWAIT), 8);
    assert_int_equal(send_some(fds[0], false), 4);
    assert_true(has_come(fds[1]));
    close_pair(fds);
}

static volatile sig_atomic_t signals;

static void count_signal(int number)
{
    (void)number;
    signals++;
}

static void sending_to_nobody_is_no_signal(void **state)
{
    (void)state;
    int fds[2];
    make_pair(fds);
    signal(SIGPIPE, count_signal);
    close(fds[1]);
    assert_int_equal(send_some(fds[0], false), -EPIPE);
    assert_int_equal(signals, 0);
    signal(SIGPIPE, SIG_DFL);
    close(fds[0]);
}

static void who_only_ends_its_side_has_not_hung_up(void **state)
{
    (void)state;
    int fds[2];
    make_pair(fds);
    assert_false(sys_has_hung_up(fds[0]));
    assert_int_equal(shutdown(fds[1], SHUT_WR), 0);
    assert_false(sys_has_hung_up(fds[0]));
    close(fds[1]);
    assert_true(sys_has_hung_up(fds[0]));
    close(fds[0]);
}

static void select_waits_as_long_as_it_is_told(void **state)
{
    (void)state;
    uint64_t began = sys_monotonic_ns();
    assert_int_equal(sys_select(0, NULL, NULL, NULL, 40), 0);
    assert_true(sys_monotonic_ns() - began >= UINT64_C(39000000));
}

static struct process_change end_of(pid_t child)
{
    struct process_change change;
    siginfo_t info;
    assert_true(child > 0);
    assert_int_equal(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT), 0);
    assert_true(sys_reap(&change));
    assert_int_equal(change.pid, child);
    return change;
}

static void an_exit_is_told_from_a_signal(void **state)
{
    (void)state;
    pid_t child = fork();
    if (child == 0)
        _exit(7);
    struct process_change exited = end_of(child);
    assert_int_equal(exited.fate, PROCESS_EXITED);
    assert_int_equal(exited.number, 7);
    child = fork();
    if (child == 0)
        pause();
    assert_int_equal(kill(child, SIGKILL), 0);
    struct process_change killed = end_of(child);
    assert_int_equal(killed.fate, PROCESS_KILLED);
    assert_int_equal(killed.number, SIGKILL);
}

static void the_limit_of_descriptors_is_raised(void **state)
{
    (void)state;
    struct rlimit limit, after;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    struct rlimit lower = {.rlim_cur = 64, .rlim_max = limit.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &lower), 0);
    assert_true(sys_raise_descriptor_limit() > 64);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &after), 0);
    assert_true(after.rlim_cur == after.rlim_max);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

/* A mode that changes is seen in the status, and told to who watches the folder. */
static void a_change_of_mode_is_seen(void **state)
{
    (void)state;
    char folder[] = "/tmp/vif-calls-XXXXXX";
    struct file_status before, after;
    assert_non_null(mkdtemp(folder));
    int folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int fd = openat(folder_fd, "file", O_CREAT | O_RDWR | O_CLOEXEC, 0644);
    int inotify = sys_inotify_create();
    assert_true(folder_fd >= 0 && fd >= 0 && inotify >= 0);
    assert_true(sys_inotify_watch(inotify, folder_fd, INOTIFY_ENTRIES) >= 0);
    assert_int_equal(sys_file_status(fd, &before), 0);
    do {
        assert_int_equal(fchmod(fd, 0600), 0);
        assert_int_equal(sys_file_status(fd, &after), 0);
    } while (after.changed_ns == before.changed_ns && before.changed_ns != 0); /* one tick of the clock */
    assert_true(after.changed_ns > before.changed_ns);
    assert_true(has_come(inotify));
    assert_int_equal(unlinkat(folder_fd, "file", 0), 0);
    assert_int_equal(rmdir(folder), 0);
    close(inotify);
    close(fd);
    close(folder_fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_bytes_are_sent_at_once),
        cmocka_unit_test(sending_to_nobody_is_no_signal),
        cmocka_unit_test(who_only_ends_its_side_has_not_hung_up),
        cmocka_unit_test(select_waits_as_long_as_it_is_told),
        cmocka_unit_test(an_exit_is_told_from_a_signal),
        cmocka_unit_test(the_limit_of_descriptors_is_raised),
        cmocka_unit_test(a_change_of_mode_is_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
