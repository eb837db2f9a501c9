/* The access log: its formats, what it does to bytes that clients choose, and descriptors that take nothing.
 */
#include "../test.h"

#include "log/access_log.h"
#include "loop/loop.h"
#include "loop/offload.h"
#include "loop/wheel.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* A log that remembers what it was told. */
struct memory_log {
    struct log log;
    unsigned count;
    char last[256];
};

static void remember(struct log *log, enum log_level level, struct slice line)
{
    (void)level;
    struct memory_log *memory = CONTAINER_OF(log, struct memory_log, log);
    memory->count++;
    snprintf(memory->last, sizeof(memory->last), "%.*s", SLICE_ARGS(line));
}

struct fixture {
    struct loop *loop;
    struct counters counters;
    struct memory_log errors;
    struct access_log *log;
    struct timer stop;
    struct job last;
};

static void do_nothing(struct job *job)
{
    (void)job;
}

static void stop_loop(struct job *job)
{
    loop_stop(CONTAINER_OF(job, struct fixture, last)->loop);
}

/* The pool has one thread: what was to be written by now has been written when this job's turn comes. */
static void stop_when_written(struct timer *timer)
{
    struct fixture *fixture = CONTAINER_OF(timer, struct fixture, stop);
    fixture->last = (struct job){.work = do_nothing, .done = stop_loop};
    assert_int_equal(offload_submit(fixture->loop, &fixture->last), 0);
}

static void set_up(struct fixture *fixture, int fd, enum access_log_format format)
{
    *fixture = (struct fixture){.errors.log = {.level = LOG_LEVEL_DEBUG, .write = remember}};
    assert_true(fd >= 0);
    assert_int_equal(loop_create(&(struct loop_options){.offload_threads = 1}, &fixture->loop), 0);
    timer_init(&fixture->stop, stop_when_written);
    struct access_log_options options = {
        .loop = fixture->loop,
        .fd = fd,
        .format = format,
        .counters = &fixture->counters,
        .errors = &fixture->errors.log,
    };
    assert_int_equal(access_log_create(&options, &fixture->log), 0);
}

static void tear_down(struct fixture *fixture)
{
    access_log_destroy(fixture->log);
    loop_destroy(fixture->loop);
}

/* Afterwards every timer of so much time has fired, however late, and every write has ended that one of them
 * began. */
static void run_for(struct fixture *fixture, uint64_t duration_ms)
{
    wheel_arm(loop_wheel(fixture->loop), &fixture->stop, duration_ms);
    assert_int_equal(loop_run(fixture->loop), 0);
}

static void add_field(struct http_request *request, enum http_field_name name, struct slice value)
{
    assert_true(request->field_count < request->fields_max);
    request->fields[request->field_count].value = value;
    request->first[name] = ++request->field_count;
}

static struct access_log_entry make_entry(struct http_request *request, struct slice target)
{
    static struct http_field fields[2];
    *request = (struct http_request){
        .method_text = SLICE("GET"),
        .target = target,
        .host = SLICE("example.com"),
        .version_minor = 1,
        .fields_max = ARRAY_LENGTH(fields),
        .fields = fields,
    };
    return (struct access_log_entry){
        .client = SLICE("192.0.2.7"),
        .request = request,
        .body_bytes = 1234,
        .duration_us = 56,
        .outcome = OUTCOME_CLIENT_LEFT,
        .status = 200,
    };
}

static char *read_all(const char *path)
{
    static char text[8 << 20];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    ssize_t length = read(fd, text, sizeof(text) - 1);
    assert_true(length >= 0);
    text[length] = '\0';
    close(fd);
    return text;
}

static int open_temporary(char path[static 32])
{
    strcpy(path, "/tmp/vif-test-XXXXXX");
    return mkostemp(path, O_APPEND | O_CLOEXEC);
}

/* The line that one entry makes; lives until the next call. */
static const char *line_of(enum access_log_format format, const struct access_log_entry *entry)
{
    char path[32];
    struct fixture fixture;
    set_up(&fixture, open_temporary(path), format);
    access_log_add(fixture.log, entry);
    tear_down(&fixture);
    char *text = read_all(path);
    unlink(path);
    return text;
}

