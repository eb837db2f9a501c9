/* What worker processes give up before they serve: another user, no capabilities, no new rights, a Landlock
 * domain for what the configuration names, and a filter of system calls. The master keeps the rights to
 * listen, to open logs and keys (proc/file_opener.h) and to start workers. */
#ifndef PROC_SANDBOX_H
#define PROC_SANDBOX_H

#include "base/log.h"
#include "conf/worker_user.h"

/* In a new worker, before it opens anything and before it has threads: gives up everything. What the kernel
 * lacks, or what something outside forbids, is left out. Returns 0, or -errno after logging what failed. */
int sandbox_enter(const struct config *config, const struct worker_user *user, struct log *log) MUST_CHECK;

/* Children of the master that only work on files. */
enum sandbox_role {
    SANDBOX_READS_FILES,   /* lists of servers */
    SANDBOX_CHANGES_FILES, /* logs: renames, compresses and removes them */
};

/* In such a child, once it has what it needs besides files: gives up capabilities, new rights and most system
 * calls. It stays the user that it is, as the files may be readable by root alone. What the kernel lacks, or
 * what something outside forbids, is left out. Returns 0 or -errno. */
int sandbox_enter_role(enum sandbox_role role) MUST_CHECK;

/* In the master, once: gives up the capabilities that it will never need. With a shield it keeps those for
 * another interface, and for the vif that takes its place. */
void sandbox_enter_master(bool has_shield);

/* Whether this process could confine itself so: tried by a child process, as a container may forbid it. */
bool sandbox_has_landlock(void);
bool sandbox_has_filter(void);

/* Logs which user workers become, and what is lacking. */
void sandbox_log(const struct config *config, const struct worker_user *user, struct log *log);

#endif
