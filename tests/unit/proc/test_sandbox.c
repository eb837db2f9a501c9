/* What a worker in its sandbox can do and cannot: each attempt is made by a child process that has entered it
 * as a worker does, once as root (which becomes another user) and once as somebody who has no rights to begin
 * with. */
#include "tests/unit/proc/sandboxed.h"

#include "proc/sandbox_scope.h"

#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>

/* ---- attempts ---- */

static int list_the_root(void)
{
    int fd = sys_open_beneath(root_fd, ".", OPEN_LIST);
    return fd < 0 ? -fd : 0;
}

static int read_a_secret_through_a_link(void)
{
    return of(open(way_out, O_RDONLY));
}

static int read_a_secret_from_the_root_upwards(void)
{
    return of(openat(root_fd, "../secret", O_RDONLY));
}

static int read_a_secret_through_proc(void)
{
    char path[64];
    int fd = open(outside, O_PATH);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    return fd < 0 ? errno : of(open(path, O_RDONLY));
}

static int list_the_folder_above(void)
{
    return of(open(folder, O_RDONLY | O_DIRECTORY));
}

static int list_a_folder_of_almost_that_name(void)
{
    char path[64];
    snprintf(path, sizeof(path), "%s/root-evil", folder);
    return of(open(path, O_RDONLY | O_DIRECTORY));
}

static int write_to_a_page(void)
{
    return of(open(inside, O_WRONLY));
}

static int make_a_file(void)
{
    char path[80];
    snprintf(path, sizeof(path), "%s.new", inside);
    return of(open(path, O_WRONLY | O_CREAT, 0600));
}

static int remove_a_page(void)
{
    return of(unlink(inside));
}

static int execute(void)
{
    char *words[] = {(char *)"/bin/true", NULL};
    return of(execve("/bin/true", words, words + 1));
}

static int execute_a_descriptor(void)
{
    char *words[] = {(char *)"true", NULL};
    int fd = open("/bin/true", O_PATH);
    return of(syscall(SYS_execveat, fd, "", words, words + 1, AT_EMPTY_PATH));
}

static int make_a_process(void)
{
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    return of(pid);
}

static int trace(void)
{
    return of(ptrace(PTRACE_ATTACH, stranger, NULL, NULL));
}

static int read_the_memory_of_another(void)
{
    char byte;
    struct iovec here = {&byte, 1}, there = {inside, 1};
    return of(process_vm_readv(stranger, &here, 1, &there, 1, 0));
}

static int signal_a_stranger(void)
{
    return of(kill(stranger, SIGTERM));
}

static int signal_the_parent(void)
{
    return of(kill(getppid(), SIGUSR2));
}

static int signal_a_thread_of_another(void)
{
    return of(syscall(SYS_tgkill, stranger, stranger, SIGTERM));
}

static int make_a_raw_socket(void)
{
    return of(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
}

static int make_a_unix_socket(void)
{
    return of(socket(AF_UNIX, SOCK_STREAM, 0));
}

static int make_a_unix_socket_for_datagrams(void)
{
    return of(socket(AF_UNIX, SOCK_DGRAM, 0));
}

static int ask_how_much_has_come(void)
{
    int count;
    return of(ioctl(socket_pair[0], FIONREAD, &count));
}

static int type_into_the_terminal(void)
{
    return of(ioctl(0, TIOCSTI, "x"));
}

/* The kernel looks at half of the word. */
static int type_into_the_terminal_in_other_words(void)
{
    return of(syscall(SYS_ioctl, 0, (UINT64_C(1) << 32) + TIOCSTI, "x"));
}

static int take_the_terminal(void)
{
    return of(ioctl(0, TIOCSCTTY, 1));
}

static int make_the_socket_blocking(void)
{
    return of(ioctl(socket_pair[0], FIONBIO, &(int){0}));
}

static int make_a_packet_socket(void)
{
    return of(socket(AF_PACKET, SOCK_RAW, 0));
}

static int make_a_vsock_socket(void)
{
    return of(socket(AF_VSOCK, SOCK_STREAM, 0));
}

static int make_a_pair_of_streams(void)
{
    int fds[2];
    return of(socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
}

static int make_a_pair_for_questions(void)
{
    int fds[2];
    return of(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds));
}

static int connect_to(uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    return fd < 0 ? errno : of(connect(fd, (struct sockaddr *)&address, sizeof(address)));
}

static int connect_to_the_server(void)
{
    return connect_to(9);
}

static int bind_a_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    return fd < 0 ? errno : of(bind(fd, (struct sockaddr *)&address, sizeof(address)));
}

