/* Rotation in a folder of its own, by a clock of its own: who is told to open a log anew and when, which
 * archives go, and what one that fails does to the others. */
#include "../test.h"

#include "log/log_compression.h"
#include "log/log_rotation.h"
#include "sys/clock.h"
#include "sys/old_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FIRST  "a.log.20200101T000000Z"
#define SECOND "a.log.20200102T000000Z"
#define THIRD  "a.log.20200103T000000Z"

struct fixture {
    struct log log;
    struct log_rotation rotation;
    unsigned reopened; /* how often */
    char lines[4096];
    char folder[32];
};

/* ---- the clock, and a disk ---- */

static uint64_t skipped_ms;
static int64_t skipped_hours; /* of the time of day */
static const char *unlucky;   /* what cannot be compressed */

uint64_t __wrap_sys_monotonic_ns(void);
int64_t __real_sys_realtime_ns(void);
int64_t __wrap_sys_realtime_ns(void);
int __real_sys_create_like(const char *path, int fd);
int __wrap_sys_create_like(const char *path, int fd);

uint64_t __wrap_sys_monotonic_ns(void)
{
    return (1000000 + skipped_ms) * 1000000;
}

int64_t __wrap_sys_realtime_ns(void)
{
    return __real_sys_realtime_ns() + skipped_hours * 3600 * 1000000000;
}

/* A descriptor that takes no byte is as good as a full disk. */
int __wrap_sys_create_like(const char *path, int fd)
{
    if (unlucky && strstr(path, unlucky))
        return open("/dev/null", O_RDONLY | O_CLOEXEC);
    return __real_sys_create_like(path, fd);
}

/* ---- the fixture ---- */

static void note_line(struct log *log, enum log_level level, struct slice line)
{
    (void)level;
    char *lines = CONTAINER_OF(log, struct fixture, log)->lines;
    size_t length = strlen(lines);
    snprintf(lines + length, sizeof(((struct fixture *)0)->lines) - length, "%.*s\n", SLICE_ARGS(line));
}

static void note_reopening(void *context)
{
    ((struct fixture *)context)->reopened++;
}

static void begin(struct fixture *fixture, uint32_t keep, enum log_compressor compress)
{
    struct log_rotation_rules rules = {.is_on = true, .size = 4096, .keep = keep, .compress = compress};
    *fixture = (struct fixture){.log = {.level = LOG_LEVEL_DEBUG, .write = note_line}};
    strcpy(fixture->folder, "/tmp/vif-test-XXXXXX");
    assert_non_null(mkdtemp(fixture->folder));
    assert_int_equal(chdir(fixture->folder), 0);
    log_rotation_init(&fixture->rotation, &rules, &fixture->log, note_reopening, fixture);
    assert_int_equal(log_rotation_add(&fixture->rotation, SLICE("a.log")), 0);
}

static void pass(struct fixture *fixture, uint64_t ms)
{
    skipped_ms += ms;
    while (log_rotation_step(&fixture->rotation) == 0) {
    }
}

/* What a rotation has, it has until its process ends: a leak would be what nothing refers to. */
static struct log_rotation rotations[20];
static size_t rotation_count;

static void end(struct fixture *fixture)
{
    char command[64];
    assert_true(rotation_count < ARRAY_LENGTH(rotations));
    rotations[rotation_count++] = fixture->rotation;
    snprintf(command, sizeof(command), "rm -r %s", fixture->folder);
    assert_int_equal(chdir("/"), 0);
    assert_int_equal(system(command), 0);
    unlucky = NULL;
    skipped_hours = 0;
}

static int create(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    return fd;
}

static void put(const char *path)
{
    close(create(path, "text"));
}

static int create_full_log(void)
{
    int fd = create("a.log", "");
    assert_int_equal(ftruncate(fd, 4096), 0);
    return fd;
}

static bool is_there(const char *path)
{
    struct stat status;
    return lstat(path, &status) == 0;
}

/* ---- reopening ---- */

static void it_is_said_again_if_nobody_creates_the_new_file(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture, 10, LOG_COMPRESSOR_NONE);
    close(create_full_log());
    pass(&fixture, 1);
    assert_false(is_there("a.log"));
    assert_int_equal(fixture.reopened, 1);
    pass(&fixture, 1000);
    assert_int_equal(fixture.reopened, 1);
    pass(&fixture, 5000);
    assert_int_equal(fixture.reopened, 2);
    pass(&fixture, 5000);
    assert_int_equal(fixture.reopened, 3);
    put("a.log");
    pass(&fixture, 60000);
    pass(&fixture, 60000);
    assert_int_equal(fixture.reopened, 3);
    end(&fixture);
}

static void it_is_said_again_while_somebody_writes_to_the_old_part(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture, 10, LOG_COMPRESSOR_NONE);
    int fd = create_full_log();
    pass(&fixture, 1);
    put("a.log");
    pass(&fixture, 6000);
    assert_int_equal(fixture.reopened, 2);
    close(fd);
    pass(&fixture, 60000);
    assert_int_equal(fixture.reopened, 2);
    end(&fixture);
}

