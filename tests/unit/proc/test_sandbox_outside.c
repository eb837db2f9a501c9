/* A sandbox in surroundings that forbid a part of it, as containers do, and what users keep. */
#include "tests/unit/proc/sandboxed.h"

#include "sys/landlock.h"
#include "sys/syscall_filter.h"

#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

/* ---- what is outside ---- */

/* As in a container: the calls fail with EPERM. */
static bool forbid_calls(const int *calls, size_t count)
{
    struct sock_filter rules[32] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
    };
    size_t length = 1;
    for (size_t i = 0; i < count; i++) {
        rules[length++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)calls[i], 0, 1);
        rules[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM);
    }
    rules[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    struct sock_fprog program = {.len = (unsigned short)length, .filter = rules};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

static bool forbid_seccomp(void)
{
    return forbid_calls((int[]){SYS_seccomp}, 1);
}

/* The second of its three calls: the first says that there is Landlock. */
static bool forbid_landlock(void)
{
    return forbid_calls((int[]){446}, 1);
}

static bool forbid_all(void)
{
    return forbid_calls((int[]){SYS_seccomp, 444, 445, 446, SYS_capset}, 5);
}

enum { LACKING = 94, FOUND = 95 };

static int find_landlock(void)
{
    return sandbox_has_landlock() ? FOUND : LACKING;
}

static int find_filter(void)
{
    return sandbox_has_filter() ? FOUND : LACKING;
}

static void what_is_forbidden_outside_is_left_out(void **state)
{
    (void)state;
    skip_without(sys_landlock_features().version > 0 && sys_has_syscall_filter());
    confine_first = forbid_seccomp; /* prctl(2) is another way */
    assert_allowed(read_a_page);
    assert_refused(make_a_tcp_socket, EPERM);
    assert_refused(read_a_secret, EACCES);
    confine_first = forbid_landlock;
    assert_allowed(read_a_page);
    assert_allowed(read_a_secret);
    assert_refused(make_a_tcp_socket, EPERM);
    confine_first = forbid_all;
    assert_allowed(read_a_page);
    confine_first = NULL;
}

/* Whoever asks is in no sandbox. */
static void what_is_forbidden_outside_is_found(void **state)
{
    (void)state;
    skip_without(sys_landlock_features().version > 0 && sys_has_syscall_filter());
    options = "sandbox: off";
    assert_refused(find_landlock, FOUND);
    assert_refused(find_filter, FOUND);
    confine_first = forbid_landlock;
    assert_refused(find_landlock, LACKING);
    assert_refused(find_filter, FOUND);
    confine_first = forbid_all;
    assert_refused(find_landlock, LACKING);
    confine_first = NULL;
    options = "";
}

/* ---- users ---- */

static int capabilities_left(void)
{
    char text[4096];
    int fd = open("/proc/thread-self/status", O_RDONLY);
    ssize_t length = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
    text[MAX(length, 0)] = '\0';
    const char *line = strstr(text, "CapEff:");
    return line ? (int)strtoul(line + strlen("CapEff:"), NULL, 16) : 98;
}

/* In whatever group. */
static void who_wants_root_keeps_its_files(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    int files = 1 << CAP_DAC_OVERRIDE | 1 << CAP_DAC_READ_SEARCH;
    options = "user: root";
    assert_int_equal(try_as(capabilities_left, NO_MORE, false), files);
    options = "user: 'root:1'";
    assert_int_equal(try_as(capabilities_left, NO_MORE, false), files);
    options = "user: '1:0'";
    assert_int_equal(try_as(capabilities_left, NO_MORE, false), 0);
    options = "";
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_forbidden_outside_is_left_out),
        cmocka_unit_test(what_is_forbidden_outside_is_found),
        cmocka_unit_test(who_wants_root_keeps_its_files),
    };
    return cmocka_run_group_tests(tests, make_world, end_world);
}
