/* Thin wrappers of sigaction(2), pthread_sigmask(3) and signalfd(2). */
#include "sys/signal.h"

#include <errno.h>
#include <stdarg.h>
#include <sys/signalfd.h>
#include <unistd.h>

sigset_t sys_signal_set(int first, ...)
{
    sigset_t signals;
    sigemptyset(&signals);
    va_list rest;
    va_start(rest, first);
    for (int number = first; number != 0; number = va_arg(rest, int))
        sigaddset(&signals, number);
    va_end(rest);
    return signals;
}

void sys_signal_block(const sigset_t *signals, sigset_t *ret_before)
{
    int error = pthread_sigmask(SIG_BLOCK, signals, ret_before);
    assert(error == 0);
    (void)error;
}

void sys_signal_restore(const sigset_t *before)
{
    int error = pthread_sigmask(SIG_SETMASK, before, NULL);
    assert(error == 0);
    (void)error;
}

void sys_signal_ignore(int signal)
{
    sigaction(signal, &(struct sigaction){.sa_handler = SIG_IGN}, NULL);
}

void sys_signal_handle(const sigset_t *signals, void (*handler)(int signal))
{
    struct sigaction action = {.sa_handler = handler, .sa_mask = *signals};
    for (int signal = 1; signal < NSIG; signal++) {
        if (sigismember(signals, signal))
            sigaction(signal, &action, NULL);
    }
    pthread_sigmask(SIG_UNBLOCK, signals, NULL);
}

void sys_signal_set_default(int signal)
{
    sigaction(signal, &(struct sigaction){.sa_handler = SIG_DFL}, NULL);
}

int sys_signal_open(const sigset_t *signals)
{
    int fd = signalfd(-1, signals, SFD_NONBLOCK | SFD_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

bool sys_signal_next(int signal_fd, struct signal_seen *ret_seen)
{
    struct signalfd_siginfo info;
    ssize_t got;
    do
        got = read(signal_fd, &info, sizeof(info));
    while (got < 0 && errno == EINTR);
    if (got != sizeof(info))
        return false;
    *ret_seen = (struct signal_seen){
        .number = (int)info.ssi_signo,
        .sender = (pid_t)info.ssi_pid,
        .from_kernel = info.ssi_code == SI_KERNEL,
    };
    return true;
}