static int mount_something(void)
{
    return of(mount("none", folder, "tmpfs", 0, NULL));
}

static int leave_for_another_namespace(void)
{
    return of(unshare(CLONE_NEWUSER));
}

static int become_root_again(void)
{
    return of(setuid(0));
}

static int make_memory_executable(void)
{
    return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? errno
                                                                                                     : 0;
}

static int make_a_ring(void)
{
    char parameters[256] = {0};
    return of(syscall(425, 8, parameters));
}

static int load_a_program_into_the_kernel(void)
{
    return of(syscall(SYS_bpf, 0, NULL, 0));
}

static int use_the_keyring(void)
{
    return of(syscall(SYS_keyctl, 0, 0, 0, 0, 0));
}

static int use_what_it_has(void)
{
    char byte = 0;
    return of(send(socket_pair[0], &byte, 1, MSG_NOSIGNAL)) ? errno : of(recv(socket_pair[1], &byte, 1, 0));
}

static void *thread_of_pool(void *result)
{
    *(int *)result = of(open(outside, O_RDONLY)) == EACCES && of(kill(stranger, 0)) == EPERM ? 0 : 97;
    return NULL;
}

static int start_a_thread(void)
{
    pthread_t thread;
    int result = 96, error = pthread_create(&thread, NULL, thread_of_pool, &result);
    if (error != 0)
        return error;
    pthread_join(thread, NULL);
    return result;
}

static int measure_waiting(void)
{
    return of(open("/proc/thread-self/schedstat", O_RDONLY));
}

/* ---- tests ---- */

/* The runtime of a sanitizer needs calls that are refused otherwise. */
#ifdef VIF_SANITIZED
#define IS_SANITIZED true
#else
#define IS_SANITIZED false
#endif

static void a_worker_can_serve(void **state)
{
    (void)state;
    assert_allowed(read_a_page);
    assert_allowed(list_the_root);
    assert_allowed(use_what_it_has);
    assert_allowed(start_a_thread);
    assert_allowed(make_a_pair_for_questions);
    assert_allowed(measure_waiting);
}

static void a_worker_reads_nothing_else(void **state)
{
    (void)state;
    skip_without(sys_landlock_features().version > 0);
    assert_refused(read_a_secret, EACCES);
    assert_refused(read_a_secret_through_a_link, EACCES);
    assert_refused(read_a_secret_from_the_root_upwards, EACCES);
    assert_refused(read_a_secret_through_proc, EACCES);
    assert_refused(list_the_folder_above, EACCES);
    assert_refused(list_a_folder_of_almost_that_name, EACCES);
}

static void a_worker_writes_nothing(void **state)
{
    (void)state;
    skip_without(sys_landlock_features().version > 0 && sys_has_syscall_filter());
    assert_refused(write_to_a_page, EACCES);
    assert_refused(make_a_file, EACCES);
    if (!IS_SANITIZED)
        assert_refused(remove_a_page, EPERM);
}

static void a_worker_starts_nothing(void **state)
{
    (void)state;
    skip_without(sys_has_syscall_filter());
    assert_refused(execute, EPERM);
    assert_refused(execute_a_descriptor, EPERM);
    assert_refused(load_a_program_into_the_kernel, EPERM);
    if (!IS_SANITIZED)
        assert_refused(make_a_process, EPERM);
    if (!IS_SANITIZED)
        assert_refused(make_memory_executable, EPERM);
}

static void a_worker_leaves_others_alone(void **state)
{
    (void)state;
    skip_without(sys_has_syscall_filter());
    assert_refused(signal_a_stranger, EPERM);
    assert_refused(signal_the_parent, EPERM);
    assert_refused(signal_a_thread_of_another, EPERM);
    assert_refused(trace, EPERM);
    assert_refused(read_the_memory_of_another, EPERM);
    assert_refused(use_the_keyring, EPERM);
    assert_refused(mount_something, EPERM);
    assert_refused(leave_for_another_namespace, EPERM);
    assert_refused(become_root_again, EPERM);
    assert_refused(make_a_ring, EPERM);
}

static void a_worker_makes_no_sockets(void **state)
{
    (void)state;
    skip_without(sys_has_syscall_filter());
    assert_refused(make_a_tcp_socket, EPERM);
    assert_refused(make_a_raw_socket, EPERM);
    assert_refused(make_a_unix_socket, EPERM);
    assert_refused(make_a_packet_socket, EPERM);
    assert_refused(make_a_vsock_socket, EPERM);
    if (!IS_SANITIZED)
        assert_refused(make_a_pair_of_streams, EPERM);
}