static void assert_line(const char *line, const char *before, const char *after)
{
    assert_true(strncmp(line, before, strlen(before)) == 0);
    const char *found = strstr(line, after);
    if (found == NULL || strcmp(found, after) != 0)
        fail_msg("got \"%s\", expected \"%s…%s\"", line, before, after);
}

static void writes_the_three_formats(void **state)
{
    (void)state;
    struct http_request request;
    struct access_log_entry entry = make_entry(&request, SLICE("/a?b=c"));
    const char *line = line_of(ACCESS_LOG_COMMON, &entry);
    assert_line(line, "192.0.2.7 - - [", " +0000] \"GET /a?b=c HTTP/1.1\" 200 1234\n");
    struct tm tm;
    assert_non_null(strptime(strchr(line, '['), "[%d/%b/%Y:%H:%M:%S +0000]", &tm));
    assert_true(labs((long)(timegm(&tm) - time(NULL))) < 5);

    line = line_of(ACCESS_LOG_COMBINED, &entry);
    assert_line(line, "192.0.2.7 - - [", "\"GET /a?b=c HTTP/1.1\" 200 1234 \"-\" \"-\"\n");
    add_field(&request, HTTP_FIELD_REFERER, SLICE("https://example.org/"));
    add_field(&request, HTTP_FIELD_USER_AGENT, SLICE("Browser (X \"11\")"));
    line = line_of(ACCESS_LOG_COMBINED, &entry);
    assert_line(line, "192.0.2.7 - - [", " 1234 \"https://example.org/\" \"Browser (X \\x2211\\x22)\"\n");

    line = line_of(ACCESS_LOG_JSON, &entry);
    assert_line(line, "{\"time\":\"20",
                "Z\",\"client\":\"192.0.2.7\",\"method\":\"GET\",\"target\":\"/a?b=c\",\"version\":\"1.1\","
                "\"host\":\"example.com\",\"referer\":\"https://example.org/\","
                "\"user_agent\":\"Browser (X \\u002211\\u0022)\",\"status\":200,\"bytes\":1234,"
                "\"duration_us\":56,\"outcome\":\"client_left\"}\n");
}

static void writes_requests_that_could_not_be_parsed(void **state)
{
    (void)state;
    struct access_log_entry entry = {.client = SLICE("::1"), .status = 400};
    assert_line(line_of(ACCESS_LOG_COMBINED, &entry), "::1 - - [", "] \"-\" 400 - \"-\" \"-\"\n");
    assert_line(
        line_of(ACCESS_LOG_JSON, &entry), "{\"time\":\"",
        "\"client\":\"::1\",\"status\":400,\"bytes\":0,\"duration_us\":0,\"outcome\":\"complete\"}\n");
}

static void lets_no_byte_forge_a_line(void **state)
{
    (void)state;
    char target[257];
    for (int i = 0; i < 256; i++)
        target[i] = (char)i;
    struct http_request request;
    struct access_log_entry entry = make_entry(&request, slice_make(target, 256));
    request.method_text = SLICE("G\"\n\033E\\T");
    for (enum access_log_format format = ACCESS_LOG_COMMON; format <= ACCESS_LOG_JSON; format++) {
        const char *line = line_of(format, &entry);
        size_t length = strlen(line);
        assert_ptr_equal(strchr(line, '\n'), line + length - 1);
        for (size_t i = 0; i + 1 < length; i++)
            assert_in_range((unsigned char)line[i], 0x20, 0x7e);
        const char *quoted = format == ACCESS_LOG_JSON ? "G\\u0022\\u000a\\u001bE\\u005cT"
                                                       : "\"G\\x22\\x0a\\x1bE\\x5cT \\x00\\x01";
        assert_non_null(strstr(line, quoted));
    }
}

