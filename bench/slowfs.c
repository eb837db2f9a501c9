/* A disk with one bad habit, as a FUSE filesystem: some of its files keep whoever asks waiting, as a failing
 * disk, a sleeping one or a far network share does. Made for bench/hold and the end-to-end tests.
 *
 *   slowfs MOUNTPOINT -f [-o stall_ms=1000] [-o remember_seconds=60] [FUSE options]
 *
 * Everybody who has to wait does so at the same time, but for names in the same folder, which the kernel
 * looks up one after another. `remember_seconds` is for how long the kernel may know names and attributes
 * without asking again. No file is stored: a file's content is its path, over and over, and its name says
 * what it is; every new name is cold.
 *
 *   small-NAME   4 KiB, the first read of which takes long
 *   large-NAME   256 KiB, the same
 *   found-NAME   4 KiB, of which it takes long to learn that it exists
 *   stiff-NAME   4 KiB, with which everything takes long: attributes, opening, each read, closing
 *   heavy-NAME   256 KiB, the same
 *   quick-NAME   4 KiB, with which nothing takes long
 *   NUMBER       a folder of the same
 *   NAME         does not exist, which takes long to find out */
#define FUSE_USE_VERSION 31
#include <errno.h>
#include <fuse.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum step {
    STEP_LOOK = 1,
    STEP_OPEN = 2,
    STEP_FIRST_READ = 4,
    STEP_READ = 8,
    STEP_CLOSE = 16,
    STEP_ALL = 31,
};

struct kind {
    const char *prefix;
    off_t bytes;
    unsigned stalls; /* set of enum step */
};

static const struct kind kinds[] = {
    {"small-", 4096, STEP_FIRST_READ}, {"large-", 262144, STEP_FIRST_READ}, {"found-", 4096, STEP_LOOK},
    {"stiff-", 4096, STEP_ALL},        {"heavy-", 262144, STEP_ALL},        {"quick-", 4096, 0},
};
static const struct kind absent = {.stalls = STEP_LOOK};
static const struct kind folder = {0};

/* As many as may wait at once. */
#define WAITING_MAX 128

static struct {
    unsigned stall_ms;
    unsigned remember_seconds;
} options = {.stall_ms = 1000, .remember_seconds = 60};

static const struct fuse_opt option_list[] = {
    {"stall_ms=%u", offsetof(__typeof__(options), stall_ms), 0},
    {"remember_seconds=%u", offsetof(__typeof__(options), remember_seconds), 0},
    FUSE_OPT_END,
};

static const struct kind *kind_of(const char *path)
{
    const char *name = strrchr(path, '/') + 1;
    if (name[strspn(name, "0123456789")] == '\0')
        return &folder;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (strncmp(name, kinds[i].prefix, strlen(kinds[i].prefix)) == 0)
            return &kinds[i];
    return &absent;
}

static void take_step(const struct kind *kind, enum step step)
{
    if (kind->stalls & step)
        nanosleep(&(struct timespec){.tv_sec = options.stall_ms / 1000,
                                     .tv_nsec = options.stall_ms % 1000 * 1000000L},
                  NULL);
}

static void *slow_init(struct fuse_conn_info *connection, struct fuse_config *config)
{
    connection->max_background = WAITING_MAX;
    connection->congestion_threshold = WAITING_MAX;
    config->entry_timeout = options.remember_seconds;
    config->attr_timeout = options.remember_seconds;
    return NULL;
}

static int slow_getattr(const char *path, struct stat *status, struct fuse_file_info *file)
{
    (void)file;
    const struct kind *kind = kind_of(path);
    take_step(kind, STEP_LOOK);
    *status = kind == &folder
                  ? (struct stat){.st_mode = S_IFDIR | 0755, .st_nlink = 2}
                  : (struct stat){.st_mode = S_IFREG | 0644, .st_nlink = 1, .st_size = kind->bytes};
    return kind == &absent ? -ENOENT : 0;
}

static int slow_open(const char *path, struct fuse_file_info *file)
{
    (void)file;
    take_step(kind_of(path), STEP_OPEN);
    return 0;
}

static int slow_read(const char *path, char *into, size_t size, off_t offset, struct fuse_file_info *file)
{
    (void)file;
    const struct kind *kind = kind_of(path);
    if (offset >= kind->bytes)
        return 0;
    take_step(kind, offset == 0 ? STEP_READ | STEP_FIRST_READ : STEP_READ);
    size_t left = (size_t)(kind->bytes - offset);
    size = size < left ? size : left;
    for (size_t i = 0, length = strlen(path); i < size; i++)
        into[i] = path[((size_t)offset + i) % length];
    return (int)size;
}

static int slow_flush(const char *path, struct fuse_file_info *file)
{
    (void)file;
    take_step(kind_of(path), STEP_CLOSE);
    return 0;
}

int main(int argc, char **argv)
{
    static const struct fuse_operations operations = {
        .init = slow_init,
        .getattr = slow_getattr,
        .open = slow_open,
        .read = slow_read,
        .flush = slow_flush,
    };
    struct fuse_args arguments = FUSE_ARGS_INIT(argc, argv);
    int status = fuse_opt_parse(&arguments, &options, option_list, NULL);
#if FUSE_MAJOR_VERSION > 3 || (FUSE_MAJOR_VERSION == 3 && FUSE_MINOR_VERSION >= 12)
    /* Before that version there were threads without bound. */
    char threads[32];
    snprintf(threads, sizeof(threads), "-omax_threads=%d", WAITING_MAX);
    if (status == 0)
        status = fuse_opt_add_arg(&arguments, threads);
#endif
    if (status == 0)
        status = fuse_main(arguments.argc, arguments.argv, &operations, NULL);
    fuse_opt_free_args(&arguments);
    return status == 0 ? 0 : 1;
}