static void it_is_said_if_an_earlier_vif_left_no_file(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture, 10, LOG_COMPRESSOR_NONE);
    pass(&fixture, 6000);
    assert_int_equal(fixture.reopened, 1);
    end(&fixture);
}

static void a_log_that_was_removed_by_hand_is_left_alone(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture, 10, LOG_COMPRESSOR_NONE);
    put("a.log");
    pass(&fixture, 6000);
    unlink("a.log");
    pass(&fixture, 60000);
    assert_int_equal(fixture.reopened, 0);
    end(&fixture);
}

/* ---- age ---- */

static void a_log_is_as_old_as_its_first_line(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture, 10, LOG_COMPRESSOR_NONE);
    fixture.rotation.rules.age_ms = 3600 * 1000;
    close(create("a.log", ""));
    pass(&fixture, 2000);
    skipped_hours += 2;
    pass(&fixture, 2000);
    put("a.log");
    pass(&fixture, 2000);
    assert_int_equal(fixture.reopened, 0);
    skipped_hours += 2;
    pass(&fixture, 2000);
    assert_int_equal(fixture.reopened, 1);
    assert_false(is_there("a.log"));
    end(&fixture);
}

/* ---- removing ---- */

static void an_old_part_that_is_written_to_is_not_removed(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture, 1, LOG_COMPRESSOR_NONE);
    int fd = create(FIRST, "text");
    put(SECOND);
    put(THIRD);
    pass(&fixture, 1000);
    assert_true(is_there(FIRST));
    assert_false(is_there(SECOND));
    assert_true(is_there(THIRD));
    close(fd);
    pass(&fixture, 10000);
    assert_false(is_there(FIRST));
    assert_true(is_there(THIRD));
    assert_string_equal(fixture.lines, "");
    end(&fixture);
}

static void a_compressed_part_and_its_original_count_as_one(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture, 2, LOG_COMPRESSOR_NONE);
    put(FIRST);
    put(SECOND);
    put(SECOND LOG_ARCHIVE_COMPRESSED);
    put(THIRD);
    put(THIRD LOG_ARCHIVE_COMPRESSED);
    pass(&fixture, 1000);
    assert_false(is_there(FIRST));
    assert_true(is_there(SECOND) && is_there(SECOND LOG_ARCHIVE_COMPRESSED));
    assert_true(is_there(THIRD) && is_there(THIRD LOG_ARCHIVE_COMPRESSED));
    end(&fixture);
}

static void the_first_of_a_second_is_the_oldest_compressed_or_not(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture, 1, LOG_COMPRESSOR_NONE);
    put(FIRST LOG_ARCHIVE_COMPRESSED);
    put(FIRST "-01" LOG_ARCHIVE_COMPRESSED);
    pass(&fixture, 1000);
    assert_false(is_there(FIRST LOG_ARCHIVE_COMPRESSED));
    assert_true(is_there(FIRST "-01" LOG_ARCHIVE_COMPRESSED));
    end(&fixture);
}

static void a_part_that_cannot_be_removed_is_passed_over(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture, 1, LOG_COMPRESSOR_NONE);
    assert_int_equal(mkdir(FIRST LOG_ARCHIVE_PART, 0700), 0);
    put(FIRST);
    put(SECOND);
    pass(&fixture, 1000);
    assert_false(is_there(FIRST));
    assert_true(is_there(SECOND));
    assert_string_equal(fixture.lines, "");
    end(&fixture);
}

static void what_could_not_be_removed_is_removed_later(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture, 1, LOG_COMPRESSOR_NONE);
    assert_int_equal(mkdir(FIRST, 0700), 0);
    put(SECOND);
    pass(&fixture, 1000);
    assert_non_null(strstr(fixture.lines, "cannot remove old parts of the log a.log: "));
    assert_int_equal(rmdir(FIRST), 0);
    put(FIRST);
    pass(&fixture, 60000);
    assert_false(is_there(FIRST));
    end(&fixture);
}

/* ---- compressing ---- */

static void one_that_cannot_be_compressed_delays_no_other(void **state)
{
    (void)state;
    struct fixture fixture;
    if (!log_compression_exists())
        skip();
    begin(&fixture, 3, LOG_COMPRESSOR_ZSTD);
    unlucky = FIRST;
    put(FIRST);
    put(SECOND);
    put("b.log");
    put("b.log.20200101T000000Z");
    assert_int_equal(log_rotation_add(&fixture.rotation, SLICE("b.log")), 0);
    pass(&fixture, 1000);
    assert_non_null(strstr(fixture.lines, "cannot compress "));
    for (unsigned i = 0; i < 10; i++)
        pass(&fixture, 60000);
    assert_true(is_there(FIRST));
    assert_true(is_there(SECOND LOG_ARCHIVE_COMPRESSED));
    assert_true(is_there("b.log.20200101T000000Z" LOG_ARCHIVE_COMPRESSED));
    unlucky = NULL;
    for (unsigned i = 0; i < 3; i++)
        pass(&fixture, 60000);
    assert_true(is_there(FIRST LOG_ARCHIVE_COMPRESSED));
    assert_false(is_there(FIRST));
    end(&fixture);
}

