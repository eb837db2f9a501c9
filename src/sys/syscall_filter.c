/* A list of what is allowed. Calls of a hot request are allowed whatever their arguments: the kernel
 * remembers that in a bitmap and does not run the filter for them.
 *
 * EPERM rather than the end of the process: a library that tries a call and does without it, as many do, must
 * not take all requests of a worker with it, and an attacker gains nothing from a call that fails. The
 * kernel's log names the process and the number of the call.
 *
 * A second filter refuses what the C library tries as a matter of course: these refusals are not worth a
 * line. */
#include "sys/syscall_filter.h"

#include <errno.h>

#ifdef HAVE_SECCOMP

#include <linux/prctl.h>
#include <linux/sockios.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef __NR_cachestat
#define __NR_cachestat 451
#endif

/* What a worker calls besides `of_files`: for sockets, events and threads. First those of each request, then
 * those of each connection, then the rest. */
static const int of_workers[] = {
    SCMP_SYS(recvfrom),
    SCMP_SYS(sendto),
    SCMP_SYS(epoll_wait),
    SCMP_SYS(epoll_pwait),
    SCMP_SYS(sendfile),
    SCMP_SYS(sendmsg),
    SCMP_SYS(recvmsg),
    SCMP_SYS(select),
    SCMP_SYS(pselect6),
    SCMP_SYS(accept4),
    SCMP_SYS(epoll_ctl),
    SCMP_SYS(setsockopt),
    SCMP_SYS(getsockopt),
    SCMP_SYS(shutdown),
    SCMP_SYS(getsockname),
    SCMP_SYS(getpeername),
    SCMP_SYS(pwritev2),
    SCMP_SYS(readahead),
    __NR_cachestat,
    SCMP_SYS(mincore),
    SCMP_SYS(pipe2),
    SCMP_SYS(epoll_create1),
    SCMP_SYS(eventfd2),
    SCMP_SYS(signalfd4),
    SCMP_SYS(timerfd_create),
    SCMP_SYS(timerfd_settime),
    SCMP_SYS(timerfd_gettime),
    SCMP_SYS(inotify_init1),
    SCMP_SYS(inotify_rm_watch),
    SCMP_SYS(sendmmsg),
    SCMP_SYS(recvmmsg),
    SCMP_SYS(membarrier),
    SCMP_SYS(get_robust_list),
    SCMP_SYS(sched_getparam),
    SCMP_SYS(sched_getscheduler),
    SCMP_SYS(clone3), /* see filter_fill_quiet */
};

/* What everybody may call: to work on files that are open already or that may be opened, and on one's own
 * memory. */
static const int of_files[] = {
    SCMP_SYS(read),
    SCMP_SYS(write),
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    SCMP_SYS(close),
    SCMP_SYS(futex),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(pread64),
    SCMP_SYS(preadv),
    SCMP_SYS(preadv2),
    SCMP_SYS(writev),
    SCMP_SYS(lseek),
    SCMP_SYS(openat2),
    SCMP_SYS(openat),
    SCMP_SYS(open),
    SCMP_SYS(fstat),
    SCMP_SYS(newfstatat),
    SCMP_SYS(stat),
    SCMP_SYS(lstat),
    SCMP_SYS(statx),
    SCMP_SYS(fstatfs),
    SCMP_SYS(statfs),
    SCMP_SYS(fadvise64),
    SCMP_SYS(getdents64),
    SCMP_SYS(readlink),
    SCMP_SYS(readlinkat),
    SCMP_SYS(access),
    SCMP_SYS(faccessat),
    SCMP_SYS(faccessat2),
    SCMP_SYS(ftruncate),
    SCMP_SYS(fsync),
    SCMP_SYS(fdatasync),
    SCMP_SYS(fcntl),
    SCMP_SYS(dup),
    SCMP_SYS(dup2),
    SCMP_SYS(dup3),
    SCMP_SYS(inotify_add_watch),
    SCMP_SYS(getrandom),
    SCMP_SYS(brk),
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(madvise),
    SCMP_SYS(rseq),
    SCMP_SYS(set_robust_list),
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(sigaltstack),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(nanosleep),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(clock_getres),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(time),
    SCMP_SYS(getpid),
    SCMP_SYS(getppid),
    SCMP_SYS(gettid),
    SCMP_SYS(getuid),
    SCMP_SYS(geteuid),
    SCMP_SYS(getgid),
    SCMP_SYS(getegid),
    SCMP_SYS(getrusage),
    SCMP_SYS(getcpu),
    SCMP_SYS(sched_yield),
    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(sysinfo),
    SCMP_SYS(uname),
    SCMP_SYS(umask),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
};

