/* Files beneath a root: nothing leads out of it, whatever the path; and what is said about the page cache. */
#include "../test.h"

#include "sys/file.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

/* A folder "root" with a secret beside it. */
struct tree {
    char base[64];
    int base_fd;
    int root;
};

static void write_file(int folder, const char *name, size_t size)
{
    int fd = openat(folder, name, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    assert_true(fd >= 0);
    char *bytes = calloc(1, size + 1);
    memset(bytes, 'x', size);
    assert_int_equal(write(fd, bytes, size), (ssize_t)size);
    free(bytes);
    close(fd);
}

static void tree_make(struct tree *tree)
{
    strcpy(tree->base, "/tmp/vif-test-XXXXXX");
    assert_non_null(mkdtemp(tree->base));
    tree->base_fd = open(tree->base, O_PATH | O_DIRECTORY);
    write_file(tree->base_fd, "secret", 6);
    assert_int_equal(mkdirat(tree->base_fd, "root", 0755), 0);
    char path[80];
    snprintf(path, sizeof(path), "%s/root", tree->base);
    tree->root = sys_open_root(path);
    assert_true(tree->root >= 0);
    write_file(tree->root, "file", 100);
    assert_int_equal(mkdirat(tree->root, "folder", 0755), 0);
    assert_int_equal(mkdirat(tree->root, "folder/deep", 0755), 0);
    write_file(tree->root, "folder/file", 10);
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status, (void)type, (void)walk;
    return remove(path);
}

static void tree_remove(struct tree *tree)
{
    close(tree->root);
    close(tree->base_fd);
    assert_int_equal(nftw(tree->base, remove_entry, 16, FTW_DEPTH | FTW_PHYS), 0);
}

static int open_and_close(int root, const char *path, unsigned flags)
{
    int fd = sys_open_beneath(root, path, flags);
    if (fd >= 0) {
        assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
        close(fd);
    }
    return fd < 0 ? fd : 0;
}

static void nothing_leads_out_of_the_root(void **state)
{
    (void)state;
    struct tree tree;
    tree_make(&tree);
    char outside[80];
    snprintf(outside, sizeof(outside), "%s/secret", tree.base);
    assert_int_equal(symlinkat("file", tree.root, "inside"), 0);
    assert_int_equal(symlinkat("../file", tree.root, "folder/up"), 0);
    assert_int_equal(symlinkat("../secret", tree.root, "beside"), 0);
    assert_int_equal(symlinkat(outside, tree.root, "absolute"), 0);
    assert_int_equal(symlinkat("/", tree.root, "top"), 0);
    assert_int_equal(symlinkat("..", tree.root, "parent"), 0);
    assert_int_equal(symlinkat("loop", tree.root, "loop"), 0);
    assert_int_equal(symlinkat("/proc/self/root", tree.root, "magic"), 0);
    static const struct {
        const char *path;
        int result;
    } cases[] = {
        {"file", 0},
        {"folder/file", 0},
        {"./file", 0},
        {"folder/../file", 0},
        {"folder/deep/../../file", 0},
        {"folder//file", 0},
        {"inside", 0},
        {"folder/up", 0},
        {"..", -EXDEV},
        {"../secret", -EXDEV},
        {"folder/../../secret", -EXDEV},
        {"../root/file", -EXDEV}, /* out and in again */
        {"/", -EXDEV},
        {"/etc/passwd", -EXDEV},
        {"//etc/passwd", -EXDEV},
        {"beside", -EXDEV},
        {"absolute", -EXDEV},
        {"top", -EXDEV},
        {"top/etc/passwd", -EXDEV},
        {"parent/secret", -EXDEV},
        {"parent/root/file", -EXDEV},
        {"magic/etc/passwd", -EXDEV},
        {"loop", -ELOOP},
        {"nothing", -ENOENT},
        {"file/x", -ENOTDIR},
        {"", -ENOENT},
    };
    TABLE_ROWS(i, cases, cases[i].path) {
        for (unsigned flags = 0; flags <= OPEN_PATH; flags += OPEN_PATH) {
            int result = open_and_close(tree.root, cases[i].path, flags);
            if (result != cases[i].result)
                fail_msg("\"%s\" with %u: %d, expected %d", cases[i].path, flags, result, cases[i].result);
        }
    }
    tree_remove(&tree);
}

/* Magic links are no way out, even where the root holds /proc itself. */
static void magic_links_are_not_followed(void **state)
{
    (void)state;
    int proc = sys_open_root("/proc");
    assert_true(proc >= 0);
    assert_int_equal(open_and_close(proc, "self/status", 0), 0);
    assert_int_equal(open_and_close(proc, "self/exe", 0), -ELOOP);
    assert_int_equal(open_and_close(proc, "self/root/etc/passwd", 0), -ELOOP);
    assert_int_equal(open_and_close(proc, "self/fd/0", 0), -ELOOP);
    assert_int_equal(open_and_close(proc, "self/cwd", OPEN_FOLDER), -ELOOP);
    close(proc);
}

static void flags_do_what_they_say(void **state)
{
    (void)state;
    struct tree tree;
    tree_make(&tree);
    assert_int_equal(symlinkat("file", tree.root, "link"), 0);
    assert_int_equal(symlinkat("folder", tree.root, "folder-link"), 0);
    assert_int_equal(open_and_close(tree.root, "link", OPEN_NO_SYMLINKS), -ELOOP);
    assert_int_equal(open_and_close(tree.root, "folder-link/file", OPEN_NO_SYMLINKS), -ELOOP);
    assert_int_equal(open_and_close(tree.root, "folder/file", OPEN_NO_SYMLINKS), 0);
    assert_int_equal(open_and_close(tree.root, "file", OPEN_FOLDER), -ENOTDIR);
    assert_int_equal(open_and_close(tree.root, "folder", OPEN_FOLDER), 0);
    assert_int_equal(open_and_close(tree.root, ".", OPEN_FOLDER), 0);
    assert_int_equal(open_and_close(tree.root, "file", OPEN_LIST), -ENOTDIR);
    assert_int_equal(open_and_close(tree.root, "folder", OPEN_LIST), 0);

    /* A FIFO without a writer must not make anybody wait. */
    assert_int_equal(mkfifoat(tree.root, "fifo", 0644), 0);
    assert_int_equal(open_and_close(tree.root, "fifo", 0), 0);
    assert_int_equal(open_and_close(tree.root, "fifo", OPEN_PATH), 0);

    int place = sys_open_beneath(tree.root, "file", OPEN_PATH);
    char byte;
    assert_int_equal(sys_read_at(place, &byte, 1, 0, false), -EBADF);
    struct file_status status;
    assert_int_equal(sys_file_status(place, &status), 0);
    assert_int_equal(status.size, 100);
    assert_true(S_ISREG(status.mode));
    int fd = sys_open_path(place);
    assert_true(fd >= 0);
    assert_int_equal(sys_read_at(fd, &byte, 1, 99, false), 1);
    assert_int_equal(sys_read_at(fd, &byte, 1, 100, false), 0);
    close(fd);
    close(place);
    tree_remove(&tree);
}

/* What is in the caches opens without waiting; the guards hold all the same. */
static void cached_opens_never_wait(void **state)
{
    (void)state;
    struct tree tree;
    tree_make(&tree);
    assert_int_equal(symlinkat("../secret", tree.root, "beside"), 0);
    assert_int_equal(open_and_close(tree.root, "folder/file", 0), 0);
    assert_int_equal(open_and_close(tree.root, "folder/file", OPEN_CACHED), 0);
    assert_int_equal(open_and_close(tree.root, "folder/file", OPEN_CACHED | OPEN_PATH), 0);
    assert_int_equal(open_and_close(tree.root, "folder", OPEN_CACHED | OPEN_FOLDER), 0);
    static const char *const refused[] = {"beside", "../secret", "/etc/passwd", "nothing"};
    TABLE_ROWS(i, refused, refused[i]) {
        int result = open_and_close(tree.root, refused[i], OPEN_CACHED);
        assert_true(result == -EXDEV || result == -ENOENT || result == -EAGAIN);
    }
    int top = sys_open_root("/");
    int result = open_and_close(top, "proc/version", OPEN_CACHED); /* another file system */
    assert_true(result == -EXDEV || result == -EAGAIN);
    close(top);
    tree_remove(&tree);
}

struct shaker {
    const struct tree *tree;
    atomic_bool stopping;
};

static void *shake(void *argument)
{
    struct shaker *shaker = argument;
    while (!atomic_load(&shaker->stopping)) {
        renameat(shaker->tree->base_fd, "secret", shaker->tree->base_fd, "moved");
        renameat(shaker->tree->base_fd, "moved", shaker->tree->base_fd, "secret");
    }
    return NULL;
}

/* While anything is renamed the kernel may be unsure about a ".." and say EAGAIN (openat2(2)): that is
 * nothing to trouble a caller with who did not ask for OPEN_CACHED. */
static void renames_elsewhere_do_not_disturb(void **state)
{
    (void)state;
    struct tree tree;
    tree_make(&tree);
    struct shaker shaker = {.tree = &tree};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, shake, &shaker), 0);
    unsigned disturbed = 0;
    for (unsigned i = 0; i < 20000; i++)
        disturbed += open_and_close(tree.root, "folder/deep/../../folder/../file", 0) != 0;
    atomic_store(&shaker.stopping, true);
    pthread_join(thread, NULL);
    assert_int_equal(disturbed, 0);
    tree_remove(&tree);
}

