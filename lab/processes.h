/* Processes that serve side by side, and one that watches over them. */
#ifndef LAB_PROCESSES_H
#define LAB_PROCESSES_H

#include "base/compiler.h"

/* Forks `count` processes, numbered from 0, each of which calls `run` and ends with what it returns; forks
 * another in place of each that ends, so that a crash costs no more than the clients of one. They all end
 * with this process. Returns only where none could be forked: -errno. */
int lab_run_processes(unsigned count, int (*run)(void *context, unsigned number), void *context) MUST_CHECK;

/* Ends the processes that lab_run_processes keeps, and waits until they are gone; in one of these, and where
 * there are none, it does nothing. For a handler of SIGTERM and SIGINT, before the process goes. */
void lab_end_processes(void);

#endif