static const int of_changes[] = {
    SCMP_SYS(rename), SCMP_SYS(renameat), SCMP_SYS(renameat2), SCMP_SYS(link),   SCMP_SYS(linkat),
    SCMP_SYS(unlink), SCMP_SYS(unlinkat), SCMP_SYS(fchown),    SCMP_SYS(fchmod),
};

static const int of_ring[] = {
    SCMP_SYS(io_uring_enter),
    SCMP_SYS(io_uring_setup),
    SCMP_SYS(io_uring_register),
};

static const int of_connections[] = {SCMP_SYS(connect)};

/* Questions; what a terminal would be told to do, such as TIOCSTI, is not among them. */
static const unsigned long of_ioctl[] = {SIOCOUTQ, FIONREAD, TCGETS, TIOCGWINSZ};

#ifdef VIF_SANITIZED
/* The sanitizers' runtime looks at its own memory, and its search for leaks stops the other threads. */
static const int of_sanitizers[] = {
    SCMP_SYS(mmap),
    SCMP_SYS(mprotect),
    SCMP_SYS(prctl),
    SCMP_SYS(clone),
    SCMP_SYS(personality),
    SCMP_SYS(tgkill),
    SCMP_SYS(process_vm_readv),
    SCMP_SYS(ptrace),
    SCMP_SYS(wait4),
    SCMP_SYS(prlimit64),
    SCMP_SYS(unlink),
    SCMP_SYS(getrlimit),
    SCMP_SYS(arch_prctl),
    SCMP_SYS(getdents),
    SCMP_SYS(open),
    SCMP_SYS(stat),
    SCMP_SYS(readlink),
    SCMP_SYS(socketpair),
};
#endif

/* The first failure is remembered; nothing is added after it. */
struct filter {
    scmp_filter_ctx rules;
    int error;
};

static void filter_allow(struct filter *filter, const int *calls, size_t count)
{
    for (size_t i = 0; i < count && filter->error == 0; i++)
        filter->error = seccomp_rule_add(filter->rules, SCMP_ACT_ALLOW, calls[i], 0);
}

static void filter_allow_if(struct filter *filter, int call, unsigned count, const struct scmp_arg_cmp *tests)
{
    if (filter->error == 0)
        filter->error = seccomp_rule_add_array(filter->rules, SCMP_ACT_ALLOW, call, count, tests);
}

static void filter_allow_value(struct filter *filter, int call, unsigned argument, uint64_t value)
{
    struct scmp_arg_cmp test = SCMP_CMP(argument, SCMP_CMP_EQ, value);
    filter_allow_if(filter, call, 1, &test);
}

static void filter_allow_bits(struct filter *filter, int call, unsigned argument, uint64_t mask,
                              uint64_t value)
{
    struct scmp_arg_cmp test = SCMP_CMP(argument, SCMP_CMP_MASKED_EQ, mask, value);
    filter_allow_if(filter, call, 1, &test);
}

/* Memory that can be executed cannot be made. */
static void filter_allow_memory(struct filter *filter)
{
    filter_allow_bits(filter, SCMP_SYS(mmap), 2, PROT_EXEC, 0);
    filter_allow_bits(filter, SCMP_SYS(mprotect), 2, PROT_EXEC, 0);
    filter_allow_value(filter, SCMP_SYS(tgkill), 0, (uint64_t)getpid()); /* abort(3) */
    filter_allow_value(filter, SCMP_SYS(prlimit64), 2, 0);               /* only asks */
}

/* Other processes cannot be made; threads can. */
static void filter_allow_threads(struct filter *filter)
{
    filter_allow_bits(filter, SCMP_SYS(clone), 0, CLONE_THREAD | CLONE_VM, CLONE_THREAD | CLONE_VM);
    filter_allow_value(filter, SCMP_SYS(prctl), 0, PR_SET_PDEATHSIG);
    filter_allow_value(filter, SCMP_SYS(prctl), 0, PR_SET_NAME);
    for (size_t i = 0; i < ARRAY_LENGTH(of_ioctl); i++)
        filter_allow_value(filter, SCMP_SYS(ioctl), 1, of_ioctl[i]);
}

static void filter_allow_socket(struct filter *filter, int call, int family, int type)
{
    struct scmp_arg_cmp tests[] = {
        SCMP_CMP(0, SCMP_CMP_EQ, (uint64_t)family),
        SCMP_CMP(1, SCMP_CMP_MASKED_EQ, ~(uint64_t)(SOCK_NONBLOCK | SOCK_CLOEXEC), (uint64_t)type),
    };
    filter_allow_if(filter, call, ARRAY_LENGTH(tests), tests);
}

