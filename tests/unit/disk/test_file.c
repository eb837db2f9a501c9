/* What a path beneath a root turns out to be, and that what is read of a file is one version of it. */
#include "tests/unit/tree_builder.h"

#include "base/error.h"
#include "disk/file.h"
#include "sys/file.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/un.h>

#define LONG_AGO 1000000000

struct ground {
    struct tree tree;
    struct root root;
};

static void ground_init(struct ground *ground)
{
    tree_init(&ground->tree);
    ground->root = (struct root){.fd = ground->tree.fd, .is_local = true};
}

static struct file_request request_for(struct ground *ground, const char *path)
{
    return (struct file_request){
        .root = &ground->root,
        .reach = {.root_fd = ground->tree.fd, .root_path = ground->tree.path},
        .path = slice_from(path),
        .memory_max = 65536,
        .with_siblings = true,
    };
}

static struct file *open_path(struct ground *ground, const char *path)
{
    struct file_request request = request_for(ground, path);
    struct file *file;
    assert_int_equal(file_open(&request, &file), 0);
    assert_int_equal(file->references, 1);
    assert_slice(file_path(file), path);
    return file;
}

static void expect_kind(struct ground *ground, const char *path, enum file_kind kind)
{
    struct file *file = open_path(ground, path);
    if (file->kind != kind)
        fail_msg("%s is of kind %d, not %d", path, file->kind, kind);
    assert_true(file->kind == FILE_REGULAR || file->fd < 0);
    file_unref(file);
}

static void expect_revalidate(struct ground *ground, const char *path, bool revalidate)
{
    struct file *file = open_path(ground, path);
    assert_int_equal(file->kind, FILE_REGULAR);
    assert_int_equal(file->revalidate, revalidate);
    file_unref(file);
}

