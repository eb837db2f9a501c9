/* One run of the simulator. */
#ifndef TESTS_SIM_RUN_H
#define TESTS_SIM_RUN_H

#include "kernel/internal.h"

#include "loop/loop.h"

struct run_options {
    struct kernel_options kernel;
    enum loop_backend backend; /* LOOP_BACKEND_AUTO: the seed says */
};

/* A server on a simulated kernel, clients, their end. Does not return where an invariant is violated. */
void run(const struct run_options *options);

#endif
