/* The parent process (Apache's parent, vif's master): forks and waits, and handles no requests. */
#include "lab/processes.h"

#include "sys/process.h"
#include "sys/signal.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PROCESSES_MAX 256

/* Processes that fail at the start are not forked again in a busy loop. */
#define PAUSE_MS 100

/* What a handler of signals may look at: changed only while the signals are blocked. */
static pid_t pids[PROCESSES_MAX]; /* 0 or less: none */
static unsigned pid_count;

/* Signals are blocked between a fork and recording the child, or the child could be missed. */
static void start(int (*run)(void *context, unsigned number), void *context, unsigned number)
{
    sigset_t before;
    sigset_t signals = sys_signal_set(SIGTERM, SIGINT, 0);
    pid_t parent = getpid();
    sys_signal_block(&signals, &before);
    pids[number] = sys_fork();
    if (pids[number] != 0) {
        sys_signal_restore(&before);
        return;
    }
    pid_count = 0; /* they are the parent's */
    sys_signal_restore(&before);
    if (!sys_end_with_parent(parent, SIGTERM))
        _exit(0);
    _exit(run(context, number) < 0 ? 1 : 0);
}

static unsigned number_of(pid_t pid)
{
    unsigned number = 0;
    while (number < pid_count && pids[number] != pid)
        number++;
    return number;
}

void lab_end_processes(void)
{
    for (unsigned i = 0; i < pid_count; i++) {
        if (pids[i] > 0)
            kill(pids[i], SIGTERM);
    }
    for (unsigned i = 0; i < pid_count; i++) {
        while (pids[i] > 0 && waitpid(pids[i], NULL, 0) < 0 && errno == EINTR)
            continue;
    }
}

int lab_run_processes(unsigned count, int (*run)(void *context, unsigned number), void *context)
{
    pid_count = MIN(count, (unsigned)PROCESSES_MAX);
    for (unsigned i = 0; i < pid_count; i++)
        start(run, context, i);
    for (;;) {
        pid_t pid = waitpid(-1, NULL, 0);
        if (pid < 0 && errno == ECHILD)
            return -EAGAIN;
        unsigned number = number_of(pid);
        if (number == pid_count)
            continue;
        nanosleep(&(struct timespec){.tv_nsec = PAUSE_MS * 1000000L}, NULL);
        start(run, context, number);
    }
}
