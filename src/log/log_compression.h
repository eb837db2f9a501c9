/* Compresses a file by zstd, a piece at a time. */
#ifndef LOG_LOG_COMPRESSION_H
#define LOG_LOG_COMPRESSION_H

#include "base/compiler.h"

#include <stdbool.h>

struct log_compression;

/* Whether vif was built with libzstd. */
bool log_compression_exists(void);

/* Begins to compress the file at `path`, to which nobody may write any more. Returns 0, or -errno: -EBUSY if
 * somebody has it open for writing. */
int log_compression_begin(const char *path, struct log_compression **ret_compression) MUST_CHECK;

/* Compresses a further mebibyte. Returns 1; 0 at the end: then the result is complete on disk and has
 * replaced the file; or -errno: the file is as it was. */
int log_compression_step(struct log_compression *compression) MUST_CHECK;

/* The path of the file. */
const char *log_compression_path(const struct log_compression *compression);

/* Before the end what was written is removed. NULL is ignored. */
void log_compression_end(struct log_compression *compression);

#endif