static void statuses_agree(void **state)
{
    (void)state;
    struct tree tree;
    tree_make(&tree);
    char path[80];
    snprintf(path, sizeof(path), "%s/root/file", tree.base);
    assert_int_equal(symlinkat("file", tree.root, "link"), 0);
    int fd = sys_open_beneath(tree.root, "file", 0);
    struct file_status by_fd, by_path, by_entry, of_link;
    assert_int_equal(sys_file_status(fd, &by_fd), 0);
    assert_int_equal(sys_path_status(path, &by_path), 0);
    assert_int_equal(sys_entry_status(tree.root, "file", &by_entry), 0);
    assert_int_equal(sys_entry_status(tree.root, "link", &of_link), 0);
    assert_int_equal(by_fd.size, 100);
    assert_int_equal(by_fd.links, 1);
    assert_true(by_fd.inode == by_path.inode && by_fd.device == by_path.device);
    assert_true(by_fd.modified_ns == by_path.modified_ns && by_fd.changed_ns == by_path.changed_ns);
    assert_true(by_fd.inode == by_entry.inode && by_fd.modified_ns == by_entry.modified_ns);
    assert_true(S_ISLNK(of_link.mode) && of_link.inode != by_fd.inode);
    assert_int_equal(sys_path_status("/tmp/vif-test-nothing", &by_path), -ENOENT);
    assert_int_equal(sys_file_status(-1, &by_fd), -EBADF);
    close(fd);
    tree_remove(&tree);
}

