/* The machine that the lab measures on. */
#ifndef LAB_RUN_MACHINE_H
#define LAB_RUN_MACHINE_H

#include "lab/run/result.h"

/* Describes it, and divides its cores: the server gets the first half, the clients the rest. Raises this
 * process's limit of descriptors to as many as it may have. */
void machine_describe(struct lab_machine *machine);

/* Keeps this process, and the children it will have, on these cores. Where the kernel refuses it goes
 * without. */
void machine_pin(const cpu_set_t *cores);

#endif
