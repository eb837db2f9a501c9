/* The machine that the lab measures on. */
#ifndef LAB_RUN_MACHINE_H
#define LAB_RUN_MACHINE_H

#include "lab/run/result.h"

/* Describes the machine and divides its cores: the server gets the first half, the clients the rest. Also
 * raises this process's descriptor limit to its maximum. */
void machine_describe(struct lab_machine *machine);

/* CPU time used on the machine's cores. */
struct machine_work {
    uint64_t taken_ns; /* CLOCK_MONOTONIC */
    uint64_t busy_ns;  /* all CPU time on the lab's cores; 0 if unknown */
    uint64_t own_ns;   /* of this process and its children that were waited for */
};

void machine_read_work(const struct lab_machine *machine, struct machine_work *ret_work);

/* The share of the cores that other programs used between two readings, 0 to 1; NAN if unknown. Resolution:
 * 10 ms per core. */
double machine_others_share(const struct lab_machine *machine, const struct machine_work *before,
                            const struct machine_work *after);

/* Restricts this process and its future children to these cores. Ignores a refusal by the kernel. */
void machine_pin(const cpu_set_t *cores);

#endif
