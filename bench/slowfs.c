/* A disk with one bad habit, as a FUSE filesystem: some of its files keep their reader waiting for a second,
 * as a failing disk, a sleeping one or a far network share does. Made for bench/hold.
 *
 *   slowfs MOUNTPOINT -f [FUSE options]
 *
 * No file is stored; a name says what it is, and every new name is cold:
 *   small-NAME   4 KiB, the first read of which takes a second
 *   large-NAME   256 KiB, the same
 *   found-NAME   4 KiB, of which it takes a second to learn that it exists */
#define FUSE_USE_VERSION 31
#include <errno.h>
#include <fuse.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

struct kind {
    const char *prefix;
    off_t bytes;
    bool lookup_is_slow;
};

static const struct kind kinds[] = {
    {"/small-", 4096, false},
    {"/large-", 262144, false},
    {"/found-", 4096, true},
};

static void stall(void)
{
    nanosleep(&(struct timespec){.tv_sec = 1}, NULL);
}

static const struct kind *kind_of(const char *path)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (strncmp(path, kinds[i].prefix, strlen(kinds[i].prefix)) == 0)
            return &kinds[i];
    return NULL;
}

/* The kernel is told to remember names and attributes: only the first look at a file stalls. */
static void *slow_init(struct fuse_conn_info *connection, struct fuse_config *config)
{
    (void)connection;
    config->entry_timeout = 60;
    config->attr_timeout = 60;
    return NULL;
}

static int slow_getattr(const char *path, struct stat *status, struct fuse_file_info *file)
{
    (void)file;
    *status = (struct stat){.st_mode = S_IFDIR | 0755, .st_nlink = 2};
    if (strcmp(path, "/") == 0)
        return 0;
    const struct kind *kind = kind_of(path);
    if (kind == NULL)
        return -ENOENT;
    if (kind->lookup_is_slow)
        stall();
    *status = (struct stat){.st_mode = S_IFREG | 0644, .st_nlink = 1, .st_size = kind->bytes};
    return 0;
}

static int slow_open(const char *path, struct fuse_file_info *file)
{
    (void)file;
    return kind_of(path) == NULL ? -ENOENT : 0;
}

static int slow_read(const char *path, char *into, size_t size, off_t offset, struct fuse_file_info *file)
{
    (void)file;
    const struct kind *kind = kind_of(path);
    if (kind == NULL || offset >= kind->bytes)
        return 0;
    if (offset == 0 && !kind->lookup_is_slow)
        stall();
    size_t left = (size_t)(kind->bytes - offset);
    size = size < left ? size : left;
    memset(into, 'x', size);
    return (int)size;
}

int main(int argc, char **argv)
{
    static const struct fuse_operations operations = {
        .init = slow_init,
        .getattr = slow_getattr,
        .open = slow_open,
        .read = slow_read,
    };
    return fuse_main(argc, argv, &operations, NULL);
}
