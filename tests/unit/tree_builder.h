/* A folder for one test, made piece by piece and removed whole. */
#ifndef TESTS_UNIT_TREE_BUILDER_H
#define TESTS_UNIT_TREE_BUILDER_H

#include "tests/unit/test.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct tree {
    char path[32];
    int fd;
};

static inline void tree_init(struct tree *tree)
{
    strcpy(tree->path, "/tmp/vif-test-XXXXXX");
    assert_non_null(mkdtemp(tree->path));
    tree->fd = open(tree->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(tree->fd >= 0);
}

static inline void tree_date(struct tree *tree, const char *name, int64_t seconds)
{
    struct timespec times[2] = {{.tv_sec = seconds}, {.tv_sec = seconds}};
    assert_int_equal(utimensat(tree->fd, name, times, AT_SYMLINK_NOFOLLOW), 0);
}

/* The kernel's clock of files moves with its tick: what is changed from now on has another time than what was
 * changed before. */
static inline void tree_wait_for_tick(void)
{
    struct timespec before, now;
    assert_int_equal(clock_gettime(CLOCK_REALTIME_COARSE, &before), 0);
    do
        assert_int_equal(clock_gettime(CLOCK_REALTIME_COARSE, &now), 0);
    while (now.tv_sec == before.tv_sec && now.tv_nsec == before.tv_nsec);
}

/* Of `size` zeros, last changed `seconds` after 1970. */
static inline void tree_add_file(struct tree *tree, const char *name, off_t size, int64_t seconds)
{
    int fd = openat(tree->fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, size), 0);
    close(fd);
    tree_date(tree, name, seconds);
}

static inline void tree_add_folder(struct tree *tree, const char *name)
{
    assert_int_equal(mkdirat(tree->fd, name, 0700), 0);
    tree_date(tree, name, 0);
}

static inline void tree_add_link(struct tree *tree, const char *name, const char *target)
{
    assert_int_equal(symlinkat(target, tree->fd, name), 0);
}

/* The kernel remembers that these names are not there. */
static inline void tree_ask_for_siblings(struct tree *tree, const char *name)
{
    static const char *const suffixes[] = {".br", ".zst", ".gz"};
    char sibling[300];
    for (size_t i = 0; i < 3; i++) {
        snprintf(sibling, sizeof(sibling), "%s%s", name, suffixes[i]);
        int is_absent = faccessat(tree->fd, sibling, F_OK, 0);
        (void)is_absent;
    }
}

/* From now on the topmost files are opened without waiting, and are old enough to be cached. */
static inline void tree_settle(struct tree *tree)
{
    DIR *folder = opendir(tree->path);
    assert_non_null(folder);
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;)
        tree_ask_for_siblings(tree, entry->d_name);
    closedir(folder);
    usleep(11000);
}

static inline int tree_remove_one(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    (void)status, (void)kind, (void)place;
    return remove(path);
}

static inline void tree_finish(struct tree *tree)
{
    close(tree->fd);
    assert_int_equal(nftw(tree->path, tree_remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

#endif
