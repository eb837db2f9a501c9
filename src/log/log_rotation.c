/* Files first, since they grow; then the archives, the oldest first. */
#include "log/log_rotation.h"

#include "base/error.h"
#include "log/log_compression.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/old_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* An archive that somebody still writes to is looked at again after BUSY_MS, then less and less often; one
 * that cannot be compressed after TROUBLE_MS. */
#define BUSY_MS     250
#define BUSY_MS_MAX 4000
#define TROUBLE_MS  60000

/* After how long those are told again who have not opened a log anew, for want of room or descriptors
 * perhaps; then less and less often. */
#define REOPEN_MS     5000
#define REOPEN_MS_MAX 30000

struct log_rotation_file {
    char *path;
    int64_t began_seconds; /* since 1970; 0: not known yet */
    uint64_t next_ms;      /* when it is looked at */
    uint64_t looked_ms;
    uint64_t size;      /* then */
    int error;          /* of the last rotation; reported once */
    char *archive;      /* the last part that was put aside; NULL: none yet */
    uint64_t reopen_ms; /* when it is looked whether all write to the new file; 0: they do */
    uint64_t reopen_pause_ms;
};

static int64_t rotation_wall_seconds(void)
{
    return sys_realtime_ns() / 1000000000;
}

/* ---- beginning ---- */

void log_rotation_init(struct log_rotation *rotation, const struct log_rotation_rules *rules,
                       struct log *errors, void (*reopen)(void *context), void *context)
{
    *rotation = (struct log_rotation){
        .rules = *rules,
        .errors = errors,
        .reopen = reopen,
        .context = context,
        .has_work = true, /* what an earlier vif has left */
        .work_pause_ms = BUSY_MS,
        .tells_trouble = true,
    };
}

int log_rotation_add(struct log_rotation *rotation, struct slice path)
{
    if (path.length == 0 || slice_equal(path, SLICE("-")))
        return 0;
    for (size_t i = 0; i < rotation->count; i++) {
        if (slice_equal(path, slice_from(rotation->files[i].path)))
            return 0;
    }
    struct log_rotation_file *files = realloc(rotation->files, (rotation->count + 1) * sizeof(*files));
    if (files == NULL)
        return -ENOMEM;
    rotation->files = files;
    files[rotation->count] = (struct log_rotation_file){
        .path = strndup(path.data, path.length),
        .reopen_ms = sys_monotonic_ms() + REOPEN_MS, /* an earlier vif may have put it aside */
        .reopen_pause_ms = REOPEN_MS,
    };
    return files[rotation->count].path ? (rotation->count++, 0) : -ENOMEM;
}

/* ---- files ---- */

static void log_rotation_failure(struct log_rotation *rotation, struct log_rotation_file *file, int error)
{
    const char *why = error == -ELOOP ? "a symbolic link in a folder that others can write to is not followed"
                                      : error_text(error);
    if (error != file->error)
        log_error(rotation->errors, "cannot rotate the log %s: %s; it grows on", file->path, why);
    file->error = error;
}

static void expect_reopening(struct log_rotation_file *file, const char *archive)
{
    free(file->archive);
    file->archive = strdup(archive); /* if there is no memory, the new file alone is looked for */
    file->reopen_pause_ms = REOPEN_MS;
    file->reopen_ms = sys_monotonic_ms() + REOPEN_MS;
}

static void rotate_file(struct log_rotation *rotation, struct log_rotation_file *file)
{
    char archive[PATH_MAX];
    int error = log_archive_put_aside(file->path, rotation_wall_seconds(), archive);
    if (error < 0) {
        log_rotation_failure(rotation, file, error);
        file->next_ms = sys_monotonic_ms() + LOG_ROTATION_LOOK_MS;
        return;
    }
    file->error = 0;
    file->began_seconds = rotation_wall_seconds();
    file->size = 0;
    rotation->has_work = true;
    rotation->work_pause_ms = BUSY_MS;
    rotation->work_ms = sys_monotonic_ms() + BUSY_MS;
    expect_reopening(file, archive);
    rotation->reopen(rotation->context);
}