static void a_worker_that_forwards_connects_and_no_more(void **state)
{
    (void)state;
    skip_without(sys_has_syscall_filter());
    assert_result("connect_to_the_server", connect_to_the_server, WITH_PROXY, ECONNREFUSED);
    assert_result("make_a_raw_socket", make_a_raw_socket, WITH_PROXY, EPERM);
    assert_result("make_a_unix_socket", make_a_unix_socket, WITH_PROXY, EPERM);
    assert_result("bind_a_port", bind_a_port, WITH_PROXY, EPERM);
}

/* Over TCP it may reach nobody, the control socket only where servers have such sockets, too. */
static void a_worker_that_forwards_to_unix_sockets_makes_these_only(void **state)
{
    (void)state;
    skip_without(sys_has_syscall_filter());
    assert_result("make_a_unix_socket", make_a_unix_socket, WITH_UNIX, 0);
    assert_result("make_a_tcp_socket", make_a_tcp_socket, WITH_UNIX, EPERM);
    assert_result("make_a_unix_socket_for_datagrams", make_a_unix_socket_for_datagrams, WITH_UNIX, EPERM);
}

/* On some machine's kernel a terminal can be made to believe that its user has typed something. */
static void a_worker_asks_devices_and_tells_them_nothing(void **state)
{
    (void)state;
    skip_without(sys_has_syscall_filter());
    assert_allowed(ask_how_much_has_come);
    assert_refused(type_into_the_terminal, EPERM);
    assert_refused(type_into_the_terminal_in_other_words, EPERM);
    assert_refused(take_the_terminal, EPERM);
    assert_refused(make_the_socket_blocking, EPERM);
}

static void workers_serve_what_their_sandbox_has(void **state)
{
    static const struct {
        const char *former, *next;
        bool covers;
    } cases[] = {
        {NO_MORE, NO_MORE, true},
        {NO_MORE, WITH_PROXY, false},
        {WITH_PROXY, NO_MORE, true},
        {WITH_PROXY, "}, {hosts: [b.example], routes: {/: {proxy: 'http://other:9'}}}", true},
        {WITH_PROXY, WITH_UNIX, false},
        {WITH_UNIX, WITH_PROXY, false},
        {WITH_UNIX, NO_MORE, true},
        {NO_MORE, "}, {hosts: [a.example], routes: {/: {files: /tmp}}}", false},
        {"}, {hosts: [a.example], routes: {/: {files: /tmp}}}", NO_MORE, true},
        {"}, {hosts: [a.example], routes: {/: {files: /tmp}}}",
         "}, {hosts: [a.example], routes: {/: {files: /}}}", false},
        {"}, {hosts: [a.example], routes: {/: {files: /usr}}}",
         "}, {hosts: [a.example], routes: {/: {files: /usr/lib}}}", true},
        {"}, {hosts: [a.example], routes: {/: {files: /usr/lib}}}",
         "}, {hosts: [a.example], routes: {/: {files: /usr/libexec}}}", false},
        {"}, {hosts: [a.example], routes: {/: {files: {root: /tmp, follow_links: true}}}}",
         "}, {hosts: [a.example], routes: {/: {files: /}}}", true},
        {NO_MORE, "}, {hosts: [a.example], routes: {/: {files: {root: /tmp, follow_links: true}}}}", false},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct config *former = load(cases[i].former), *next = load(cases[i].next);
        struct sandbox_scope before = sandbox_scope_of(former), after = sandbox_scope_of(next);
        if (sandbox_scope_covers(&before, &after) != cases[i].covers)
            fail_msg("case %zu", i);
        config_destroy(former);
        config_destroy(next);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_worker_can_serve),
        cmocka_unit_test(a_worker_reads_nothing_else),
        cmocka_unit_test(a_worker_writes_nothing),
        cmocka_unit_test(a_worker_starts_nothing),
        cmocka_unit_test(a_worker_leaves_others_alone),
        cmocka_unit_test(a_worker_makes_no_sockets),
        cmocka_unit_test(a_worker_that_forwards_connects_and_no_more),
        cmocka_unit_test(a_worker_that_forwards_to_unix_sockets_makes_these_only),
        cmocka_unit_test(a_worker_asks_devices_and_tells_them_nothing),
        cmocka_unit_test(workers_serve_what_their_sandbox_has),
    };
    return cmocka_run_group_tests(tests, make_world, end_world);
}