static void what_is_written_to_at_the_end_stays_as_it_is(void **state)
{
    (void)state;
    struct fixture fixture;
    struct log_compression *compression;
    int result;
    if (!log_compression_exists())
        skip();
    begin(&fixture, 1, LOG_COMPRESSOR_ZSTD);
    put(FIRST);
    assert_int_equal(log_compression_begin(FIRST, &compression), 0);
    int fd = create(FIRST, ""); /* as long as before */
    do {
        result = log_compression_step(compression);
    } while (result > 0);
    log_compression_end(compression);
    assert_int_equal(result, -EBUSY);
    assert_true(is_there(FIRST));
    assert_false(is_there(FIRST LOG_ARCHIVE_COMPRESSED) || is_there(FIRST LOG_ARCHIVE_PART));
    close(fd);
    end(&fixture);
}

static void one_that_stays_busy_is_looked_at_less_and_less_often(void **state)
{
    (void)state;
    struct fixture fixture;
    if (!log_compression_exists())
        skip();
    begin(&fixture, 1, LOG_COMPRESSOR_ZSTD);
    int fd = create(FIRST, "text");
    for (unsigned i = 0; i < 10; i++)
        pass(&fixture, 5000);
    close(fd);
    pass(&fixture, 1000);
    assert_true(is_there(FIRST));
    pass(&fixture, 3000);
    assert_false(is_there(FIRST));
    end(&fixture);
}

/* ---- links ---- */

static void a_link_that_others_could_have_made_is_not_followed(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture, 1, LOG_COMPRESSOR_NONE);
    assert_int_equal(mkdir("open", 0700), 0);
    assert_int_equal(chmod("open", 01777), 0);
    close(create("victim", ""));
    assert_int_equal(truncate("victim", 4096), 0);
    assert_int_equal(symlink("../victim", "open/b.log"), 0);
    assert_int_equal(symlink("open/b.log", "c.log"), 0);
    assert_int_equal(log_rotation_add(&fixture.rotation, SLICE("open/b.log")), 0);
    assert_int_equal(log_rotation_add(&fixture.rotation, SLICE("c.log")), 0);
    for (unsigned i = 0; i < 5; i++)
        pass(&fixture, 60000);
    assert_true(is_there("victim"));
    const char *said =
        strstr(fixture.lines, "cannot rotate the log open/b.log: a symbolic link in a folder ");
    assert_non_null(said);
    assert_null(strstr(said + 1, "cannot rotate the log open/b.log"));
    assert_non_null(strstr(fixture.lines, "cannot rotate the log c.log: a symbolic link in a folder "));
    assert_int_equal(chmod("open", 0755), 0);
    pass(&fixture, 60000);
    assert_false(is_there("victim"));
    end(&fixture);
}

static void links_of_links_are_followed(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture, 1, LOG_COMPRESSOR_NONE);
    assert_int_equal(mkdir("folder", 0700), 0);
    close(create("folder/real", ""));
    assert_int_equal(truncate("folder/real", 4096), 0);
    assert_int_equal(symlink("real", "folder/second"), 0);
    assert_int_equal(symlink("folder/second", "a.log"), 0);
    pass(&fixture, 1000);
    assert_true(is_there("a.log") && is_there("folder/second"));
    assert_false(is_there("folder/real"));
    assert_int_equal(fixture.reopened, 1);
    end(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_said_again_if_nobody_creates_the_new_file),
        cmocka_unit_test(it_is_said_again_while_somebody_writes_to_the_old_part),
        cmocka_unit_test(it_is_said_if_an_earlier_vif_left_no_file),
        cmocka_unit_test(a_log_that_was_removed_by_hand_is_left_alone),
        cmocka_unit_test(a_log_is_as_old_as_its_first_line),
        cmocka_unit_test(an_old_part_that_is_written_to_is_not_removed),
        cmocka_unit_test(a_compressed_part_and_its_original_count_as_one),
        cmocka_unit_test(the_first_of_a_second_is_the_oldest_compressed_or_not),
        cmocka_unit_test(a_part_that_cannot_be_removed_is_passed_over),
        cmocka_unit_test(what_could_not_be_removed_is_removed_later),
        cmocka_unit_test(one_that_cannot_be_compressed_delays_no_other),
        cmocka_unit_test(what_is_written_to_at_the_end_stays_as_it_is),
        cmocka_unit_test(one_that_stays_busy_is_looked_at_less_and_less_often),
        cmocka_unit_test(a_link_that_others_could_have_made_is_not_followed),
        cmocka_unit_test(links_of_links_are_followed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
