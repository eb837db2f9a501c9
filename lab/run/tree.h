/* What the processes of a group cost, all their threads included, as /proc(5) tells it: a model of the lab
 * may be one process or a thousand. Processes that end while they are looked at are left out. */
#ifndef LAB_RUN_TREE_H
#define LAB_RUN_TREE_H

#include "base/compiler.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct tree_usage {
    uint64_t taken_ns; /* CLOCK_MONOTONIC */
    uint64_t cpu_ns;   /* of the processes that live, and of their children that were waited for */
    uint64_t user_ticks;
    uint64_t system_ticks;
};

struct tree_switches {
    uint64_t voluntary; /* of the threads that live */
    uint64_t involuntary;
    unsigned processes;
    unsigned threads;
};

struct tree_memory {
    uint64_t memory_bytes; /* private and written to: what a fork left to share counts once it is changed */
    uint64_t page_table_bytes;
    uint64_t kernel_stack_bytes; /* of the whole machine: only a difference says something */
    unsigned processes;
    unsigned threads;
    unsigned descriptors;
};

/* Zero where no process of the group lives. */
void tree_read_usage(pid_t group, struct tree_usage *ret_usage);

/* Takes some microseconds for each thread. Who ended took its count along. */
void tree_read_switches(pid_t group, struct tree_switches *ret_switches);

/* Walks the page tables of each process. */
void tree_read_memory(pid_t group, struct tree_memory *ret_memory);

#endif
