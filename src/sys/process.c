/* Thin wrappers of fork(2), waitpid(2), prctl(2) and related calls. */
#include "sys/process.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <malloc.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

pid_t sys_fork(void)
{
    fflush(NULL);
    pid_t pid = fork();
    return pid < 0 ? -errno : pid;
}

pid_t sys_process_id(void)
{
    return getpid();
}

pid_t sys_parent_id(void)
{
    return getppid();
}

_Noreturn void sys_exit_at_once(int status)
{
    _exit(status);
}

bool sys_end_with_parent(pid_t parent, int signal)
{
    prctl(PR_SET_PDEATHSIG, signal);
    return getppid() == parent; /* it may have ended before the call */
}

void sys_name_process(const char *name)
{
    prctl(PR_SET_NAME, name);
}

static struct process_change process_read_status(int status)
{
    if (WIFSIGNALED(status))
        return (struct process_change){.fate = PROCESS_KILLED, .number = WTERMSIG(status)};
    if (WIFSTOPPED(status))
        return (struct process_change){.fate = PROCESS_STOPPED, .number = WSTOPSIG(status)};
    if (WIFCONTINUED(status))
        return (struct process_change){.fate = PROCESS_CONTINUED};
    return (struct process_change){.fate = PROCESS_EXITED, .number = WEXITSTATUS(status)};
}

bool sys_reap(struct process_change *ret_change)
{
    int status;
    pid_t pid;
    do
        pid = waitpid(-1, &status, WNOHANG | WUNTRACED | WCONTINUED);
    while (pid < 0 && errno == EINTR);
    if (pid <= 0)
        return false;
    *ret_change = process_read_status(status);
    ret_change->pid = pid;
    return true;
}

void sys_kill(pid_t pid, int signal)
{
    assert(pid > 0);
    kill(pid, signal);
}

bool sys_process_exists(pid_t pid)
{
    assert(pid > 0);
    return kill(pid, 0) == 0 || errno == EPERM;
}

int sys_pipe(int ret_fds[2])
{
    return pipe2(ret_fds, O_CLOEXEC) < 0 ? -errno : 0;
}

void sys_pipe_put(int fd)
{
    ssize_t written = write(fd, "", 1);
    (void)written;
}

bool sys_pipe_take(int fd)
{
    char byte;
    ssize_t got;
    do
        got = read(fd, &byte, 1);
    while (got < 0 && errno == EINTR);
    return got == 1;
}

int sys_poll(struct pollfd *fds, nfds_t count, int timeout_ms)
{
    int ready = poll(fds, count, timeout_ms);
    if (ready >= 0)
        return ready;
    return errno == EINTR ? 0 : -errno;
}

unsigned sys_cores(void)
{
    cpu_set_t cores;
    /* The call fails on machines with more cores than the set can hold: count the cores that are online
     * then. */
    if (sched_getaffinity(0, sizeof(cores), &cores) == 0)
        return (unsigned)CPU_COUNT(&cores);
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online > 0 ? (unsigned)online : 1;
}

int sys_waiting_open(void)
{
    int fd = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

/* The file contains three numbers: nanoseconds on a core, nanoseconds waiting for one, number of times on
 * a core. */
uint64_t sys_waiting_ns(int fd)
{
    char text[80];
    ssize_t length = pread(fd, text, sizeof(text) - 1, 0);
    if (length <= 0)
        return 0;
    text[length] = '\0';
    char *rest;
    strtoull(text, &rest, 10);
    return strtoull(rest, NULL, 10);
}

static uint64_t read_waiting_ns(void)
{
    int fd = sys_waiting_open();
    if (fd < 0)
        return 0;
    uint64_t waiting_ns = sys_waiting_ns(fd);
    close(fd);
    return waiting_ns;
}

struct thread_time sys_thread_time(void)
{
    struct timespec running;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &running);
    return (struct thread_time){
        .running_ns = (uint64_t)running.tv_sec * 1000000000 + (uint64_t)running.tv_nsec,
        .waiting_ns = read_waiting_ns(),
    };
}

size_t sys_raise_descriptor_limit(void)
{
    struct rlimit limit = {0};
    getrlimit(RLIMIT_NOFILE, &limit);
    struct rlimit raised = {.rlim_cur = limit.rlim_max, .rlim_max = limit.rlim_max};
    return setrlimit(RLIMIT_NOFILE, &raised) == 0 ? raised.rlim_cur : limit.rlim_cur;
}

void sys_give_memory_back(void)
{
#ifdef __GLIBC__
    malloc_trim(0);
#endif
}

void *sys_shared_memory(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

void sys_shared_memory_free(void *memory, size_t size)
{
    if (memory)
        munmap(memory, size);
}

void sys_yield(void)
{
    sched_yield();
}

/* ioprio_set(2) has no header: the class "idle" of this process. */
#define IO_OF_PROCESS 1
#define IO_IDLE       (3 << 13)

void sys_go_last(void)
{
    setpriority(PRIO_PROCESS, 0, 19);
    syscall(SYS_ioprio_set, IO_OF_PROCESS, 0, IO_IDLE);
}

static void close_range_of(int first, int last)
{
    /* Linux 5.9 has close_range(2). */
    if (first > last || syscall(SYS_close_range, (unsigned)first, (unsigned)last, 0) == 0)
        return;
    struct rlimit limit = {.rlim_cur = 1024};
    getrlimit(RLIMIT_NOFILE, &limit);
    for (int fd = first; fd <= last && (rlim_t)fd < limit.rlim_cur; fd++)
        close(fd);
}

void sys_close_all_but(int one_fd, int other_fd)
{
    int low = one_fd < other_fd ? one_fd : other_fd, high = one_fd < other_fd ? other_fd : one_fd;
    close_range_of(3, low - 1);
    close_range_of((low < 2 ? 2 : low) + 1, high - 1);
    close_range_of((high < 2 ? 2 : high) + 1, INT_MAX);
}
