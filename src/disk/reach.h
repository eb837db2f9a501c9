/* What can be reached from a root: its folder, and through symbolic links as much of the rest as the
 * settings allow. */
#ifndef DISK_REACH_H
#define DISK_REACH_H

#include "sys/file.h"

struct reach {
    int root_fd;
    const char *root_path; /* absolute, as written in the settings */
    bool follows_out;      /* symbolic links may lead out of the root */
};

/* Like sys_open_beneath, but also follows symbolic links with an absolute target beneath the root, whether
 * the target uses the root's configured path or its real path. The kernel confines each step as in
 * sys_open_beneath, so nothing outside can be reached, whatever is renamed meanwhile; unless `follows_out`
 * is set. */
int reach_open(const struct reach *reach, const char *path, unsigned flags) MUST_CHECK;

#endif
