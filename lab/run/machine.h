/* The machine that the lab measures on. */
#ifndef LAB_RUN_MACHINE_H
#define LAB_RUN_MACHINE_H

#include "lab/run/result.h"

/* Describes it, and divides its cores: the server gets the first half, the clients the rest. Raises this
 * process's limit of descriptors to as many as it may have. */
void machine_describe(struct lab_machine *machine);

/* How busy the machine's cores are, and with what. */
struct machine_work {
    uint64_t taken_ns; /* CLOCK_MONOTONIC */
    uint64_t busy_ns;  /* of those cores that the lab uses, with whatever; 0 where nobody knows */
    uint64_t own_ns;   /* of this process, and of its children that were waited for */
};

void machine_read_work(const struct lab_machine *machine, struct machine_work *ret_work);

/* What others took of the cores between two looks, 0 to 1; NAN where nobody knows. To a hundredth of a second
 * for each core. */
double machine_others_share(const struct lab_machine *machine, const struct machine_work *before,
                            const struct machine_work *after);

/* Keeps this process, and the children it will have, on these cores. Where the kernel refuses it goes
 * without. */
void machine_pin(const cpu_set_t *cores);

#endif
