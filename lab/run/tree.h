/* Measures the resource usage of a process group with all threads, from /proc(5): a model may have one
 * process or a thousand. Processes that end during the measurement are left out. */
#ifndef LAB_RUN_TREE_H
#define LAB_RUN_TREE_H

#include "base/compiler.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct tree_usage {
    uint64_t taken_ns; /* CLOCK_MONOTONIC */
    uint64_t cpu_ns;   /* of live processes and their children that were waited for */
    uint64_t user_ticks;
    uint64_t system_ticks;
};

struct tree_switches {
    uint64_t voluntary; /* of live threads */
    uint64_t involuntary;
    unsigned processes;
    unsigned threads;
};

struct tree_memory {
    uint64_t memory_bytes; /* private and dirty: pages shared by fork count once modified */
    uint64_t page_table_bytes;
    uint64_t kernel_stack_bytes; /* of the whole machine: only differences are meaningful */
    unsigned processes;
    unsigned threads;
    unsigned descriptors;
};

/* Sets 0 if the group has no live process. */
void tree_read_usage(pid_t group, struct tree_usage *ret_usage);

/* Takes some microseconds per thread. Threads that have ended are not counted. */
void tree_read_switches(pid_t group, struct tree_switches *ret_switches);

/* Slow: makes the kernel walk the page tables of each process. */
void tree_read_memory(pid_t group, struct tree_memory *ret_memory);

#endif