static void cuts_what_is_too_long(void **state)
{
    (void)state;
    static char text[9000];
    struct http_request request;
    for (int byte = 0; byte < 2; byte++) {
        memset(text, byte ? 'x' : '\n', sizeof(text));
        struct slice everything = slice_make(text, sizeof(text));
        struct access_log_entry entry = make_entry(&request, everything);
        entry.client = request.host = request.method_text = everything;
        entry.body_bytes = entry.duration_us = UINT64_MAX;
        add_field(&request, HTTP_FIELD_REFERER, everything);
        add_field(&request, HTTP_FIELD_USER_AGENT, everything);
        for (enum access_log_format format = ACCESS_LOG_COMMON; format <= ACCESS_LOG_JSON; format++) {
            const char *line = line_of(format, &entry);
            assert_in_range(strlen(line), 2000, 4096);
            assert_non_null(strstr(line, "..."));
            assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
        }
    }
}

static size_t count_lines(const char *text)
{
    size_t count = 0;
    for (; (text = strchr(text, '\n')) != NULL; text++)
        count++;
    return count;
}

/* Looks at a file when its time has come; timers that are late still fire in their order. */
struct early_look {
    struct timer timer;
    const char *path;
    bool was_taken;
};

static void look(struct timer *timer)
{
    struct early_look *early_look = CONTAINER_OF(timer, struct early_look, timer);
    assert_string_equal(read_all(early_look->path), "");
    early_look->was_taken = true;
}

static void flushes_by_itself_and_arms_nothing_when_empty(void **state)
{
    (void)state;
    char path[32];
    struct fixture fixture;
    struct early_look early_look = {.path = path};
    struct http_request request;
    set_up(&fixture, open_temporary(path), ACCESS_LOG_COMMON);
    assert_int_equal(wheel_sleep_ms(loop_wheel(fixture.loop), 60000), 60000);
    struct access_log_entry entry = make_entry(&request, SLICE("/"));
    access_log_add(fixture.log, &entry);
    assert_true(wheel_sleep_ms(loop_wheel(fixture.loop), 60000) <= 500);
    timer_init(&early_look.timer, look);
    wheel_arm(loop_wheel(fixture.loop), &early_look.timer, 499);
    run_for(&fixture, 501);
    assert_true(early_look.was_taken);
    assert_int_equal(count_lines(read_all(path)), 1);
    assert_int_equal(wheel_sleep_ms(loop_wheel(fixture.loop), 60000), 60000);
    tear_down(&fixture);
    unlink(path);
}

static void writes_every_line_under_load(void **state)
{
    (void)state;
    enum { TURNS = 50, LINES = 200 };
    char path[32];
    struct fixture fixture;
    struct http_request request;
    set_up(&fixture, open_temporary(path), ACCESS_LOG_COMMON);
    for (int i = 0; i < TURNS; i++) {
        for (int j = 0; j < LINES; j++) {
            char target[32];
            struct access_log_entry entry =
                make_entry(&request, slice_make(target, (size_t)sprintf(target, "/%d/", i * LINES + j)));
            access_log_add(fixture.log, &entry);
        }
        run_for(&fixture, 2);
    }
    tear_down(&fixture);
    const char *text = read_all(path);
    for (int i = 0; i < TURNS * LINES; i++) {
        char target[32];
        sprintf(target, "GET /%d/ HTTP", i);
        text = strstr(text, target);
        assert_non_null(text);
    }
    assert_int_equal(fixture.counters.log_lines_dropped, 0);
    assert_int_equal(fixture.errors.count, 0);
    unlink(path);
}

static void add_many(struct fixture *fixture, int count)
{
    struct http_request request;
    struct access_log_entry entry = make_entry(&request, SLICE("/"));
    for (int i = 0; i < count; i++)
        access_log_add(fixture->log, &entry);
}

/* As many as a storm of pipelined requests makes in one turn of the loop; the disk is idle. */
static void keeps_every_line_of_a_storm(void **state)
{
    (void)state;
    enum { LINES = 16000 };
    char path[32];
    struct fixture fixture;
    set_up(&fixture, open_temporary(path), ACCESS_LOG_COMBINED);
    add_many(&fixture, LINES);
    assert_int_equal(fixture.counters.log_lines_dropped, 0);
    tear_down(&fixture);
    assert_int_equal(count_lines(read_all(path)), LINES);
    unlink(path);
}