/* The kernel begins to read the page that it does not wait for, and a quick disk has it there before the
 * kernel looks for it the second time: then the page is dropped once more. */
static void refuses_to_wait_for(int fd, off_t offset)
{
    char byte;
    ssize_t count = 1;
    for (int i = 0; i < 1000 && count == 1; i++) {
        assert_int_equal(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED), 0);
        count = sys_read_at(fd, &byte, 1, offset, true);
    }
    assert_int_equal(count, -EAGAIN);
}

/* Asks of a file whose pages were dropped, then read one by one. */
static void the_page_cache_is_known(void **state)
{
    (void)state;
    struct tree tree;
    tree_make(&tree);
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    write_file(tree.root, "large", 64 * page);
    int fd = sys_open_beneath(tree.root, "large", 0);
    assert_true(sys_range_is_cached(fd, 0, 64 * page));
    assert_true(sys_range_is_cached(fd, 1, 64 * page - 1));
    assert_true(sys_range_is_cached(fd, (off_t)page - 1, 2));
    assert_true(sys_range_is_cached(fd, 0, 0));
    assert_false(sys_range_is_cached(fd, 0, 65 * page)); /* behind the end there is nothing */
    char byte;
    assert_int_equal(sys_read_at(fd, &byte, 1, 0, true), 1);

    assert_int_equal(fsync(fd), 0);
    assert_int_equal(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED), 0);
    posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM); /* no read-ahead */
    if (sys_range_is_cached(fd, 0, 1)) {        /* a file system that keeps them, such as tmpfs */
        close(fd);
        tree_remove(&tree);
        skip();
    }
    assert_false(sys_range_is_cached(fd, 0, 64 * page));
    assert_true(sys_range_is_cached(fd, 0, 0));
    refuses_to_wait_for(fd, (off_t)(7 * page));
    assert_int_equal(sys_read_at(fd, &byte, 1, (off_t)(10 * page), false), 1);
    assert_true(sys_range_is_cached(fd, (off_t)(10 * page), page));
    assert_false(sys_range_is_cached(fd, 0, 64 * page));
    assert_false(sys_range_is_cached(fd, (off_t)(10 * page), 54 * page));
    close(fd);
    tree_remove(&tree);
}