static void write_text(struct ground *ground, const char *name, const char *text)
{
    int fd = openat(ground->tree.fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

static void regular_files_in_memory_or_not(void **state)
{
    (void)state;
    struct ground ground;
    ground_init(&ground);
    tree_add_file(&ground.tree, "empty", 0, LONG_AGO);
    tree_add_file(&ground.tree, "fits", 65536, LONG_AGO);
    tree_add_file(&ground.tree, "large", 65537, LONG_AGO);
    write_text(&ground, "text", "hello");
    static const struct {
        const char *name;
        size_t size;
        bool in_memory;
    } cases[] = {{"empty", 0, true}, {"fits", 65536, true}, {"large", 65537, false}, {"text", 5, true}};
    TABLE_ROWS(i, cases, cases[i].name) {
        struct file *file = open_path(&ground, cases[i].name);
        assert_int_equal(file->kind, FILE_REGULAR);
        assert_int_equal(file->status.size, cases[i].size);
        assert_int_equal(file->in_memory, cases[i].in_memory);
        assert_int_equal(file->fd < 0, cases[i].in_memory);
        assert_false(file->revalidate);
        assert_true(file_bytes(file) >= (cases[i].in_memory ? cases[i].size : 0));
        if (i == 3)
            assert_slice(file_content(file), "hello");
        file_unref(file);
    }
    tree_finish(&ground.tree);
}

static void kinds(void **state)
{
    (void)state;
    struct ground ground;
    ground_init(&ground);
    tree_add_folder(&ground.tree, "folder");
    tree_add_file(&ground.tree, "folder/file", 1, LONG_AGO);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof(address.sun_path), "%s/socket", ground.tree.path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    char longest[300];
    memset(longest, 'n', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    expect_kind(&ground, "folder", FILE_FOLDER);
    expect_kind(&ground, ".", FILE_FOLDER);
    expect_kind(&ground, "folder/file", FILE_REGULAR);
    expect_kind(&ground, "missing", FILE_ABSENT);
    expect_kind(&ground, "missing/file", FILE_ABSENT);
    expect_kind(&ground, "folder/file/below", FILE_ABSENT);
    expect_kind(&ground, longest, FILE_ABSENT);
    expect_kind(&ground, "socket", FILE_FORBIDDEN);
    if (mknodat(ground.tree.fd, "device", S_IFCHR | 0666, makedev(1, 3)) == 0)
        expect_kind(&ground, "device", FILE_FORBIDDEN);
    close(fd);
    tree_finish(&ground.tree);
}

/* Who waits for a reader of a FIFO must not be told of one. */
static void a_fifo_is_not_woken(void **state)
{
    (void)state;
    struct ground ground;
    ground_init(&ground);
    assert_int_equal(mkfifoat(ground.tree.fd, "fifo", 0666), 0);
    int reader = openat(ground.tree.fd, "fifo", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    int writer = openat(ground.tree.fd, "fifo", O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    assert_true(reader >= 0 && writer >= 0);
    close(reader);
    expect_kind(&ground, "fifo", FILE_FORBIDDEN);
    /* Had anyone opened it meanwhile, it would have had a reader. */
    struct pollfd poll_fd = {.fd = writer};
    assert_int_equal(poll(&poll_fd, 1, 0), 1);
    assert_true(poll_fd.revents & POLLERR);
    assert_true(openat(ground.tree.fd, "fifo", O_WRONLY | O_NONBLOCK | O_CLOEXEC) < 0);
    assert_int_equal(errno, ENXIO);
    close(writer);
    tree_finish(&ground.tree);
}

static void symbolic_links(void **state)
{
    (void)state;
    struct ground ground;
    ground_init(&ground);
    tree_add_folder(&ground.tree, "folder");
    tree_add_file(&ground.tree, "folder/file", 1, LONG_AGO);
    tree_add_link(&ground.tree, "inside", "folder/file");
    tree_add_link(&ground.tree, "folder/up", "../folder/file");
    tree_add_link(&ground.tree, "to-folder", "folder");
    tree_add_link(&ground.tree, "absolute", "/etc/passwd");
    tree_add_link(&ground.tree, "climbing", "../../../../../../etc/passwd");
    tree_add_link(&ground.tree, "loop", "loop");
    tree_add_link(&ground.tree, "dangling", "nothing");
    tree_add_link(&ground.tree, "magic", "/proc/self/fd/0");
    expect_revalidate(&ground, "inside", true);
    expect_revalidate(&ground, "folder/up", true);
    expect_revalidate(&ground, "to-folder/file", true);
    expect_revalidate(&ground, "folder/file", false);
    expect_kind(&ground, "to-folder", FILE_FOLDER);
    static const char *const outside[] = {"absolute", "climbing", "loop", "dangling", "magic", "../x", ".."};
    TABLE_ROWS(i, outside, outside[i])
        expect_kind(&ground, outside[i], FILE_ABSENT);
    tree_finish(&ground.tree);
}

static void a_file_with_several_names_is_looked_at_again(void **state)
{
    (void)state;
    struct ground ground;
    ground_init(&ground);
    tree_add_file(&ground.tree, "one", 1, LONG_AGO);
    expect_revalidate(&ground, "one", false);
    assert_int_equal(linkat(ground.tree.fd, "one", ground.tree.fd, "two", 0), 0);
    expect_revalidate(&ground, "one", true);
    tree_finish(&ground.tree);
}

static void what_may_not_be_read_is_forbidden(void **state)
{
    (void)state;
    struct ground ground;
    ground_init(&ground);
    tree_add_file(&ground.tree, "secret", 1, LONG_AGO);
    tree_add_folder(&ground.tree, "folder");
    tree_add_file(&ground.tree, "folder/file", 1, LONG_AGO);
    assert_int_equal(fchmodat(ground.tree.fd, "secret", 0, 0), 0);
    assert_int_equal(fchmodat(ground.tree.fd, "folder", 0, 0), 0);
    assert_int_equal(fchmod(ground.tree.fd, 0755), 0);
    bool is_superuser = geteuid() == 0;
    if (is_superuser)
        assert_int_equal(seteuid(65534), 0);
    expect_kind(&ground, "secret", FILE_FORBIDDEN);
    expect_kind(&ground, "folder", FILE_FOLDER);
    expect_kind(&ground, "folder/file", FILE_FORBIDDEN);
    if (is_superuser)
        assert_int_equal(seteuid(0), 0);
    assert_int_equal(fchmodat(ground.tree.fd, "folder", 0700, 0), 0);
    tree_finish(&ground.tree);
}

static void siblings_in_other_codings(void **state)
{
    (void)state;
    struct ground ground;
    ground_init(&ground);
    tree_add_file(&ground.tree, "page", 10, LONG_AGO);
    tree_add_file(&ground.tree, "page.br", 3, LONG_AGO);     /* its time was copied */
    tree_add_file(&ground.tree, "page.gz", 3, LONG_AGO - 1); /* of a version before */
    tree_add_folder(&ground.tree, "page.zst");               /* no file */
    struct file *file = open_path(&ground, "page");
    assert_int_equal(file->siblings, 1u << HTTP_CODING_BR);
    file_unref(file);
    tree_date(&ground.tree, "page.gz", LONG_AGO + 1);
    file = open_path(&ground, "page");
    assert_int_equal(file->siblings, 1u << HTTP_CODING_BR | 1u << HTTP_CODING_GZIP);
    struct slice identity_etag = file_etag(file);
    struct file_request request = request_for(&ground, "page");
    request.coding = HTTP_CODING_GZIP;
    request.with_siblings = false;
    struct file *sibling;
    assert_int_equal(file_open(&request, &sibling), 0);
    assert_int_equal(sibling->status.size, 3);
    assert_slice(file_path(sibling), "page");
    assert_false(slice_equal(file_etag(sibling), identity_etag));
    assert_int_equal(sibling->siblings, 0);
    file_unref(sibling);
    file_unref(file);
    request.coding = HTTP_CODING_ZSTD;
    assert_int_equal(file_open(&request, &sibling), 0);
    assert_int_equal(sibling->kind, FILE_FOLDER);
    file_unref(sibling);
    tree_finish(&ground.tree);
}

static void set_time(struct ground *ground, const char *name, int64_t ns)
{
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT},
                                {.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000}};
    assert_int_equal(utimensat(ground->tree.fd, name, times, 0), 0);
}

/* A tool that copies the time of a file may keep less of it than there is. */
static void siblings_are_not_older(void **state)
{
    (void)state;
    static const struct {
        int64_t file_ns, sibling_ns;
        bool counts;
    } cases[] = {
        {1700000000123456789, 1700000000123456789, true}, /* gzip */
        {1700000000123456789, 1700000000123456790, true},
        {1700000000123456789, 1700000000123456788, false},
        {1700000000123456789, 1700000000123456000, true}, /* microseconds */
        {1700000000123456789, 1700000000123455000, false},
        {1700000000123456789, 1700000000123000000, true}, /* milliseconds */
        {1700000000123456789, 1700000000122000000, false},
        {1700000000123456789, 1700000000000000000, true}, /* brotli: seconds */
        {1700000000123456789, 1699999999000000000, false},
        {1700000000123456789, 1699999999123456789, false},
        {1700000000000000000, 1699999999999999999, false},
    };
    struct ground ground;
    ground_init(&ground);
    write_text(&ground, "page", "page");
    write_text(&ground, "page.br", "br");
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        set_time(&ground, "page", cases[i].file_ns);
        set_time(&ground, "page.br", cases[i].sibling_ns);
        struct file *file = open_path(&ground, "page");
        if ((file->siblings != 0) != cases[i].counts)
            fail_msg("case %zu", i);
        file_unref(file);
    }
    tree_finish(&ground.tree);
}

/* Dated by the second, a sibling says of the file's last change only that it was in the same one. */
static void a_file_that_changed_after_its_sibling_was_dated(void **state)
{
    (void)state;
    struct ground ground;
    ground_init(&ground);
    write_text(&ground, "page.br", "br");
    struct stat status;
    assert_int_equal(fstatat(ground.tree.fd, "page.br", &status, 0), 0);
    set_time(&ground, "page.br", status.st_mtim.tv_sec * INT64_C(1000000000));
    assert_int_equal(fstatat(ground.tree.fd, "page.br", &status, 0), 0);
    write_text(&ground, "page", "page");
    int64_t changed_ns = status.st_ctim.tv_sec * INT64_C(1000000000) + status.st_ctim.tv_nsec;
    for (int late = 0; late < 2; late++) {
        set_time(&ground, "page", changed_ns + late);
        struct file *file = open_path(&ground, "page");
        bool is_same_second = changed_ns + late < (status.st_mtim.tv_sec + 1) * INT64_C(1000000000);
        assert_int_equal(file->siblings != 0, is_same_second && late == 0);
        file_unref(file);
    }
    tree_finish(&ground.tree);
}

static void a_file_that_may_change_unseen_is_racy(void **state)
{
    (void)state;
    struct ground ground;
    ground_init(&ground);
    bool is_racy = false;
    /* However slow the machine is: now is now. */
    for (int i = 0; i < 100 && !is_racy; i++) {
        write_text(&ground, "new", "y");
        tree_date(&ground.tree, "new", LONG_AGO);
        struct file *file = open_path(&ground, "new");
        is_racy = file->is_racy;
        file_unref(file);
    }
    assert_true(is_racy);
    usleep(20000);
    struct file *file = open_path(&ground, "new");
    assert_false(file->is_racy);
    file_unref(file);
    tree_add_file(&ground.tree, "future", 1, 5000000000);
    usleep(20000);
    file = open_path(&ground, "future");
    assert_false(file->is_racy);
    file_unref(file);
    tree_finish(&ground.tree);
}

struct writer {
    struct ground *ground;
    atomic_bool stops;
};

/* Writes versions in place: each is one letter, over and over, with a rest now and then. */
static void *write_on(void *context)
{
    struct writer *writer = context;
    int fd = openat(writer->ground->tree.fd, "busy", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    char bytes[20000];
    for (int version = 0; !writer->stops; version++) {
        memset(bytes, 'a' + version % 26, sizeof(bytes));
        size_t size = 1000 + (size_t)version % 19000;
        if (pwrite(fd, bytes, size, 0) < 0 || ftruncate(fd, (off_t)size) < 0)
            break;
        if (version % 50 == 0)
            usleep(20000);
    }
    close(fd);
    return NULL;
}

static bool is_one_version(const struct file *file)
{
    struct slice content = file_content(file);
    for (size_t i = 1; i < content.length; i++) {
        if (content.data[i] != content.data[0])
            return false;
    }
    return true;
}

/* What is not marked as racy, and so may be kept, is one version. */
static void a_file_that_changes_while_it_is_read(void **state)
{
    (void)state;
    static struct ground ground;
    static struct writer writer = {.ground = &ground};
    unsigned kept = 0;
    ground_init(&ground);
    write_text(&ground, "busy", "x");
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, write_on, &writer), 0);
    for (int i = 0; i < 20000 && kept < 500; i++) {
        struct file_request request = request_for(&ground, "busy");
        struct file *file;
        int error = file_open(&request, &file);
        assert_true(error == 0 || error == ERROR_CHANGED);
        if (error)
            continue;
        assert_true(file->in_memory);
        assert_true(file->is_racy || is_one_version(file));
        kept += !file->is_racy;
        file_unref(file);
    }
    writer.stops = true;
    pthread_join(thread, NULL);
    tree_finish(&ground.tree);
}

/* A log that is written to without a pause is read all the same. A line that crosses a page of the file shows
 * in two steps, so the content may end inside of one. */
static void *append_on(void *context)
{
    struct writer *writer = context;
    int fd = openat(writer->ground->tree.fd, "log", O_WRONLY | O_APPEND | O_CLOEXEC);
    while (!writer->stops && write(fd, "line\n", 5) == 5)
        ;
    close(fd);
    return NULL;
}

static void a_file_that_grows_all_the_time(void **state)
{
    (void)state;
    static struct ground ground;
    static struct writer writer = {.ground = &ground};
    ground_init(&ground);
    write_text(&ground, "log", "line\n");
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, append_on, &writer), 0);
    for (int i = 0; i < 2000; i++) {
        struct file *file = open_path(&ground, "log");
        for (size_t at = 0; file->in_memory && at < file->status.size; at++)
            assert_int_equal(file_content(file).data[at], "line\n"[at % 5]);
        file_unref(file);
    }
    writer.stops = true;
    pthread_join(thread, NULL);
    tree_finish(&ground.tree);
}

