/* What Apache calls the parent and vif the master: it forks and waits, and touches no request. */
#include "lab/processes.h"

#include "sys/process.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PROCESSES_MAX 256

/* Processes that cannot even begin are not forked as fast as the machine can. */
#define PAUSE_MS 100

static pid_t start(int (*run)(void *context, unsigned number), void *context, unsigned number)
{
    pid_t parent = getpid();
    pid_t pid = sys_fork();
    if (pid != 0)
        return pid;
    if (!sys_end_with_parent(parent, SIGTERM))
        _exit(0);
    _exit(run(context, number) < 0 ? 1 : 0);
}

static unsigned number_of(const pid_t *pids, unsigned count, pid_t pid)
{
    unsigned number = 0;
    while (number < count && pids[number] != pid)
        number++;
    return number;
}

int lab_run_processes(unsigned count, int (*run)(void *context, unsigned number), void *context)
{
    pid_t pids[PROCESSES_MAX];
    count = MIN(count, (unsigned)PROCESSES_MAX);
    for (unsigned i = 0; i < count; i++)
        pids[i] = start(run, context, i);
    for (;;) {
        pid_t pid = waitpid(-1, NULL, 0);
        if (pid < 0 && errno == ECHILD)
            return -EAGAIN;
        unsigned number = number_of(pids, count, pid);
        if (number == count)
            continue;
        nanosleep(&(struct timespec){.tv_nsec = PAUSE_MS * 1000000L}, NULL);
        pids[number] = start(run, context, number);
    }
}
