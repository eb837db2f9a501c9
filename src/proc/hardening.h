/* What protects the machine from a worker that somebody has taken over: for `vif hardening`. */
#ifndef PROC_HARDENING_H
#define PROC_HARDENING_H

#include "base/buffer.h"

#include <sys/types.h>

struct hardening_process {
    pid_t pid;
    const char *role; /* "master", "worker", "logs" */
};

/* Writes what the kernel and this build have, and what they lack, and then the rights of each process; for
 * people or as JSON. */
void hardening_write(const struct hardening_process *processes, size_t count, bool as_json,
                     struct buffer *out);

#endif