/* On a file system that can tell, what is cold is left to the pool, and then it is the same. */
static void what_is_cold_is_not_waited_for(void **state)
{
    (void)state;
    struct ground ground;
    ground_init(&ground);
    tree_add_file(&ground.tree, "file", 5000, LONG_AGO);
    struct file_request request = request_for(&ground, "file");
    request.cached_only = true;
    struct file *file;
    int error = file_open(&request, &file);
    assert_true(error == 0 || error == -EAGAIN);
    if (error == 0)
        file_unref(file);
    request.cached_only = false;
    assert_int_equal(file_open(&request, &file), 0);
    assert_int_equal(file->kind, FILE_REGULAR);
    file_unref(file);
    request.path = SLICE("missing");
    assert_int_equal(file_open(&request, &file), 0);
    file_unref(file);
    request.cached_only = true;
    error = file_open(&request, &file);
    assert_true(error == 0 || error == -EAGAIN);
    if (error == 0) {
        assert_int_equal(file->kind, FILE_ABSENT);
        file_unref(file);
    }
    tree_finish(&ground.tree);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(regular_files_in_memory_or_not),
        cmocka_unit_test(kinds),
        cmocka_unit_test(a_fifo_is_not_woken),
        cmocka_unit_test(symbolic_links),
        cmocka_unit_test(a_file_with_several_names_is_looked_at_again),
        cmocka_unit_test(what_may_not_be_read_is_forbidden),
        cmocka_unit_test(siblings_in_other_codings),
        cmocka_unit_test(siblings_are_not_older),
        cmocka_unit_test(a_file_that_changed_after_its_sibling_was_dated),
        cmocka_unit_test(a_file_that_may_change_unseen_is_racy),
        cmocka_unit_test(a_file_that_changes_while_it_is_read),
        cmocka_unit_test(a_file_that_grows_all_the_time),
        cmocka_unit_test(what_is_cold_is_not_waited_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
