/* What health checks mean, and what is a good response. */
#include "../test.h"

#include "proxy/health.h"

#include <stdlib.h>

/* Checks as 'g' good and 'b' bad; the health after each as 'u' up, 'd' down, '?' not known. */
static void checks_in_a_row(void **state)
{
    (void)state;
    static const struct {
        const char *checks, *expected;
    } rows[] = {
        {"g", "u"},         {"b", "d"},       {"bg", "dd"},           {"bgg", "ddu"},
        {"bgbgg", "ddddu"}, {"gbbb", "uuud"}, {"gbbgbbg", "uuuuuuu"}, {"gbbbgg", "uuuddu"},
        {"gggg", "uuuu"},   {"bbbb", "dddd"},
    };
    static const struct proxy_health settings = {.rise = 2, .fall = 3};
    TABLE_ROWS(i, rows, rows[i].checks) {
        struct health_record record = {0};
        enum board_health health = BOARD_UNKNOWN;
        for (size_t j = 0; rows[i].checks[j]; j++) {
            health = health_judge(&record, &settings, health, rows[i].checks[j] == 'g');
            assert_int_equal("?ud"[health], rows[i].expected[j]);
        }
    }
}

static void statuses(void **state)
{
    (void)state;
    static const struct {
        const char *range;
        unsigned status;
        bool is_good;
    } rows[] = {
        {"200", 200, true},      {"200", 204, false},     {"200-399", 200, true}, {"200-399", 399, true},
        {"200-399", 400, false}, {"200-399", 199, false}, {"503", 503, true},
    };
    TABLE_ROWS(i, rows, rows[i].range)
        assert_int_equal(health_is_good_status(slice_from(rows[i].range), rows[i].status), rows[i].is_good);
}

static void headers(void **state)
{
    (void)state;
    static const struct http_field fields[] = {
        {.name_text = {"Server", 6}, .value = {"x", 1}},
        {.name_text = {"x-ready", 7}, .value = {"no", 2}},
        {.name_text = {"X-Ready", 7}, .value = {"yes", 3}},
    };
    static const struct {
        const char *wanted;
        bool is_good;
    } rows[] = {
        {"X-Ready", true},     {"X-READY: yes", true},  {"X-Ready:yes", true},
        {"X-Ready: no", true}, {"X-Ready: y", false},   {"X-Ready: ", false},
        {"X-Read", false},     {"X-Ready: YES", false}, {"Server: yes", false},
    };
    TABLE_ROWS(i, rows, rows[i].wanted)
        assert_int_equal(health_has_header(fields, 3, slice_from(rows[i].wanted)), rows[i].is_good);
}

/* ---- groups ---- */

/* A server that has no address: each check fails at once. */
struct scene {
    struct loop *loop;
    struct board *board;
    struct log log;
    struct health health;
    struct route route;
    struct upstreams upstreams;
    struct upstream upstream;
    struct upstream_group *group;
};

static void ignore_line(struct log *log, enum log_level level, struct slice line)
{
    (void)log, (void)level, (void)line;
}

static void ignore_tick(struct health *health)
{
    (void)health;
}

static const struct board_server *server_of(const struct scene *scene)
{
    return scene->group->members[0].place.server;
}

static void renew_group(struct scene *scene)
{
    struct upstream_group *former = scene->group,
                          *group = calloc(1, sizeof(*group) + sizeof(group->members[0]));
    assert_non_null(group);
    group->route = &scene->route;
    group->all = &scene->upstreams;
    group->count = 1;
    group->members[0] = (struct upstream_member){
        .upstream = &scene->upstream,
        .place = board_get(scene->board, 0, SLICE("/"), SLICE("http://a"), 1),
    };
    assert_true(health_begin_group(&scene->health, group, former));
    if (former)
        health_end_group(former);
    free(former);
    scene->group = group;
}

static void scene_begin(struct scene *scene, uint32_t interval_ms)
{
    *scene = (struct scene){.log.write = ignore_line};
    scene->route.proxy.health =
        (struct proxy_health){.is_on = true, .interval_ms = interval_ms, .rise = 1, .fall = 3};
    assert_int_equal(loop_create(&(struct loop_options){0}, &scene->loop), 0);
    scene->board = board_create(1);
    assert_non_null(scene->board);
    board_enter(scene->board, 0);
    scene->upstreams.loop = scene->loop;
    scene->upstream.all = &scene->upstreams;
    health_init(&scene->health, scene->loop, &scene->log, ignore_tick);
    scene->health.board = scene->board;
    renew_group(scene);
}

static void scene_end(struct scene *scene)
{
    health_end_group(scene->group);
    free(scene->group);
    health_finish(&scene->health);
    board_destroy(scene->board);
    loop_destroy(scene->loop);
}

static void time_passes(struct scene *scene, uint64_t ms)
{
    struct wheel *wheel = loop_wheel(scene->loop);
    for (; ms > 0; ms--) {
        wheel_advance(wheel, wheel->now_ms + 1);
        wheel_fire(wheel);
    }
}

/* Names get other addresses more often than the servers are checked: a server that stays is checked as often
 * as without that, and its failures in a row count. */
static void checks_go_on_in_a_renewed_group(void **state)
{
    (void)state;
    struct scene scene;
    scene_begin(&scene, 1000);
    board_set_health(scene.group->members[0].place.server, BOARD_UP, "", 1);
    for (unsigned i = 0; i < 100 && server_of(&scene)->health != BOARD_DOWN; i++) {
        time_passes(&scene, 50);
        renew_group(&scene);
    }
    assert_int_equal(server_of(&scene)->health, BOARD_DOWN);
    assert_int_equal(server_of(&scene)->checks, 3);
    scene_end(&scene);
}

/* As long as the first answer of a name server is awaited. */
static void no_verdict_before_the_address_is_known(void **state)
{
    (void)state;
    struct scene scene;
    static struct upstream_name name;
    scene_begin(&scene, 50);
    name.looked_ms = loop_now_ms(scene.loop);
    name.running = (struct upstream_lookup *)&name; /* nobody looks into it */
    scene.upstream.name = &name;
    time_passes(&scene, 1000);
    assert_int_equal(server_of(&scene)->checks, 0);
    assert_int_equal(server_of(&scene)->health, BOARD_UNKNOWN);
    name.running = NULL; /* the look-up has failed */
    time_passes(&scene, 100);
    assert_true(server_of(&scene)->checks > 0);
    assert_int_equal(server_of(&scene)->health, BOARD_DOWN);
    scene_end(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(checks_in_a_row),
        cmocka_unit_test(statuses),
        cmocka_unit_test(headers),
        cmocka_unit_test(checks_go_on_in_a_renewed_group),
        cmocka_unit_test(no_verdict_before_the_address_is_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