/* A process that could not create or open the new file writes on to the archive. If it was the only one,
 * there is no file to rotate: nothing would tell it ever again. */
static void tell_again(struct log_rotation *rotation, struct log_rotation_file *file, bool is_gone,
                       uint64_t now_ms)
{
    if (file->reopen_ms == 0 || now_ms < file->reopen_ms)
        return;
    if (!is_gone && (file->archive == NULL || !log_archive_is_written(file->archive))) {
        file->reopen_ms = 0;
        return;
    }
    rotation->reopen(rotation->context);
    file->reopen_ms = now_ms + file->reopen_pause_ms;
    file->reopen_pause_ms = MIN(file->reopen_pause_ms * 2, (uint64_t)REOPEN_MS_MAX);
}

/* An empty file has no age. */
static bool is_old(const struct log_rotation *rotation, struct log_rotation_file *file, uint64_t size)
{
    int64_t now = rotation_wall_seconds();
    if (size == 0)
        file->began_seconds = now;
    else if (file->began_seconds == 0)
        file->began_seconds = sys_birth_seconds(file->path);
    if (file->began_seconds == 0)
        file->began_seconds = now;
    return rotation->rules.age_ms > 0 &&
           now - file->began_seconds >= (int64_t)(rotation->rules.age_ms / 1000);
}

/* Half of the time in which it will be full if it grows on as it has. */
static uint64_t look_again_ms(const struct log_rotation *rotation, const struct log_rotation_file *file,
                              uint64_t size, uint64_t now_ms)
{
    uint64_t limit = rotation->rules.size, grown = size > file->size ? size - file->size : 0;
    if (limit == 0 || grown == 0 || file->looked_ms == 0)
        return LOG_ROTATION_LOOK_MS;
    uint64_t rest = limit > size ? limit - size : 0;
    uint64_t ms = (uint64_t)((double)rest / (double)grown * (double)(now_ms - file->looked_ms) / 2);
    return MAX(MIN(ms, (uint64_t)LOG_ROTATION_LOOK_MS), (uint64_t)LOG_ROTATION_LOOK_MS_MIN);
}

/* Pipes and devices are nobody's to rename. */
static void rotation_look_at_file(struct log_rotation *rotation, struct log_rotation_file *file,
                                  uint64_t now_ms)
{
    struct file_status status;
    file->next_ms = now_ms + LOG_ROTATION_LOOK_MS;
    int error = sys_path_status(file->path, &status);
    tell_again(rotation, file, error == -ENOENT, now_ms);
    if (error < 0 || !S_ISREG(status.mode))
        return;
    bool is_full = rotation->rules.size > 0 && status.size >= rotation->rules.size;
    file->next_ms = now_ms + look_again_ms(rotation, file, status.size, now_ms);
    file->size = status.size;
    file->looked_ms = now_ms;
    if (is_old(rotation, file, status.size) || is_full)
        rotate_file(rotation, file);
}

static uint64_t rotation_look_at_files(struct log_rotation *rotation, uint64_t now_ms)
{
    uint64_t next_ms = now_ms + LOG_ROTATION_LOOK_MS;
    for (size_t i = 0; i < rotation->count; i++) {
        struct log_rotation_file *file = &rotation->files[i];
        if (now_ms >= file->next_ms)
            rotation_look_at_file(rotation, file, now_ms);
        next_ms = MIN(next_ms, file->next_ms);
    }
    return next_ms;
}

/* ---- archives ---- */

static void rotation_tell_trouble(struct log_rotation *rotation, const char *what, const char *path,
                                  int error)
{
    if (rotation->tells_trouble)
        log_error(rotation->errors, "%s %s: %s; it stays as it is", what, path, error_text(error));
    rotation->tells_trouble = false;
    rotation->work_ms = sys_monotonic_ms() + TROUBLE_MS;
}

static bool compresses(const struct log_rotation *rotation)
{
    return rotation->rules.compress != LOG_COMPRESSOR_NONE && log_compression_exists();
}

