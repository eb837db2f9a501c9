/* The servers of a route: those of the file, as changed at run time. */
#include "../test.h"

#include "proxy/server_list.h"

#include <stdio.h>
#include <stdlib.h>

static struct proxy_server in_file[] = {
    {.url = {"http://a", 8}, .weight = 1},
    {.url = {"http://b", 8}, .weight = 2, .connections = 5, .is_backup = true},
};
static struct proxy_settings settings = {.servers = in_file, .server_count = 2, .connections = 9};

static struct board *board_of_one(void)
{
    struct board *board = board_create(1);
    assert_non_null(board);
    return board;
}

static void change(struct board *board, const char *route, const char *url, struct board_change what)
{
    snprintf(what.route, sizeof(what.route), "%s", route);
    snprintf(what.url, sizeof(what.url), "%s", url);
    assert_true(board_change(board, &what));
}

/* "http://a=1 http://b=2", with the weights. */
static const char *listed(const struct board *board, const char *route)
{
    static char text[2000];
    static struct server_list list;
    size_t length = 0;
    server_list_make(&list, board, route, &settings);
    text[0] = '\0';
    for (size_t i = 0; i < list.count; i++)
        length += (size_t)snprintf(text + length, sizeof(text) - length, "%s%.*s=%u", i > 0 ? " " : "",
                                   SLICE_ARGS(list.servers[i].url), list.servers[i].weight);
    return text;
}

static void without_changes_they_are_those_of_the_file(void **state)
{
    (void)state;
    static struct server_list list;
    struct board *board = board_of_one();
    server_list_make(&list, board, "/", &settings);
    assert_int_equal(list.count, 2);
    assert_int_equal(list.servers[0].limit, 9);
    assert_int_equal(list.servers[1].limit, 5);
    assert_true(list.servers[1].is_backup && !list.servers[1].is_changed);
    board_destroy(board);
}

static void changes_of_a_route(void **state)
{
    (void)state;
    struct board *board = board_of_one();
    unsigned version = board_version(board);
    change(board, "/", "http://a", (struct board_change){.weight = 7});
    assert_int_not_equal(board_version(board), version);
    assert_string_equal(listed(board, "/"), "http://a=7 http://b=2");
    assert_string_equal(listed(board, "/api"), "http://a=1 http://b=2");
    change(board, "/", "http://a", (struct board_change){.is_removed = true});
    assert_string_equal(listed(board, "/"), "http://b=2");
    change(board, "/", "http://c", (struct board_change){.weight = 4, .is_added = true});
    assert_string_equal(listed(board, "/"), "http://b=2 http://c=4");
    change(board, "/", "http://c", (struct board_change){.is_added = true, .is_removed = true});
    assert_string_equal(listed(board, "/"), "http://b=2");
    assert_true(board_forget_changes(board));
    assert_string_equal(listed(board, "/"), "http://a=1 http://b=2");
    assert_false(board_forget_changes(board));
    board_destroy(board);
}

/* Whoever was killed while writing leaves the servers of the file. */
static void changes_that_are_being_written_do_not_count(void **state)
{
    (void)state;
    struct board *board = board_of_one();
    change(board, "/", "http://a", (struct board_change){.weight = 7});
    board->shared->version++;
    assert_string_equal(listed(board, "/"), "http://a=1 http://b=2");
    board_destroy(board);
}

static void there_are_bounds(void **state)
{
    (void)state;
    struct board *board = board_of_one();
    struct board_change more = {.route = "/", .url = "one more", .is_added = true};
    for (unsigned i = 0; i < BOARD_CHANGES_MAX; i++) {
        char url[20];
        snprintf(url, sizeof(url), "http://%u", i);
        change(board, "/", url, (struct board_change){.weight = 1, .is_added = true});
    }
    assert_false(board_change(board, &more));
    static struct server_list list;
    server_list_make(&list, board, "/", &settings);
    assert_int_equal(list.count, PROXY_SERVERS_MAX);
    board_destroy(board);
}

/* Servers that come and go at run time leave nothing behind. */
static void any_number_may_come_and_go(void **state)
{
    (void)state;
    struct board *board = board_of_one();
    change(board, "/", "http://first", (struct board_change){.weight = 1, .is_added = true});
    for (unsigned i = 0; i < 10 * BOARD_CHANGES_MAX; i++) {
        char url[20];
        snprintf(url, sizeof(url), "http://%u", i);
        change(board, "/", url, (struct board_change){.weight = 1, .is_added = true});
        change(board, "/", "http://last", (struct board_change){.weight = 3, .is_added = true});
        change(board, "/", url, (struct board_change){.is_added = true, .is_removed = true});
    }
    assert_string_equal(listed(board, "/"), "http://a=1 http://b=2 http://first=1 http://last=3");
    assert_int_equal(board->shared->changes.count, 2);
    board_destroy(board);
}

static void names_of_routes(void **state)
{
    (void)state;
    struct slice all = SLICE("*"), host = SLICE("example.com");
    struct site everywhere = {.hosts = &all, .host_count = 1}, site = {.hosts = &host, .host_count = 1};
    struct route route = {.prefix = SLICE("/api")};
    char name[BOARD_ROUTE_BYTES];
    server_list_name(&everywhere, &route, name);
    assert_string_equal(name, "/api");
    server_list_name(&site, &route, name);
    assert_string_equal(name, "example.com/api");
    server_list_name(NULL, &route, name);
    assert_string_equal(name, "/api");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_changes_they_are_those_of_the_file),
        cmocka_unit_test(changes_of_a_route),
        cmocka_unit_test(changes_that_are_being_written_do_not_count),
        cmocka_unit_test(there_are_bounds),
        cmocka_unit_test(any_number_may_come_and_go),
        cmocka_unit_test(names_of_routes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