static size_t count_of_client(const char *text, const char *client)
{
    size_t count = 0;
    for (; (text = strstr(text, client)) != NULL; text++)
        count++;
    return count;
}

/* The disk takes nothing for a while: a flood erases its own lines, and not those of others. */
static void a_flood_erases_its_own_lines(void **state)
{
    (void)state;
    enum { FLOOD = 80000, OTHERS = 500 };
    int fds[2];
    char path[32];
    struct fixture fixture;
    struct http_request request;
    struct access_log_entry entry = make_entry(&request, SLICE("/"));
    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    set_up(&fixture, fds[1], ACCESS_LOG_COMMON);
    for (int i = 0; i < OTHERS; i++) {
        add_many(&fixture, FLOOD / OTHERS);
        entry.client = SLICE("198.51.100.1");
        access_log_add(fixture.log, &entry);
    }
    assert_in_range(fixture.counters.log_lines_dropped, 1, FLOOD);
    uint64_t dropped = fixture.counters.log_lines_dropped;
    access_log_set_fd(fixture.log, open_temporary(path));
    tear_down(&fixture);
    /* The first ones found room in the pipe. */
    static char piped[1 << 20];
    ssize_t length = read(fds[0], piped, sizeof(piped) - 1);
    piped[MAX(length, (ssize_t)0)] = '\0';
    size_t found = count_of_client(piped, "198.51.100.1") + count_of_client(read_all(path), "198.51.100.1");
    assert_int_equal(found, OTHERS);
    assert_int_equal(fixture.counters.log_lines_dropped, dropped);
    close(fds[0]);
    unlink(path);
}

static void survives_a_full_device(void **state)
{
    (void)state;
    enum { LINES = 80000 };
    struct fixture fixture;
    set_up(&fixture, open("/dev/full", O_WRONLY | O_APPEND | O_CLOEXEC), ACCESS_LOG_COMMON);
    add_many(&fixture, 1);
    run_for(&fixture, 501);
    assert_int_equal(fixture.errors.count, 1);
    assert_non_null(strstr(fixture.errors.last, "No space left on device"));
    add_many(&fixture, LINES - 1);
    run_for(&fixture, 501);
    assert_in_range(fixture.counters.log_lines_dropped, 1, LINES - 1);
    assert_int_equal(fixture.errors.count, 1); /* not once a line, not once a retry */
    tear_down(&fixture);
    assert_int_equal(fixture.counters.log_lines_dropped, LINES);
    assert_int_equal(fixture.errors.count, 2);
    assert_string_equal(fixture.errors.last, "access log: closed; lines dropped: 80000");
}

/* Reads what is in the pipe; counts lines and checks that each is whole. */
static size_t read_lines(int fd)
{
    static char text[8 << 20];
    size_t length = 0;
    for (ssize_t got; (got = read(fd, text + length, sizeof(text) - 1 - length)) > 0;)
        length += (size_t)got;
    text[length] = '\0';
    size_t count = 0;
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"), count++)
        assert_line(line, "192.0.2.7 - - [", "\"GET / HTTP/1.1\" 200 1234");
    return count;
}

/* The pipe's writing end blocks, as a standard output that leads into another program does. */
static void survives_a_pipe_that_nobody_reads(void **state)
{
    (void)state;
    enum { LINES = 80000 };
    int fds[2];
    struct fixture fixture;
    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    fcntl(fds[0], F_SETFL, O_NONBLOCK);
    set_up(&fixture, fds[1], ACCESS_LOG_COMMON);
    for (int i = 0; i < 10; i++) {
        add_many(&fixture, LINES / 10);
        run_for(&fixture, 50);
    }
    uint64_t dropped = fixture.counters.log_lines_dropped;
    assert_in_range(dropped, 1, LINES - 1);
    assert_int_equal(fixture.errors.count, 1);
    assert_non_null(strstr(fixture.errors.last, "it takes no more"));

    size_t lines = read_lines(fds[0]);
    for (int i = 0; i < 400 && lines < LINES - dropped; i++) {
        run_for(&fixture, 100);
        lines += read_lines(fds[0]);
    }
    assert_int_equal(lines, LINES - dropped);
    assert_int_equal(fixture.errors.count, 2);
    assert_non_null(strstr(fixture.errors.last, "writing goes on; lines dropped: "));
    tear_down(&fixture);
    assert_int_equal(fixture.counters.log_lines_dropped, dropped);
    assert_int_equal(fixture.errors.count, 2); /* each lost line is told of once */
    close(fds[0]);
}

