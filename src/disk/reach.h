/* What a root reaches: its folder, and through symbolic links as much of the rest as the settings allow. */
#ifndef DISK_REACH_H
#define DISK_REACH_H

#include "sys/file.h"

struct reach {
    int root_fd;
    const char *root_path; /* absolute, as the settings name it */
    bool follows_out;      /* symbolic links may lead out of the root */
};

/* sys_open_beneath, and through symbolic links with an absolute target that lies beneath the root: by the
 * path that the root was given by, or by the one that it really has. Each step is guarded by the kernel as
 * there, so that whatever is renamed meanwhile, nothing outside is reached; unless `follows_out`. */
int reach_open(const struct reach *reach, const char *path, unsigned flags) MUST_CHECK;

#endif
