/* Lists of servers from files: what goes to the board, when they are read, and what a reading can be. Its
 * times are the test's own; the process that reads is a real one. */
#include "../test.h"

#include "proc/server_keeper.h"
#include "proxy/server_list.h"
#include "sys/process.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* 0 would be this process with all of its group. */
void __real_sys_kill(pid_t pid, int signal);
void __wrap_sys_kill(pid_t pid, int signal);
void __wrap_sys_kill(pid_t pid, int signal)
{
    assert_true(pid > 0);
    __real_sys_kill(pid, signal);
}

static char told[20000];

static void keep_line(struct log *log, enum log_level level, struct slice line)
{
    size_t length = strlen(told);
    (void)log, (void)level;
    snprintf(told + length, sizeof(told) - length, "%.*s\n", SLICE_ARGS(line));
}

/* A keeper of one file, of the route "/". */
struct keeping {
    char folder[64], path[96];
    struct log log;
    struct proxy_server server;
    struct route route;
    struct site site;
    struct settings settings;
    struct board *board;
    struct server_keeper keeper;
};

static void write_list(const struct keeping *keeping, const char *text)
{
    FILE *file = fopen(keeping->path, "we");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static struct keeping *begin_keeping(void)
{
    struct keeping *keeping = calloc(1, sizeof(*keeping));
    assert_non_null(keeping);
    snprintf(keeping->folder, sizeof(keeping->folder), "/tmp/vif-servers-XXXXXX");
    assert_non_null(mkdtemp(keeping->folder));
    snprintf(keeping->path, sizeof(keeping->path), "%s/servers.yaml", keeping->folder);
    keeping->log = (struct log){.level = LOG_LEVEL_INFO, .write = keep_line};
    keeping->server = (struct proxy_server){.url = SLICE("http://first"), .weight = 1};
    keeping->route = (struct route){
        .prefix = SLICE("/"),
        .kind = ROUTE_PROXY,
        .proxy = {.servers = &keeping->server,
                  .server_count = 1,
                  .to_file = slice_from(keeping->path),
                  .to_file_read_ns = 1},
    };
    keeping->site = (struct site){.routes = &keeping->route, .route_count = 1};
    keeping->settings = (struct settings){.sites = &keeping->site, .site_count = 1};
    keeping->board = board_create(1);
    assert_non_null(keeping->board);
    assert_int_equal(server_keeper_init(&keeping->keeper, keeping->board, &keeping->log, getpid()), 0);
    told[0] = '\0';
    write_list(keeping, "- http://first\n");
    server_keeper_take(&keeping->keeper, &keeping->settings, 1000);
    return keeping;
}

static void end_keeping(struct keeping *keeping)
{
    server_keeper_finish(&keeping->keeper);
    board_destroy(keeping->board);
    unlink(keeping->path);
    assert_int_equal(rmdir(keeping->folder), 0);
    free(keeping);
}

static struct server_file *file_of(const struct keeping *keeping)
{
    for (size_t i = 0; i < SERVER_KEEPER_FILES_MAX; i++) {
        if (keeping->keeper.files[i].path.length > 0)
            return &keeping->keeper.files[i];
    }
    fail_msg("no file is kept");
    return NULL;
}

/* Waits until what the keeper waits for has happened, and has it take that. */
static void await(struct keeping *keeping, uint64_t now_ms)
{
    struct pollfd fds[SERVER_KEEPER_FDS_MAX];
    size_t count = server_keeper_poll_set(&keeping->keeper, fds);
    assert_int_equal(count, 1);
    assert_true(sys_poll(fds, count, 20000) > 0);
    server_keeper_take_ready(&keeping->keeper, fds, count, now_ms);
}

/* The process is waited for, as the supervisor does. */
static void reap_reader(struct keeping *keeping)
{
    pid_t pid = file_of(keeping)->reader;
    struct process_change change = {.pid = pid, .fate = PROCESS_EXITED};
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_true(server_keeper_take_change(&keeping->keeper, &change));
    assert_false(server_keeper_take_change(&keeping->keeper, &change));
}

static void read_now(struct keeping *keeping, uint64_t now_ms)
{
    server_keeper_look(&keeping->keeper, now_ms);
    await(keeping, now_ms);
    reap_reader(keeping);
}

/* "http://a=1 http://b=2", with the weights. */
static const char *listed_now(const struct keeping *keeping)
{
    static char text[2000];
    static struct server_list list;
    size_t length = 0;
    server_list_make(&list, keeping->board, "/", &keeping->route.proxy);
    text[0] = '\0';
    for (size_t i = 0; i < list.count; i++)
        length += (size_t)snprintf(text + length, sizeof(text) - length, "%s%.*s=%u", i > 0 ? " " : "",
                                   SLICE_ARGS(list.servers[i].url), list.servers[i].weight);
    return text;
}

static void a_change_is_read_a_little_later(void **state)
{
    (void)state;
    struct keeping *keeping = begin_keeping();
    assert_string_equal(listed_now(keeping), "http://first=1");
    assert_int_equal(server_keeper_wait_ms(&keeping->keeper, 1000), 0);
    read_now(keeping, 1000);
    unsigned version = board_version(keeping->board);
    int calm_ms = server_keeper_wait_ms(&keeping->keeper, 1000);
    assert_true(calm_ms > 1000);
    write_list(keeping, "[{server: 'http://a', weight: 3}, http://b]");
    await(keeping, 2000);
    int soon_ms = server_keeper_wait_ms(&keeping->keeper, 2000);
    assert_true(soon_ms > 0 && soon_ms < 1000);
    server_keeper_look(&keeping->keeper, 2000); /* not yet */
    assert_int_equal(file_of(keeping)->reader, 0);
    assert_int_equal(board_version(keeping->board), version);
    read_now(keeping, 2000 + (uint64_t)soon_ms);
    assert_string_equal(listed_now(keeping), "http://a=3 http://b=1");
    assert_non_null(strstr(told, "servers.yaml: 2 servers, 2 added, 1 gone, 0 changed"));
    end_keeping(keeping);
}

/* Nobody waits for the events of a file that is due already: however many there are, they cost nothing. */
static void events_of_a_file_that_is_due_are_not_awaited(void **state)
{
    (void)state;
    struct keeping *keeping = begin_keeping();
    struct pollfd fds[SERVER_KEEPER_FDS_MAX];
    read_now(keeping, 1000);
    assert_int_equal(server_keeper_poll_set(&keeping->keeper, fds), 1);
    write_list(keeping, "- http://a");
    await(keeping, 2000);
    write_list(keeping, "- http://b");
    assert_int_equal(server_keeper_poll_set(&keeping->keeper, fds), 0);
    read_now(keeping, 2200);
    assert_string_equal(listed_now(keeping), "http://b=1");
    assert_int_equal(server_keeper_poll_set(&keeping->keeper, fds), 1);
    assert_int_equal(sys_poll(fds, 1, 0), 0); /* the events before it are gone */
    end_keeping(keeping);
}

/* What is read as it was is nothing new to the workers. */
static void the_same_list_is_no_change(void **state)
{
    (void)state;
    struct keeping *keeping = begin_keeping();
    unsigned version = board_version(keeping->board);
    write_list(keeping, "[{server: 'http://first', weight: 1}]\n");
    read_now(keeping, 1000);
    assert_int_equal(board_version(keeping->board), version);
    assert_string_equal(told, "");
    end_keeping(keeping);
}

static void a_reading_that_takes_too_long_is_given_up(void **state)
{
    (void)state;
    struct keeping *keeping = begin_keeping();
    struct pollfd fds[SERVER_KEEPER_FDS_MAX];
    write_list(keeping, "- http://a");
    server_keeper_look(&keeping->keeper, 1000);
    int limit_ms = server_keeper_wait_ms(&keeping->keeper, 1000);
    server_keeper_look(&keeping->keeper, 1000 + (uint64_t)limit_ms);
    assert_non_null(strstr(told, "its file system does not answer"));
    assert_non_null(strstr(told, "the former list stays in force"));
    assert_int_equal(server_keeper_poll_set(&keeping->keeper, fds), 0);
    uint64_t later_ms = 1000 + (uint64_t)limit_ms + 60000;
    server_keeper_look(&keeping->keeper, later_ms); /* the process hangs: there is no second one */
    assert_int_equal(file_of(keeping)->reader_fd, -1);
    reap_reader(keeping);
    later_ms += (uint64_t)server_keeper_wait_ms(&keeping->keeper, later_ms);
    read_now(keeping, later_ms);
    assert_string_equal(listed_now(keeping), "http://a=1");
    end_keeping(keeping);
}

/* The end of a process may be heard of before that of its descriptor: then there is nobody to kill. */
static void a_reader_that_was_waited_for_is_not_killed(void **state)
{
    (void)state;
    struct keeping *keeping = begin_keeping();
    server_keeper_look(&keeping->keeper, 1000);
    reap_reader(keeping);
    assert_true(file_of(keeping)->reader_fd >= 0);
    server_keeper_take(&keeping->keeper, &keeping->settings, 2000);
    read_now(keeping, 2000);
    end_keeping(keeping);
}

/* Until the reader has ended; what it wrote has not been taken yet. */
static void await_reader(const struct keeping *keeping)
{
    struct pollfd fd = {.fd = file_of(keeping)->reader_fd, .events = POLLIN};
    assert_int_equal(sys_poll(&fd, 1, 20000), 1);
}

static void a_reader_that_dies_is_told(void **state)
{
    (void)state;
    struct keeping *keeping = begin_keeping();
    server_keeper_look(&keeping->keeper, 1000);
    sys_kill(file_of(keeping)->reader, SIGKILL);
    await_reader(keeping);
    file_of(keeping)->reading->result = SERVER_READING_NONE; /* in case that it was quicker */
    await(keeping, 1000);
    reap_reader(keeping);
    assert_non_null(strstr(told, "the process that read it ended too early"));
    assert_true(server_keeper_wait_ms(&keeping->keeper, 1000) < 1000);
    assert_string_equal(listed_now(keeping), "http://first=1");
    end_keeping(keeping);
}

/* YAML comes from somewhere; a fault in the library that reads it is the reader's alone. */
static void whatever_a_reader_writes_has_bounds(void **state)
{
    (void)state;
    struct keeping *keeping = begin_keeping();
    struct server_reading *reading = file_of(keeping)->reading;
    server_keeper_look(&keeping->keeper, 1000);
    await_reader(keeping);
    memset(&reading->list, 'x', sizeof(reading->list));
    reading->text_length = SIZE_MAX;
    reading->result = SERVER_READING_GOOD;
    await(keeping, 1000);
    reap_reader(keeping);
    static struct server_list list;
    server_list_make(&list, keeping->board, "/", &keeping->route.proxy);
    assert_int_equal(list.count, PROXY_SERVERS_MAX);
    assert_int_equal(list.servers[63].url.length, BOARD_LISTED_URL_BYTES - 1);
    end_keeping(keeping);
}

static void text_of_a_reader_has_bounds(void **state)
{
    (void)state;
    struct keeping *keeping = begin_keeping();
    struct server_reading *reading = file_of(keeping)->reading;
    server_keeper_look(&keeping->keeper, 1000);
    await_reader(keeping);
    memset(reading->text, '\033', sizeof(reading->text));
    reading->text_length = SIZE_MAX;
    reading->result = SERVER_READING_WRONG;
    await(keeping, 1000);
    reap_reader(keeping);
    assert_null(strchr(file_of(keeping)->fault, '\033'));
    end_keeping(keeping);
}

/* A reload that found the file missing, or read it before the keeper did, takes nothing back. */
static void of_two_readings_the_later_counts(void **state)
{
    (void)state;
    struct keeping *keeping = begin_keeping();
    write_list(keeping, "- http://a");
    read_now(keeping, 1000);
    assert_string_equal(listed_now(keeping), "http://a=1");
    struct route missing = keeping->route, earlier = keeping->route, later = keeping->route;
    missing.proxy.to_file_read_ns = 0;
    missing.proxy.server_count = 0;
    later.proxy.to_file_read_ns = UINT64_MAX;
    keeping->site.routes = &missing;
    server_keeper_take(&keeping->keeper, &keeping->settings, 2000);
    assert_string_equal(listed_now(keeping), "http://a=1");
    keeping->site.routes = &earlier;
    server_keeper_take(&keeping->keeper, &keeping->settings, 2000);
    assert_string_equal(listed_now(keeping), "http://a=1");
    keeping->site.routes = &later;
    server_keeper_take(&keeping->keeper, &keeping->settings, 2000);
    assert_string_equal(listed_now(keeping), "http://first=1");
    end_keeping(keeping);
}

/* Settings that name the file again, after others that did not, were read later than the list that is still
 * on the board. A worker may take them before the keeper does. */
static void settings_that_were_read_later_count(void **state)
{
    (void)state;
    struct keeping *keeping = begin_keeping();
    write_list(keeping, "- http://a");
    read_now(keeping, 1000);
    keeping->site.route_count = 0;
    server_keeper_take(&keeping->keeper, &keeping->settings, 2000);
    assert_string_equal(listed_now(keeping), "http://a=1"); /* in a worker that has the former ones */
    keeping->route.proxy.to_file_read_ns = UINT64_MAX;
    assert_string_equal(listed_now(keeping), "http://first=1");
    keeping->site.route_count = 1;
    server_keeper_take(&keeping->keeper, &keeping->settings, 3000);
    keeping->server.url = SLICE("http://other");
    assert_string_equal(listed_now(keeping), "http://first=1"); /* from the board */
    end_keeping(keeping);
}

/* What was changed at run time ends with a list that brings or takes its server, on the routes of the file.
 */
static void changes_end_with_a_list(void **state)
{
    (void)state;
    static const struct board_change changes[] = {
        {.route = "/", .url = "http://first", .weight = 7},               /* which goes */
        {.route = "/", .url = "http://a", .weight = 7, .is_added = true}, /* which comes */
        {.route = "/",
         .url = "http://z",
         .weight = 7,
         .is_added = true},                                      /* of which the file knows nothing */
        {.route = "/other", .url = "http://first", .weight = 7}, /* of another route */
        {.route = "/other", .url = "http://a", .weight = 7, .is_added = true}, /* likewise */
    };
    struct keeping *keeping = begin_keeping();
    static struct board_changes left;
    for (size_t i = 0; i < ARRAY_LENGTH(changes); i++)
        assert_true(board_change(keeping->board, &changes[i]));
    write_list(keeping, "- http://a\n");
    read_now(keeping, 1000);
    assert_true(board_read_changes(keeping->board, &left));
    assert_int_equal(left.count, 3);
    for (size_t i = 0; i < left.count; i++)
        assert_string_equal(left.list[i].url, changes[2 + i].url);
    assert_string_equal(listed_now(keeping), "http://a=1 http://z=7");
    end_keeping(keeping);
}

/* A list with https:// servers needs TLS in every route that names the file. */
static void tls_is_a_matter_of_all_routes(void **state)
{
    (void)state;
    struct keeping *keeping = begin_keeping();
    struct route routes[] = {keeping->route, keeping->route};
    routes[0].proxy.tls.is_on = true;
    keeping->site = (struct site){.routes = routes, .route_count = 2};
    server_keeper_take(&keeping->keeper, &keeping->settings, 1000);
    assert_false(file_of(keeping)->speaks_tls);
    routes[1].proxy.tls.is_on = true;
    server_keeper_take(&keeping->keeper, &keeping->settings, 1000);
    assert_true(file_of(keeping)->speaks_tls);
    keeping->site.route_count = 0; /* the file is nobody's any more */
    server_keeper_take(&keeping->keeper, &keeping->settings, 1000);
    assert_int_equal(server_keeper_wait_ms(&keeping->keeper, 1000), -1);
    end_keeping(keeping);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_change_is_read_a_little_later),
        cmocka_unit_test(events_of_a_file_that_is_due_are_not_awaited),
        cmocka_unit_test(the_same_list_is_no_change),
        cmocka_unit_test(a_reading_that_takes_too_long_is_given_up),
        cmocka_unit_test(a_reader_that_was_waited_for_is_not_killed),
        cmocka_unit_test(a_reader_that_dies_is_told),
        cmocka_unit_test(whatever_a_reader_writes_has_bounds),
        cmocka_unit_test(text_of_a_reader_has_bounds),
        cmocka_unit_test(of_two_readings_the_later_counts),
        cmocka_unit_test(settings_that_were_read_later_count),
        cmocka_unit_test(changes_end_with_a_list),
        cmocka_unit_test(tls_is_a_matter_of_all_routes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