/* Datagrams ask for addresses of other servers. */
static void filter_allow_sockets(struct filter *filter, const struct syscall_needs *needs)
{
    static const int families[] = {AF_INET, AF_INET6};
    filter_allow_socket(filter, SCMP_SYS(socketpair), AF_UNIX, SOCK_SEQPACKET);
    for (size_t i = 0; i < ARRAY_LENGTH(families) && needs->connects; i++) {
        filter_allow_socket(filter, SCMP_SYS(socket), families[i], SOCK_STREAM);
        filter_allow_socket(filter, SCMP_SYS(socket), families[i], SOCK_DGRAM);
    }
    if (needs->connects_unix)
        filter_allow_socket(filter, SCMP_SYS(socket), AF_UNIX, SOCK_STREAM);
    if (needs->connects || needs->connects_unix)
        filter_allow(filter, of_connections, ARRAY_LENGTH(of_connections));
}

/* Not every kernel has it; and none if seccomp(2) is forbidden. */
static void filter_prefer(struct filter *filter, enum scmp_filter_attr what)
{
    int error = filter->error == 0 ? seccomp_attr_set(filter->rules, what, 1) : 0;
    if (error != -EOPNOTSUPP && filter->error == 0)
        filter->error = error;
}

static void filter_fill(struct filter *filter, const void *context)
{
    const struct syscall_needs *needs = context;
    filter_prefer(filter, SCMP_FLTATR_CTL_LOG);
    filter_allow(filter, of_workers, ARRAY_LENGTH(of_workers));
    filter_allow(filter, of_files, ARRAY_LENGTH(of_files));
    filter_allow_memory(filter);
    filter_allow_threads(filter);
    filter_allow_sockets(filter, needs);
    if (needs->has_ring)
        filter_allow(filter, of_ring, ARRAY_LENGTH(of_ring));
#ifdef VIF_SANITIZED
    filter_allow(filter, of_sanitizers, ARRAY_LENGTH(of_sanitizers));
#endif
}

static void filter_fill_files(struct filter *filter, const void *context)
{
    const bool *changes = context;
    filter_prefer(filter, SCMP_FLTATR_CTL_LOG);
    filter_allow(filter, of_files, ARRAY_LENGTH(of_files));
    filter_allow_memory(filter);
    if (*changes)
        filter_allow(filter, of_changes, ARRAY_LENGTH(of_changes));
#ifdef VIF_SANITIZED
    filter_allow(filter, of_sanitizers, ARRAY_LENGTH(of_sanitizers));
#endif
}

/* Its arguments are in memory, where no filter can look: the C library takes clone(2) instead. With the other
 * it asks for the addresses of this machine, and does without. */
static void filter_fill_quiet(struct filter *filter, const void *context)
{
    (void)context;
    struct scmp_arg_cmp is_netlink = SCMP_CMP(0, SCMP_CMP_EQ, AF_NETLINK);
    filter->error = seccomp_rule_add(filter->rules, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
    if (filter->error == 0)
        filter->error = seccomp_rule_add_array(filter->rules, SCMP_ACT_ERRNO(EAFNOSUPPORT), SCMP_SYS(socket),
                                               1, &is_netlink);
}

bool sys_has_syscall_filter(void)
{
    return prctl(PR_GET_SECCOMP, 0, 0, 0, 0) >= 0;
}

typedef void filter_filler(struct filter *filter, const void *context);

static int filter_load(uint32_t otherwise, filter_filler *fill, const void *context)
{
    struct filter filter = {.rules = seccomp_init(otherwise)};
    if (filter.rules == NULL)
        return -ENOMEM;
    fill(&filter, context);
    filter_prefer(&filter, SCMP_FLTATR_CTL_SSB);
    filter_prefer(&filter, SCMP_FLTATR_CTL_TSYNC);
    filter_prefer(&filter, SCMP_FLTATR_API_SYSRAWRC);
    if (filter.error == 0)
        filter.error = seccomp_load(filter.rules);
    seccomp_release(filter.rules);
    return filter.error;
}

int sys_filter_syscalls(const struct syscall_needs *needs)
{
    int error = filter_load(SCMP_ACT_ALLOW, filter_fill_quiet, NULL);
    return error < 0 ? error : filter_load(SCMP_ACT_ERRNO(EPERM), filter_fill, needs);
}

int sys_filter_to_files(bool changes)
{
    return filter_load(SCMP_ACT_ERRNO(EPERM), filter_fill_files, &changes);
}

#else

bool sys_has_syscall_filter(void)
{
    return false;
}

int sys_filter_syscalls(const struct syscall_needs *needs)
{
    (void)needs;
    return -ENOTSUP;
}

int sys_filter_to_files(bool changes)
{
    (void)changes;
    return -ENOTSUP;
}

#endif
