/* The old parts of a log file, its archives: "access.log.20261127T184400Z", and ".zst" behind it once it is
 * compressed. The time, in UTC, is when it was put aside; further ones of the same second have "-01" to
 * "-99". The order of names is the order of time. */
#ifndef LOG_LOG_ARCHIVE_H
#define LOG_LOG_ARCHIVE_H

#include "base/slice.h"

#include <limits.h>
#include <stdint.h>

#define LOG_ARCHIVE_COMPRESSED ".zst"

/* Of a compressed one that is not complete yet. */
#define LOG_ARCHIVE_PART ".zst.part"

/* The oldest is first. A compressed one and its original, if both are there, are one after the other. */
struct log_archives {
    char **paths;
    size_t count;
};

/* Renames the log at `path`, or what a link there leads to; `archive` is the new path. Returns 0 or -errno:
 * -ELOOP if there is a link in a folder where others may put one. */
int log_archive_put_aside(const char *path, int64_t now_seconds, char archive[PATH_MAX]) MUST_CHECK;

/* Finds the archives of the log at `path`, which need not exist. Parts that an interrupted compression has
 * left are removed. Returns 0 or -errno, -ELOOP as above. */
int log_archives_find(const char *path, struct log_archives *ret_archives) MUST_CHECK;
void log_archives_forget(struct log_archives *archives);

bool log_archive_is_compressed(const char *path);

/* Opens one that nobody writes to any more. Returns the descriptor, or -errno: -EBUSY if somebody has it open
 * for writing. Where the kernel cannot say that, somebody does until a minute has passed without a line. */
int log_archive_open_idle(const char *path) MUST_CHECK;

/* The same of one that is open: 0 or -errno. */
int log_archive_check_idle(int fd) MUST_CHECK;

/* Whether there is one, not compressed yet, that somebody may still write to. */
bool log_archive_is_written(const char *path);

/* Removes all but the newest `keep`. Returns 0 or -errno: -EBUSY if all that stay are still written to. */
int log_archives_prune(const struct log_archives *archives, uint32_t keep) MUST_CHECK;

#endif
