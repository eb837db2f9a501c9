/* Of which servers a group is made, and when it is made anew. */
#include "../test.h"

#include "proxy/upstream_group.h"
#include "settings/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SERVERS 3

static unsigned lines;
static char last_line[256];

static void keep_line(struct log *log, enum log_level level, struct slice line)
{
    (void)log, (void)level;
    lines++;
    snprintf(last_line, sizeof(last_line), "%.*s", SLICE_ARGS(line));
}

/* All places of the board but so many are another worker's. */
static void fill_board(struct board *board, unsigned left, struct board_place *places)
{
    char url[20];
    for (unsigned i = 0; i < BOARD_SERVERS_MAX - left; i++) {
        snprintf(url, sizeof(url), "server %u", i);
        places[i] = board_get(board, 1, SLICE("/other"), slice_from(url), 1);
        assert_non_null(places[i].server);
    }
}

/* The servers that have a place serve; the others come when they get one. It is said once. */
static void servers_without_a_place_are_left_out(void **state)
{
    (void)state;
    struct log log = {.level = LOG_LEVEL_INFO, .write = keep_line};
    struct loop *loop;
    struct upstreams all;
    struct settings settings = {.references = 1};
    struct board_place places[BOARD_SERVERS_MAX];
    struct proxy_server servers[SERVERS] = {
        {SLICE("unix:/a"), 1}, {SLICE("unix:/b"), 1}, {SLICE("unix:/c"), 1}};
    struct route route = {.proxy = {.servers = servers, .server_count = SERVERS}};
    struct board *board = board_create(2);
    assert_int_equal(loop_create(&(struct loop_options){0}, &loop), 0);
    board_enter(board, 1);
    upstreams_init(&all, loop, &log, NULL);
    fill_board(board, SERVERS - 1, places);
    struct upstream_group_plan plan = {.all = &all, .board = board, .route = &route, .settings = &settings};
    struct upstream_group *group = upstream_group_create(&plan);
    assert_non_null(group);
    assert_int_equal(group->count, SERVERS - 1);
    assert_int_equal(lines, 1);
    assert_non_null(strstr(last_line, "no requests go to 1 of its servers"));
    assert_true(upstream_group_is_current(group));
    group->retry_ms = 1;
    assert_false(upstream_group_is_current(group));

    plan.former = group;
    struct upstream_group *second = upstream_group_create(&plan);
    assert_int_equal(second->count, SERVERS - 1);
    assert_int_equal(lines, 1);
    upstream_group_unref(group);
    board_put(places[0], 2);
    plan.former = second;
    struct upstream_group *third = upstream_group_create(&plan);
    upstream_group_unref(second);
    assert_int_equal(third->count, SERVERS);
    assert_non_null(strstr(last_line, "all servers have a place"));
    assert_true(upstream_group_is_current(third));
    upstream_group_unref(third);
    upstreams_finish(&all);
    loop_destroy(loop);
    board_destroy(board);
}

/* A worker that has been taken over may have written it. */
static void what_is_no_url_on_the_board_is_left_out(void **state)
{
    (void)state;
    static const char *const urls[] = {"", "http://", "x", "http://a/path", "unix:", "http://\033]0;x\a"};
    struct log log = {.level = LOG_LEVEL_INFO, .write = keep_line};
    struct loop *loop;
    struct upstreams all;
    struct settings settings = {.references = 1};
    struct proxy_server server = {SLICE("unix:/a"), 1};
    struct route route = {.proxy = {.servers = &server, .server_count = 1}};
    struct board *board = board_create(1);
    assert_int_equal(loop_create(&(struct loop_options){0}, &loop), 0);
    board_enter(board, 0);
    upstreams_init(&all, loop, &log, NULL);
    struct upstream_group_plan plan = {.all = &all, .board = board, .route = &route, .settings = &settings};
    for (size_t i = 0; i < ARRAY_LENGTH(urls); i++) {
        struct board_change change = {.weight = UINT32_MAX, .is_added = true};
        snprintf(change.url, sizeof(change.url), "%s", urls[i]);
        assert_true(board_change(board, &change));
    }
    lines = 0;
    struct upstream_group *group = upstream_group_create(&plan);
    assert_non_null(group);
    assert_int_equal(group->count, 1);
    assert_int_equal(lines, ARRAY_LENGTH(urls));
    assert_string_equal(last_line, "proxy: : \"http://?]0;x?\" is left out: it has no valid host and port");
    upstream_group_unref(group);
    upstreams_finish(&all);
    loop_destroy(loop);
    board_destroy(board);
}

/* It stays the same when the name of another group changes. */
static void a_group_follows_its_own_names(void **state)
{
    (void)state;
    struct board *board = board_create(1);
    struct upstreams all = {.names_version = 7};
    struct upstream_name name = {.version = 1};
    struct upstream named = {.name = &name}, found = {.named = &named};
    struct upstream_group *group = calloc(1, sizeof(*group) + 2 * sizeof(group->members[0]));
    assert_non_null(group);
    group->all = &all;
    group->board = board;
    group->has_names = true;
    group->count = 2;
    group->members[0].upstream = group->members[1].upstream = &found;
    group->names_version = 2;
    group->names_seen = 7;
    assert_true(upstream_group_is_current(group));
    all.names_version++; /* of another name */
    assert_true(upstream_group_is_current(group));
    assert_int_equal(group->names_seen, 8);
    all.names_version++;
    name.version++;
    assert_false(upstream_group_is_current(group));
    free(group);
    board_destroy(board);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(servers_without_a_place_are_left_out),
        cmocka_unit_test(what_is_no_url_on_the_board_is_left_out),
        cmocka_unit_test(a_group_follows_its_own_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