/* /proc is one: the kernel answers EOPNOTSUPP. */
static void what_cannot_say_whether_it_waits_is_taken_to(void **state)
{
    (void)state;
    int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    char byte;
    assert_int_equal(sys_read_at(fd, &byte, 1, 0, true), -EAGAIN);
    assert_int_equal(sys_read_at(fd, &byte, 1, 0, false), 1);
    close(fd);
}

static void folders_are_watched_by_descriptor(void **state)
{
    (void)state;
    struct tree tree;
    tree_make(&tree);
    int inotify = sys_inotify_create();
    int folder = sys_open_beneath(tree.root, "folder", OPEN_FOLDER);
    int watch = sys_inotify_watch(inotify, folder, INOTIFY_ENTRIES);
    assert_true(inotify >= 0 && folder >= 0 && watch >= 0);
    char bytes[1024];
    assert_int_equal(sys_read(inotify, bytes, sizeof(bytes)), -EAGAIN);
    assert_int_equal(renameat(tree.root, "folder", tree.root, "renamed"), 0);
    write_file(tree.root, "renamed/new", 1);
    ssize_t length = sys_read(inotify, bytes, sizeof(bytes));
    bool created = false;
    for (ssize_t at = 0; at < length;) {
        struct inotify_event event;
        memcpy(&event, bytes + at, sizeof(event));
        created |= (event.mask & IN_CREATE) && strcmp(bytes + at + sizeof(event), "new") == 0;
        at += (ssize_t)(sizeof(event) + event.len);
    }
    assert_true(created);
    sys_inotify_forget(inotify, watch);
    int file = sys_open_beneath(tree.root, "file", 0);
    assert_int_equal(sys_inotify_watch(inotify, file, INOTIFY_ENTRIES), -ENOTDIR);
    assert_true(sys_inotify_watch(inotify, file, INOTIFY_CONTENT) >= 0);
    assert_true(sys_inotify_watch(inotify, folder, INOTIFY_PLACE) >= 0);
    while (sys_read(inotify, bytes, sizeof(bytes)) > 0)
        continue; /* the end of the first watch */
    /* Of the folder's entries nothing is told. */
    assert_int_equal(fchmodat(tree.root, "renamed/new", 0644, 0), 0);
    assert_int_equal(sys_read(inotify, bytes, sizeof(bytes)), -EAGAIN);
    write_file(tree.root, "file", 3);
    assert_true(sys_read(inotify, bytes, sizeof(bytes)) > 0);
    close(file);
    close(folder);
    close(inotify);
    tree_remove(&tree);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_leads_out_of_the_root),
        cmocka_unit_test(magic_links_are_not_followed),
        cmocka_unit_test(flags_do_what_they_say),
        cmocka_unit_test(cached_opens_never_wait),
        cmocka_unit_test(renames_elsewhere_do_not_disturb),
        cmocka_unit_test(statuses_agree),
        cmocka_unit_test(the_page_cache_is_known),
        cmocka_unit_test(what_cannot_say_whether_it_waits_is_taken_to),
        cmocka_unit_test(folders_are_watched_by_descriptor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
