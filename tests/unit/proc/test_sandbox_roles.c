/* What the master's children that work on files can do and cannot: each attempt is made by a child process
 * that has given up what they give up, as root and as somebody. */
#include "tests/unit/proc/sandboxed.h"

#include "sys/syscall_filter.h"

#include <poll.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/ptrace.h>

#ifdef VIF_SANITIZED
#define IS_SANITIZED true /* its runtime needs calls that are refused otherwise */
#else
#define IS_SANITIZED false
#endif

/* ---- attempts ---- */

static int execute(void)
{
    char *words[] = {(char *)"/bin/true", NULL};
    return of(execve("/bin/true", words, words + 1));
}

static int make_a_process(void)
{
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    return of(pid);
}

static void *do_nothing(void *context)
{
    return context;
}

static int make_a_thread(void)
{
    pthread_t thread;
    return pthread_create(&thread, NULL, do_nothing, NULL);
}

static int trace(void)
{
    return of(ptrace(PTRACE_ATTACH, stranger, NULL, NULL));
}

static int signal_a_stranger(void)
{
    return of(kill(stranger, SIGTERM));
}

static int make_a_unix_socket(void)
{
    return of(socket(AF_UNIX, SOCK_STREAM, 0));
}

static int make_a_pair(void)
{
    int fds[2];
    return of(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds));
}

static int send_to_a_socket_that_it_has(void)
{
    return of(send(socket_pair[0], "x", 1, MSG_NOSIGNAL));
}

static int become_root_again(void)
{
    return of(setuid(0));
}

static int make_memory_executable(void)
{
    void *memory = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? errno : 0;
}

static int change_the_root(void)
{
    return of(chroot(folder));
}

static int wait_a_moment(void)
{
    return of(poll(NULL, 0, 1));
}

static char own_folder[64]; /* of this attempt */

static const char *own(const char *name)
{
    static char paths[2][96];
    static unsigned turn;
    char *path = paths[turn++ % 2];
    snprintf(path, sizeof(paths[0]), "%s/%s", own_folder, name);
    return path;
}

static int read_a_file(void)
{
    char bytes[4];
    int fd = open(inside, O_RDONLY);
    return fd < 0 ? errno : of(read(fd, bytes, sizeof(bytes)));
}

static int rename_a_file(void)
{
    return of(rename(own("log"), own("log.1")));
}

static int remove_a_file(void)
{
    return of(unlink(own("log")));
}

static int make_a_file_for_all(void)
{
    int fd = open(own("new"), O_WRONLY | O_CREAT | O_EXCL, 0600);
    return fd < 0 ? errno : of(fchmod(fd, 0644));
}

/* ---- children ---- */

static _Noreturn void live_in_role(int (*attempt)(void), enum sandbox_role role, bool as_somebody)
{
    if (as_somebody && geteuid() == 0 && sys_become(SOMEBODY, SOMEBODY, 0) < 0)
        _exit(201);
    int fd = open(own("log"), O_WRONLY | O_CREAT, 0600);
    if (fd < 0 || sandbox_enter_role(role) < 0)
        _exit(202);
    _exit(attempt());
}

static void assert_in_role(const char *name, int (*attempt)(void), enum sandbox_role role, int wanted)
{
    for (int as_somebody = 0; as_somebody < 2; as_somebody++) {
        int status;
        snprintf(own_folder, sizeof(own_folder), "%s/own-XXXXXX", folder);
        assert_non_null(mkdtemp(own_folder));
        assert_int_equal(chmod(own_folder, 0777), 0);
        pid_t pid = fork();
        if (pid == 0)
            live_in_role(attempt, role, as_somebody);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        if (WEXITSTATUS(status) != wanted)
            fail_msg("%s%s: %d (%s) instead of %d", name, as_somebody ? " as somebody" : "",
                     WEXITSTATUS(status), strerror(WEXITSTATUS(status)), wanted);
    }
}
#define assert_role(role, attempt, wanted) assert_in_role(#attempt, attempt, role, wanted)

static const enum sandbox_role roles[] = {SANDBOX_READS_FILES, SANDBOX_CHANGES_FILES};

/* ---- tests ---- */

static void neither_starts_anything(void **state)
{
    (void)state;
    skip_without(sys_has_syscall_filter());
    for (size_t i = 0; i < ARRAY_LENGTH(roles); i++) {
        assert_role(roles[i], execute, EPERM);
        assert_role(roles[i], signal_a_stranger, EPERM);
        assert_role(roles[i], become_root_again, EPERM);
        assert_role(roles[i], change_the_root, EPERM);
        assert_role(roles[i], trace, EPERM);
        if (IS_SANITIZED)
            continue;
        assert_role(roles[i], make_a_process, EPERM);
        assert_role(roles[i], make_a_thread, EPERM);
        assert_role(roles[i], make_memory_executable, EPERM);
    }
}

static void neither_uses_sockets(void **state)
{
    (void)state;
    skip_without(sys_has_syscall_filter());
    for (size_t i = 0; i < ARRAY_LENGTH(roles); i++) {
        assert_role(roles[i], make_a_tcp_socket, EPERM);
        assert_role(roles[i], make_a_unix_socket, EPERM);
        assert_role(roles[i], send_to_a_socket_that_it_has, EPERM);
        if (!IS_SANITIZED)
            assert_role(roles[i], make_a_pair, EPERM);
    }
}

static void both_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(roles); i++) {
        assert_role(roles[i], read_a_file, 0);
        assert_role(roles[i], wait_a_moment, 0);
    }
}

static void only_the_one_for_logs_changes_files(void **state)
{
    (void)state;
    assert_role(SANDBOX_CHANGES_FILES, rename_a_file, 0);
    assert_role(SANDBOX_CHANGES_FILES, remove_a_file, 0);
    assert_role(SANDBOX_CHANGES_FILES, make_a_file_for_all, 0);
    skip_without(sys_has_syscall_filter());
    assert_role(SANDBOX_READS_FILES, rename_a_file, EPERM);
    assert_role(SANDBOX_READS_FILES, make_a_file_for_all, EPERM);
    if (!IS_SANITIZED)
        assert_role(SANDBOX_READS_FILES, remove_a_file, EPERM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(neither_starts_anything),
        cmocka_unit_test(neither_uses_sockets),
        cmocka_unit_test(both_read),
        cmocka_unit_test(only_the_one_for_logs_changes_files),
    };
    return cmocka_run_group_tests(tests, make_world, end_world);
}
