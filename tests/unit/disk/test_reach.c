/* Absolute links inside the root lead on; nothing leads out, whatever is renamed meanwhile. */
#include "tests/unit/test.h"

#include "disk/reach.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* base/secret, base/root/..., and base/alias, a link to the root. */
struct ground {
    char base[64];
    char root_path[80];
    int base_fd;
    struct reach reach;
};

static void write_file(int folder, const char *name, const char *text)
{
    int fd = openat(folder, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
}

static void ground_init(struct ground *ground)
{
    strcpy(ground->base, "/tmp/vif-test-XXXXXX");
    assert_non_null(mkdtemp(ground->base));
    snprintf(ground->root_path, sizeof(ground->root_path), "%s/root", ground->base);
    ground->base_fd = open(ground->base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(mkdirat(ground->base_fd, "root", 0755), 0);
    assert_int_equal(mkdirat(ground->base_fd, "root/folder", 0755), 0);
    assert_int_equal(symlinkat("root", ground->base_fd, "alias"), 0);
    write_file(ground->base_fd, "secret", "secret");
    write_file(ground->base_fd, "root/file", "inside");
    write_file(ground->base_fd, "root/folder/file", "inside");
    ground->reach =
        (struct reach){.root_fd = sys_open_root(ground->root_path), .root_path = ground->root_path};
    assert_true(ground->reach.root_fd >= 0);
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status, (void)type, (void)walk;
    return remove(path);
}

static void ground_finish(struct ground *ground)
{
    close(ground->reach.root_fd);
    close(ground->base_fd);
    assert_int_equal(nftw(ground->base, remove_entry, 16, FTW_DEPTH | FTW_PHYS), 0);
}

/* Makes base/root/`name` a link to `target`, in which "%s" is the base. */
static void add_link(struct ground *ground, const char *name, const char *target)
{
    char path[100], text[200];
    snprintf(path, sizeof(path), "root/%s", name);
    char *place = strstr(target, "%s");
    if (place)
        snprintf(text, sizeof(text), "%.*s%s%s", (int)(place - target), target, ground->base, place + 2);
    else
        snprintf(text, sizeof(text), "%s", target);
    assert_int_equal(symlinkat(text, ground->base_fd, path), 0);
}

/* 0 where "inside" can be read there, -errno where nothing can be opened. */
static int read_inside(const struct reach *reach, const char *path, unsigned flags)
{
    char bytes[10];
    int fd = reach_open(reach, path, flags);
    if (fd < 0)
        return fd;
    ssize_t count = read(fd, bytes, sizeof(bytes));
    close(fd);
    assert_int_equal(count, 6);
    assert_memory_equal(bytes, "inside", 6);
    return 0;
}

static const struct {
    const char *name, *target;
} links[] = {
    {"by-real-path", "%s/root/file"},
    {"by-alias", "%s/alias/file"},
    {"to-folder", "%s/root/folder"},
    {"folder/to-root", "%s/root"},
    {"folder/to-root-slash", "%s/root/"},
    {"folder/doubled", "%s/root//folder//file"},
    {"chain", "folder/chain"},
    {"folder/chain", "%s/root/by-real-path"},
    {"up-and-in", "folder/../to-folder/file"},
    {"outside", "%s/secret"},
    {"beside", "%s/root-evil/file"},
    {"climbs", "%s/root/../secret"},
    {"climbs-later", "%s/root/folder/../../secret"},
    {"out-by-link", "%s/root/relative-out"},
    {"relative-out", "../secret"},
    {"passwd", "/etc/passwd"},
    {"top", "/"},
    {"loop", "%s/root/loop"},
    {"loop-a", "%s/root/folder/loop-b"},
    {"folder/loop-b", "../loop-a"},
    {"dangling", "%s/root/nothing"},
    {"magic", "/proc/self/root/etc/passwd"},
};

static const struct {
    const char *path;
    int result;      /* where the root was named by its real path */
    int by_alias;    /* where it was named by the alias */
    int follows_out; /* where links may lead out: 1 for what is outside and can be opened */
} cases[] = {
    {"file", 0, 0, 0},
    {"by-real-path", 0, 0, 0},
    {"by-alias", -EXDEV, 0, 0},
    {"to-folder/file", 0, 0, 0},
    {"folder/to-root/file", 0, 0, 0},
    {"folder/to-root-slash/file", 0, 0, 0},
    {"folder/to-root/to-folder/to-root/file", 0, 0, 0},
    {"folder/doubled", 0, 0, 0},
    {"chain", 0, 0, 0},
    {"up-and-in", 0, 0, 0},
    {"outside", -EXDEV, -EXDEV, 1},
    {"beside", -EXDEV, -EXDEV, -ENOENT},
    {"climbs", -EXDEV, -EXDEV, 1},
    {"climbs-later", -EXDEV, -EXDEV, 1},
    {"out-by-link", -EXDEV, -EXDEV, 1},
    {"relative-out", -EXDEV, -EXDEV, 1},
    {"passwd", -EXDEV, -EXDEV, 1},
    {"top/etc/passwd", -EXDEV, -EXDEV, 1},
    {"loop", -ELOOP, -ELOOP, -ELOOP},
    {"loop-a", -ELOOP, -ELOOP, -ELOOP},
    {"dangling", -ENOENT, -ENOENT, -ENOENT},
    {"magic", -EXDEV, -EXDEV, -ELOOP},
    {"nothing", -ENOENT, -ENOENT, -ENOENT},
    {"../secret", -EXDEV, -EXDEV, 1},
    {"/etc/passwd", -EXDEV, -EXDEV, 1},
};

static void links_lead_as_far_as_they_may(void **state)
{
    (void)state;
    struct ground ground;
    char alias[80];
    ground_init(&ground);
    snprintf(alias, sizeof(alias), "%s/alias", ground.base);
    for (size_t i = 0; i < ARRAY_LENGTH(links); i++)
        add_link(&ground, links[i].name, links[i].target);
    struct reach by_alias = {.root_fd = ground.reach.root_fd, .root_path = alias};
    struct reach follows_out = {.root_fd = ground.reach.root_fd, .root_path = alias, .follows_out = true};
    TABLE_ROWS(i, cases, cases[i].path) {
        if (read_inside(&ground.reach, cases[i].path, 0) != cases[i].result)
            fail_msg("%s: %d", cases[i].path, read_inside(&ground.reach, cases[i].path, 0));
        if (read_inside(&by_alias, cases[i].path, 0) != cases[i].by_alias)
            fail_msg("%s by its alias: %d", cases[i].path, read_inside(&by_alias, cases[i].path, 0));
        int fd = reach_open(&follows_out, cases[i].path, OPEN_PATH);
        if (cases[i].follows_out == 1 ? fd < 0 : MIN(fd, 0) != cases[i].follows_out)
            fail_msg("%s, which may lead out: %d", cases[i].path, fd);
        if (fd >= 0)
            close(fd);
        assert_true(reach_open(&ground.reach, cases[i].path, OPEN_NO_SYMLINKS) < 0 || i == 0);
    }
    ground_finish(&ground);
}

/* What is known to the kernel is found without waiting for a disk. */
static void absolute_links_in_the_cache(void **state)
{
    (void)state;
    struct ground ground;
    ground_init(&ground);
    add_link(&ground, "link", "%s/root/folder/file");
    assert_int_equal(read_inside(&ground.reach, "link", 0), 0);
    assert_int_equal(read_inside(&ground.reach, "link", OPEN_CACHED), 0);
    assert_int_equal(read_inside(&ground.reach, "link", OPEN_STAY), 0);
    ground_finish(&ground);
}

struct shaker {
    struct ground *ground;
    atomic_bool stops;
};

/* Turns base/root/swinging between a folder of the root, a link to it, and links that lead out. */
static void *shake(void *argument)
{
    struct shaker *shaker = argument;
    int base = shaker->ground->base_fd;
    static const char *const names[] = {"root/to-folder", "root/to-base", "root/relative", "root/real"};
    while (!shaker->stops) {
        for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
            renameat(base, names[i], base, "root/swinging");
            renameat(base, "root/swinging", base, names[i]);
        }
    }
    return NULL;
}

static void links_that_swing_lead_nowhere_else(void **state)
{
    (void)state;
    static struct ground ground;
    static struct shaker shaker = {.ground = &ground};
    unsigned found = 0;
    ground_init(&ground);
    write_file(ground.base_fd, "root/folder/secret", "inside");
    assert_int_equal(mkdirat(ground.base_fd, "root/real", 0755), 0);
    write_file(ground.base_fd, "root/real/secret", "inside");
    add_link(&ground, "to-folder", "%s/root/folder");
    add_link(&ground, "to-base", "%s");
    add_link(&ground, "relative", "..");
    add_link(&ground, "twice", "%s/root/swinging/../swinging/secret");
    add_link(&ground, "once", "%s/root/swinging/secret");
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, shake, &shaker), 0);
    /* read_inside fails where it reads "secret". */
    for (unsigned i = 0; i < 300000 && found < 5000; i++) {
        static const char *const paths[] = {"swinging/secret", "once", "twice"};
        found += read_inside(&ground.reach, paths[i % 3], 0) == 0;
    }
    shaker.stops = true;
    pthread_join(thread, NULL);
    assert_true(found > 0);
    ground_finish(&ground);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(links_lead_as_far_as_they_may),
        cmocka_unit_test(absolute_links_in_the_cache),
        cmocka_unit_test(links_that_swing_lead_nowhere_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
