/* libzstd's streaming interface between two descriptors. The result has another name until it is complete. */
#include "log/log_compression.h"

#include "log/log_archive.h"
#include "sys/file.h"
#include "sys/old_file.h"
#include "sys/output.h"
#include "sys/socket.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#ifdef HAVE_ZSTD
#include <zstd.h>

/* zstd's own default: logs shrink to about a twelfth. */
#define LEVEL 3

#define INPUT_BYTES  (128u << 10)
#define OUTPUT_BYTES (128u << 10)
#define STEP_BYTES   (1u << 20)

struct log_compression {
    ZSTD_CCtx *context;
    int from_fd, to_fd;
    uint64_t taken; /* bytes of it */
    bool is_complete;
    char from[PATH_MAX], part[PATH_MAX], to[PATH_MAX];
    char input[INPUT_BYTES], output[OUTPUT_BYTES];
};

bool log_compression_exists(void)
{
    return true;
}

/* ---- beginning ---- */

static int open_files(struct log_compression *compression, const char *path)
{
    if (snprintf(compression->from, PATH_MAX, "%s", path) >= PATH_MAX ||
        snprintf(compression->part, PATH_MAX, "%s" LOG_ARCHIVE_PART, path) >= PATH_MAX ||
        snprintf(compression->to, PATH_MAX, "%s" LOG_ARCHIVE_COMPRESSED, path) >= PATH_MAX)
        return -ENAMETOOLONG;
    compression->to_fd = sys_create_like(compression->part, compression->from_fd);
    return MIN(compression->to_fd, 0);
}

static struct log_compression *compression_create(int from_fd)
{
    struct log_compression *compression = calloc(1, sizeof(*compression));
    if (compression == NULL) {
        sys_close(from_fd);
        return NULL;
    }
    compression->from_fd = from_fd;
    compression->to_fd = -1;
    compression->context = ZSTD_createCCtx();
    return compression;
}

/* The memory comes last: a file that is busy is looked at again and again. */
int log_compression_begin(const char *path, struct log_compression **ret_compression)
{
    int from_fd = log_archive_open_idle(path);
    if (from_fd < 0)
        return from_fd;
    struct log_compression *compression = compression_create(from_fd);
    if (compression == NULL)
        return -ENOMEM;
    int error = compression->context ? open_files(compression, path) : -ENOMEM;
    if (error < 0) {
        log_compression_end(compression);
        return error;
    }
    ZSTD_CCtx_setParameter(compression->context, ZSTD_c_compressionLevel, LEVEL);
    ZSTD_CCtx_setParameter(compression->context, ZSTD_c_checksumFlag, 1);
    *ret_compression = compression;
    return 0;
}

/* ---- going on ---- */

static int compression_write(int fd, struct slice bytes)
{
    while (bytes.length > 0) {
        ssize_t written = sys_write(fd, bytes);
        if (written <= 0)
            return written < 0 ? (int)written : -ENOSPC;
        bytes = slice_skip(bytes, (size_t)written);
    }
    return 0;
}

/* Compresses the bytes and writes what comes of them; without any, the end. */
static int log_compression_put(struct log_compression *compression, size_t length)
{
    ZSTD_inBuffer input = {.src = compression->input, .size = length};
    ZSTD_EndDirective directive = length > 0 ? ZSTD_e_continue : ZSTD_e_end;
    for (size_t rest = 1; rest > 0 || input.pos < input.size;) {
        ZSTD_outBuffer output = {.dst = compression->output, .size = OUTPUT_BYTES};
        rest = ZSTD_compressStream2(compression->context, &output, &input, directive);
        if (ZSTD_isError(rest))
            return -ENOMEM; /* the only failure of a stream whose buffers are right */
        int error = compression_write(compression->to_fd, slice_make(compression->output, output.pos));
        if (error < 0)
            return error;
        if (directive == ZSTD_e_continue)
            rest = 0; /* it may keep bytes until there are more */
    }
    return 0;
}

/* The original goes only when all of it is in the result, that is on disk, and nobody can add to it. */
static int log_compression_complete(struct log_compression *compression)
{
    struct file_status status;
    int error = log_compression_put(compression, 0);
    if (error == 0)
        error = sys_sync(compression->to_fd);
    if (error == 0)
        error = log_archive_check_idle(compression->from_fd);
    if (error == 0)
        error = sys_file_status(compression->from_fd, &status);
    if (error == 0 && status.size != compression->taken)
        error = -EBUSY;
    if (error == 0)
        error = sys_rename(compression->part, compression->to);
    if (error < 0)
        return error;
    compression->is_complete = true;
    error = sys_remove(compression->from);
    return error == -ENOENT ? 0 : error;
}

int log_compression_step(struct log_compression *compression)
{
    for (size_t done = 0; done < STEP_BYTES;) {
        ssize_t got = sys_read_at(compression->from_fd, compression->input, INPUT_BYTES,
                                  (off_t)compression->taken, false);
        if (got <= 0)
            return got < 0 ? (int)got : log_compression_complete(compression);
        int error = log_compression_put(compression, (size_t)got);
        if (error < 0)
            return error;
        compression->taken += (uint64_t)got;
        done += (size_t)got;
    }
    return 1;
}

const char *log_compression_path(const struct log_compression *compression)
{
    return compression->from;
}

void log_compression_end(struct log_compression *compression)
{
    if (compression == NULL)
        return;
    if (compression->to_fd >= 0 && !compression->is_complete) {
        int error = sys_remove(compression->part);
        (void)error; /* log_archives_find removes it later */
    }
    if (compression->to_fd >= 0)
        sys_close(compression->to_fd);
    if (compression->from_fd >= 0)
        sys_close(compression->from_fd);
    ZSTD_freeCCtx(compression->context);
    free(compression);
}

#else

const char *log_compression_path(const struct log_compression *compression)
{
    (void)compression;
    return "";
}

bool log_compression_exists(void)
{
    return false;
}

int log_compression_begin(const char *path, struct log_compression **ret_compression)
{
    (void)path, (void)ret_compression;
    return -ENOTSUP;
}

int log_compression_step(struct log_compression *compression)
{
    (void)compression;
    return -ENOTSUP;
}

void log_compression_end(struct log_compression *compression)
{
    (void)compression;
}

#endif