static void ends_in_time_with_a_pipe_that_nobody_reads(void **state)
{
    (void)state;
    int fds[2];
    struct fixture fixture;
    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    set_up(&fixture, fds[1], ACCESS_LOG_COMMON);
    add_many(&fixture, 20000);
    struct timespec before, after;
    clock_gettime(CLOCK_MONOTONIC, &before);
    access_log_destroy(fixture.log);
    clock_gettime(CLOCK_MONOTONIC, &after);
    /* It takes one and a half; with a wait for each of some three hundred pieces it would take thirty. */
    assert_true(after.tv_sec - before.tv_sec <= 15);
    assert_true(fixture.counters.log_lines_dropped > 0);
    loop_destroy(fixture.loop);
    close(fds[0]);
}

static void survives_a_broken_pipe(void **state)
{
    (void)state;
    int fds[2];
    struct fixture fixture;
    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    close(fds[0]);
    set_up(&fixture, fds[1], ACCESS_LOG_COMMON);
    add_many(&fixture, 10);
    run_for(&fixture, 501);
    assert_non_null(strstr(fixture.errors.last, "Broken pipe"));
    tear_down(&fixture);
    assert_int_equal(fixture.counters.log_lines_dropped, 10);
}

static void goes_on_in_another_file(void **state)
{
    (void)state;
    char first[32], second[32];
    struct fixture fixture;
    int fd = open_temporary(first);
    set_up(&fixture, fd, ACCESS_LOG_COMMON);
    add_many(&fixture, 3);
    run_for(&fixture, 501);
    access_log_set_fd(fixture.log, open_temporary(second));
    assert_int_equal(fcntl(fd, F_GETFD), -1); /* the old one is closed */
    add_many(&fixture, 4);
    tear_down(&fixture);
    assert_int_equal(count_lines(read_all(first)), 3);
    assert_int_equal(count_lines(read_all(second)), 4);
    unlink(first);
    unlink(second);
}

/* The disk was full when the log was moved to one that is not: nothing is lost. */
static void recovers_by_another_file(void **state)
{
    (void)state;
    char path[32];
    struct fixture fixture;
    set_up(&fixture, open("/dev/full", O_WRONLY | O_APPEND | O_CLOEXEC), ACCESS_LOG_COMMON);
    add_many(&fixture, 10);
    run_for(&fixture, 501);
    assert_int_equal(fixture.errors.count, 1);
    access_log_set_fd(fixture.log, open_temporary(path));
    run_for(&fixture, 501);
    assert_int_equal(count_lines(read_all(path)), 10);
    assert_string_equal(fixture.errors.last, "access log: writing goes on; lines dropped: 0");
    tear_down(&fixture);
    unlink(path);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_the_three_formats),
        cmocka_unit_test(writes_requests_that_could_not_be_parsed),
        cmocka_unit_test(lets_no_byte_forge_a_line),
        cmocka_unit_test(cuts_what_is_too_long),
        cmocka_unit_test(flushes_by_itself_and_arms_nothing_when_empty),
        cmocka_unit_test(writes_every_line_under_load),
        cmocka_unit_test(keeps_every_line_of_a_storm),
        cmocka_unit_test(a_flood_erases_its_own_lines),
        cmocka_unit_test(survives_a_full_device),
        cmocka_unit_test(survives_a_pipe_that_nobody_reads),
        cmocka_unit_test(ends_in_time_with_a_pipe_that_nobody_reads),
        cmocka_unit_test(survives_a_broken_pipe),
        cmocka_unit_test(goes_on_in_another_file),
        cmocka_unit_test(recovers_by_another_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