/* Returns whether it may be tried again later. */
static bool find_archives(struct log_rotation *rotation, struct log_rotation_file *file,
                          struct log_archives *archives)
{
    int error = log_archives_find(file->path, archives);
    if (error == -ELOOP)
        log_rotation_failure(rotation, file, error);
    else if (error < 0)
        rotation_tell_trouble(rotation, "cannot look for old parts of the log", file->path, error);
    return error < 0 && error != -ELOOP;
}

static bool prune_archives(struct log_rotation *rotation, struct log_rotation_file *file)
{
    struct log_archives archives;
    bool has_failed = find_archives(rotation, file, &archives);
    int error = log_archives_prune(&archives, rotation->rules.keep);
    if (error < 0 && error != -EBUSY)
        rotation_tell_trouble(rotation, "cannot remove old parts of the log", file->path, error);
    log_archives_forget(&archives);
    return has_failed || error < 0;
}

/* Begins with one of them unless that failed before, and others may be done first. Returns whether there is
 * one that has to wait. */
static bool begin_compression(struct log_rotation *rotation, const struct log_archives *archives,
                              unsigned *passed_over)
{
    bool waits = false;
    for (size_t i = 0; i < archives->count && rotation->compression == NULL; i++) {
        const char *path = archives->paths[i];
        if (log_archive_is_compressed(path))
            continue;
        if (*passed_over < rotation->failures) {
            (*passed_over)++;
            waits = true;
            continue;
        }
        int error = log_compression_begin(path, &rotation->compression);
        waits |= error < 0 && error != -ENOENT;
        if (error < 0 && error != -EBUSY && error != -ENOENT)
            rotation_tell_trouble(rotation, "cannot compress", path, error);
    }
    return waits;
}

/* As many as have failed are passed over, so that the next one has its turn; after the last one it begins
 * with the first again. */
static void choose_archive(struct log_rotation *rotation)
{
    unsigned passed_over = 0;
    for (size_t i = 0; i < rotation->count && rotation->compression == NULL; i++) {
        struct log_archives archives;
        rotation->has_work |= find_archives(rotation, &rotation->files[i], &archives);
        rotation->has_work |= begin_compression(rotation, &archives, &passed_over);
        log_archives_forget(&archives);
    }
    if (rotation->compression)
        rotation->has_work = true;
    else
        rotation->failures = 0;
}

/* Removing needs no room, compressing does. */
static void look_at_all_archives(struct log_rotation *rotation)
{
    rotation->has_work = false;
    rotation->work_ms = sys_monotonic_ms() + rotation->work_pause_ms;
    rotation->work_pause_ms = MIN(rotation->work_pause_ms * 2, (uint64_t)BUSY_MS_MAX);
    for (size_t i = 0; i < rotation->count; i++)
        rotation->has_work |= prune_archives(rotation, &rotation->files[i]);
    if (compresses(rotation))
        choose_archive(rotation);
}

static void rotation_compress(struct log_rotation *rotation)
{
    int result = log_compression_step(rotation->compression);
    if (result > 0)
        return;
    rotation->work_ms = sys_monotonic_ms();
    if (result == 0) {
        rotation->tells_trouble = true;
        rotation->work_pause_ms = BUSY_MS;
    } else {
        rotation->failures++;
    }
    if (result < 0 && result != -EBUSY)
        rotation_tell_trouble(rotation, "cannot compress", log_compression_path(rotation->compression),
                              result);
    log_compression_end(rotation->compression);
    rotation->compression = NULL;
}

uint64_t log_rotation_step(struct log_rotation *rotation)
{
    uint64_t now_ms = sys_monotonic_ms();
    uint64_t next_ms = rotation_look_at_files(rotation, now_ms);
    if (rotation->compression)
        rotation_compress(rotation);
    else if (rotation->has_work && now_ms >= rotation->work_ms)
        look_at_all_archives(rotation);
    if (rotation->compression)
        return 0;
    if (rotation->has_work)
        next_ms = MIN(next_ms, rotation->work_ms);
    now_ms = sys_monotonic_ms();
    return next_ms > now_ms ? next_ms - now_ms : 0;
}
