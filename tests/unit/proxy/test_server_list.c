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

static bool ends_all(void *context, const struct board_change *change)
{
    (void)change;
    ++*(unsigned *)context;
    return true;
}

static bool ends_none(void *context, const struct board_change *change)
{
    (void)context, (void)change;
    return false;
}

static struct board_list list_of(const char *path, const char *url, uint32_t weight)
{
    struct board_list list = {.name = board_list_name(slice_from(path)), .count = 1};
    snprintf(list.servers[0].url, sizeof(list.servers[0].url), "%s", url);
    list.servers[0].weight = weight;
    return list;
}

/* Before there is one on the board, the settings' servers are those of the file. */
static void the_list_of_a_file_takes_their_place(void **state)
{
    (void)state;
    struct board *board = board_of_one();
    struct board_list list = list_of("/servers", "http://x", 4), other = list_of("/other", "http://y", 5);
    board_put_list(board, &list, ends_none, NULL);
    board_put_list(board, &other, ends_none, NULL);
    assert_string_equal(listed(board, "/"), "http://a=1 http://b=2");
    settings.to_file = SLICE("/nowhere");
    assert_string_equal(listed(board, "/"), "http://a=1 http://b=2");
    settings.to_file = SLICE("/servers");
    assert_string_equal(listed(board, "/"), "http://x=4");
    change(board, "/", "http://x", (struct board_change){.weight = 7});
    change(board, "/", "http://z", (struct board_change){.weight = 8, .is_added = true});
    assert_string_equal(listed(board, "/"), "http://x=7 http://z=8");
    static struct server_list whole;
    server_list_make(&whole, board, "/", &settings);
    assert_true(server_list_names(&whole, SLICE("http://x")));
    assert_false(server_list_names(&whole, SLICE("http://z")));
    settings.to_file = SLICE("");
    board_destroy(board);
}

/* In the same moment: nobody sees the one without the other. */
static void changes_may_end_with_a_list(void **state)
{
    (void)state;
    struct board *board = board_of_one();
    struct board_list list = list_of("/servers", "http://x", 4);
    unsigned asked = 0;
    change(board, "/", "http://a", (struct board_change){.weight = 7});
    change(board, "/", "http://b", (struct board_change){.weight = 8});
    unsigned version = board_version(board);
    board_put_list(board, &list, ends_none, NULL);
    assert_string_equal(listed(board, "/"), "http://a=7 http://b=8");
    assert_int_equal(board_version(board), version + 2);
    board_put_list(board, &list, ends_all, &asked);
    assert_string_equal(listed(board, "/"), "http://a=1 http://b=2");
    assert_int_equal(asked, 2);
    board_destroy(board);
}

/* Files that come and go leave those that stay. */
static void the_list_that_was_put_there_longest_ago_goes(void **state)
{
    (void)state;
    struct board *board = board_of_one();
    struct board_list list = list_of("/servers", "http://x", 4);
    settings.to_file = SLICE("/servers");
    for (unsigned i = 0; i < 3 * BOARD_LISTS_MAX; i++) {
        char path[20];
        if (i % (BOARD_LISTS_MAX / 2) == 0)
            board_put_list(board, &list, ends_none, NULL);
        snprintf(path, sizeof(path), "/%u", i);
        struct board_list other = list_of(path, "http://y", 5);
        board_put_list(board, &other, ends_none, NULL);
        assert_string_equal(listed(board, "/"), "http://x=4");
    }
    settings.to_file = SLICE("");
    board_destroy(board);
}

/* A worker that was taken over can write to all of it. */
static void whatever_is_written_to_a_list_has_bounds(void **state)
{
    (void)state;
    struct board *board = board_of_one();
    struct board_list list = list_of("/servers", "http://x", 4);
    static struct server_list whole;
    settings.to_file = SLICE("/servers");
    board_put_list(board, &list, ends_none, NULL);
    memset(board->shared->lists[0].servers, 'x', sizeof(board->shared->lists[0].servers));
    board->shared->lists[0].count = SIZE_MAX;
    server_list_make(&whole, board, "/", &settings);
    assert_int_equal(whole.count, PROXY_SERVERS_MAX);
    assert_int_equal(whole.servers[0].url.length, BOARD_LISTED_URL_BYTES - 1);
    settings.to_file = SLICE("");
    board_destroy(board);
}

static void a_weight_is_bounded(void **state)
{
    (void)state;
    struct board *board = board_of_one();
    change(board, "/", "http://a", (struct board_change){.weight = UINT32_MAX});
    assert_string_equal(listed(board, "/"), "http://a=1000 http://b=2");
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
        cmocka_unit_test(the_list_of_a_file_takes_their_place),
        cmocka_unit_test(changes_may_end_with_a_list),
        cmocka_unit_test(the_list_that_was_put_there_longest_ago_goes),
        cmocka_unit_test(whatever_is_written_to_a_list_has_bounds),
        cmocka_unit_test(a_weight_is_bounded),
        cmocka_unit_test(names_of_routes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
