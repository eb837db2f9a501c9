/* What the master shows of the servers that requests are forwarded to. */
#include "../test.h"

#include "proc/master_upstream.h"

static struct proxy_server in_file = {.url = {"http://a", 8}, .weight = 1};
static struct route route = {
    .prefix = {"/", 1},
    .kind = ROUTE_PROXY,
    .proxy = {.servers = &in_file, .server_count = 1},
};
static struct site site = {.routes = &route, .route_count = 1};
static struct settings settings = {.sites = &site, .site_count = 1};

/* Workers can write to the board, and an administrator's terminal shows it. */
static void what_is_on_the_board_controls_no_terminal(void **state)
{
    (void)state;
    struct config config = {.settings = &settings};
    static struct server_file files[SERVER_KEEPER_FILES_MAX];
    struct master master = {.config = &config, .board = board_create(1), .servers.files = files};
    assert_non_null(master.board);
    board_enter(master.board, 0);
    struct board_place place =
        board_get(master.board, 0, SLICE("/"), SLICE("http://a (\033]0;x\a\n\xc2\x9bm)"), 1);
    assert_non_null(place.server);
    struct board_change change = {.route = "/", .url = "http://b\r\n\033[2J", .weight = 3, .is_added = true};
    assert_true(board_change(master.board, &change));
    board_set_health(place.server, BOARD_DOWN, "\033c", 1);
    struct buffer out;
    buffer_init(&out, 10000);
    master_upstream_print_status(&master, &out);
    assert_slice(buffer_slice(&out),
                 "forwards /: 1 of 2 servers up\n"
                 "  http://a (?]0;x????m)  down (?c), weight 1, 0 requests now, 0 in all, 0 failed\n");
    buffer_finish(&out);
    board_destroy(master.board);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_on_the_board_controls_no_terminal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
