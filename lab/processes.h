/* A parent process and the server processes that it supervises. */
#ifndef LAB_PROCESSES_H
#define LAB_PROCESSES_H

#include "base/compiler.h"

/* Forks `count` processes, numbered from 0, each of which calls `run` and exits with its result. Replaces
 * each process that ends, so that a crash affects only the clients of one process. They all end with this
 * process. Returns -errno if none could be forked, else never. */
int lab_run_processes(unsigned count, int (*run)(void *context, unsigned number), void *context) MUST_CHECK;

/* Ends the processes of lab_run_processes and waits for them; does nothing in one of them, or if there are
 * none. For a handler of SIGTERM and SIGINT, before the process exits. */
void lab_end_processes(void);

#endif
