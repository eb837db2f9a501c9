/* Requests that wait for a place: who is asked, in which order, and how many are asked in vain. */
#include "../test.h"

#include "proxy/place_queue.h"
#include "proxy/upstream_group.h"

#include <stdlib.h>

#define SERVERS 3

struct request {
    struct place_waiter waiter;
    struct upstream_wish wish;
    struct scene *scene;
    int has; /* index of its server; -1: none */
};

struct scene {
    struct loop *loop;
    struct board *board;
    struct place_queue queue;
    struct route route;
    struct upstreams upstreams;
    struct upstream_group *group;
    struct upstream_group *next; /* takes the place of the former one; NULL: none */
    unsigned asked;
    struct request *last; /* that got a place */
};

static struct request *request_of(struct place_waiter *waiter)
{
    return CONTAINER_OF(waiter, struct request, waiter);
}

static bool on_chance(struct place_waiter *waiter)
{
    struct request *request = request_of(waiter);
    struct scene *scene = request->scene;
    unsigned index;
    scene->asked++;
    if (upstream_group_search(scene->group, &request->wish, &index) != UPSTREAM_CHOSEN)
        return false;
    place_queue_leave(waiter);
    request->has = (int)index;
    scene->last = request;
    return true;
}

static void on_late(struct place_waiter *waiter)
{
    (void)waiter;
    fail_msg("too late");
}

static const struct upstream_wish *on_moved(struct place_waiter *waiter, struct upstream_group *group)
{
    struct request *request = request_of(waiter);
    request->scene->group = group;
    return &request->wish;
}

static void on_changed(struct place_queue *queue, struct upstream_group *group)
{
    struct scene *scene = CONTAINER_OF(queue, struct scene, queue);
    if (scene->next && group != scene->next)
        place_queue_move(queue, group, scene->next);
}

/* Three servers that take one request each. */
static struct upstream_group *group_create(struct scene *scene, const char *names)
{
    struct upstream_group *group = calloc(1, sizeof(*group) + SERVERS * sizeof(group->members[0]));
    assert_non_null(group);
    group->references = 1;
    group->route = &scene->route;
    group->all = &scene->upstreams;
    group->board = scene->board;
    group->version = board_version(scene->board);
    place_lists_init(&group->waiting);
    list_init(&group->queue_link);
    for (unsigned i = 0; i < SERVERS; i++) {
        group->members[i] = (struct upstream_member){
            .place = board_get(scene->board, 0, SLICE("/"), slice_make(&names[i], 1), 1),
            .weight = 1,
            .limit = 1,
        };
        list_init(&group->members[i].waiting);
        group->count++;
    }
    return group;
}

static void scene_begin(struct scene *scene)
{
    *scene = (struct scene){.route.proxy.balance = PROXY_LEAST_CONNECTIONS};
    assert_int_equal(loop_create(&(struct loop_options){0}, &scene->loop), 0);
    scene->board = board_create(2);
    assert_non_null(scene->board);
    board_enter(scene->board, 0);
    board_enter(scene->board, 1);
    scene->upstreams.loop = scene->loop;
    place_queue_init(&scene->queue, scene->loop, on_changed);
    scene->queue.board = scene->board;
    scene->group = group_create(scene, "012");
}

static void scene_end(struct scene *scene)
{
    place_queue_finish(&scene->queue);
    free(scene->group);
    board_destroy(scene->board);
    loop_destroy(scene->loop);
}

static struct request *request_waits(struct scene *scene, struct upstream_wish wish)
{
    struct request *request = calloc(1, sizeof(*request));
    assert_non_null(request);
    *request = (struct request){.scene = scene, .wish = wish, .has = -1};
    request->waiter.on_chance = on_chance;
    request->waiter.on_late = on_late;
    request->waiter.on_moved = on_moved;
    assert_true(
        place_queue_join(&scene->queue, &request->waiter, scene->group, &request->wish, UINT32_MAX, 60000));
    assert_null(place_queue_validate(&scene->queue));
    return request;
}

static const struct upstream_wish anywhere = {.sticky = -1};

static void fill_all(struct scene *scene)
{
    for (unsigned i = 0; i < SERVERS; i++)
        assert_true(board_begin(scene->group->members[i].place, 1));
}

/* A request at the server ends; returns who gets the place. */
static struct request *place_becomes_free(struct scene *scene, unsigned index)
{
    scene->last = NULL;
    scene->asked = 0;
    board_end(scene->group->members[index].place);
    place_queue_note_free(&scene->queue);
    scene->queue.serve.run(&scene->queue.serve);
    assert_null(place_queue_validate(&scene->queue));
    return scene->last;
}

static void those_who_wait_are_served_in_order(void **state)
{
    (void)state;
    struct scene scene;
    struct request *requests[1000];
    scene_begin(&scene);
    fill_all(&scene);
    for (unsigned i = 0; i < ARRAY_LENGTH(requests); i++)
        requests[i] = request_waits(&scene, anywhere);
    for (unsigned i = 0; i < ARRAY_LENGTH(requests); i++) {
        assert_ptr_equal(place_becomes_free(&scene, i % SERVERS), requests[i]);
        assert_int_equal(scene.asked, 1);
        free(requests[i]);
    }
    scene_end(&scene);
}

/* However many are tied to a full server, nobody asks them. */
static void those_who_are_tied_hold_nobody_up(void **state)
{
    (void)state;
    struct scene scene;
    struct request *tied[1000];
    scene_begin(&scene);
    fill_all(&scene);
    for (unsigned i = 0; i < ARRAY_LENGTH(tied); i++)
        tied[i] = request_waits(&scene, (struct upstream_wish){.sticky = 0});
    struct request *free_one = request_waits(&scene, anywhere), *next = request_waits(&scene, anywhere);
    assert_ptr_equal(place_becomes_free(&scene, 1), free_one);
    assert_int_equal(scene.asked, 1);
    assert_ptr_equal(place_becomes_free(&scene, 0), tied[0]); /* it came before */
    assert_int_equal(scene.asked, 1);
    assert_ptr_equal(place_becomes_free(&scene, 2), next);
    assert_null(place_becomes_free(&scene, 2)); /* nobody can use it */
    assert_int_equal(scene.asked, 0);
    for (unsigned i = 1; i < ARRAY_LENGTH(tied); i++)
        assert_ptr_equal(place_becomes_free(&scene, 0), tied[i]);
    for (unsigned i = 0; i < ARRAY_LENGTH(tied); i++)
        free(tied[i]);
    free(free_one);
    free(next);
    scene_end(&scene);
}

/* The server of those that are tied is down: they may go elsewhere. */
static void those_who_are_tied_to_a_server_that_is_down(void **state)
{
    (void)state;
    struct scene scene;
    scene_begin(&scene);
    scene.route.proxy.health.is_on = true;
    fill_all(&scene);
    struct request *tied = request_waits(&scene, (struct upstream_wish){.sticky = 0});
    assert_null(place_becomes_free(&scene, 1));
    board_set_health(scene.group->members[0].place.server, BOARD_DOWN, "", 1);
    place_queue_note_free(&scene.queue);
    scene.queue.serve.run(&scene.queue.serve);
    assert_ptr_equal(scene.last, tied);
    assert_int_equal(tied->has, 1);
    free(tied);
    scene_end(&scene);
}

/* One that has failed at the server whose place is free leaves it to those behind. */
static void those_who_have_tried_it_leave_it(void **state)
{
    (void)state;
    struct scene scene;
    scene_begin(&scene);
    fill_all(&scene);
    struct request *picky = request_waits(&scene, (struct upstream_wish){.sticky = -1, .tried = 1});
    struct request *other = request_waits(&scene, anywhere);
    assert_ptr_equal(place_becomes_free(&scene, 0), other);
    assert_ptr_equal(place_becomes_free(&scene, 1), picky);
    free(picky);
    free(other);
    scene_end(&scene);
}

/* Requests that come now do not overtake. */
static void new_ones_go_behind(void **state)
{
    (void)state;
    struct scene scene;
    scene_begin(&scene);
    fill_all(&scene);
    assert_false(place_queue_has_others_first(scene.group, &anywhere));
    struct request *tied = request_waits(&scene, (struct upstream_wish){.sticky = 0});
    assert_false(place_queue_has_others_first(scene.group, &anywhere));
    struct request *first = request_waits(&scene, anywhere);
    assert_true(place_queue_has_others_first(scene.group, &anywhere));
    assert_false(place_queue_has_others_first(scene.group, &(struct upstream_wish){.sticky = 1}));
    place_queue_leave(&tied->waiter);
    place_queue_leave(&first->waiter);
    free(tied);
    free(first);
    scene_end(&scene);
}

/* What others see is since when somebody waits. A place is left to one that waits longer elsewhere. */
static void the_oldest_of_all_workers_comes_first(void **state)
{
    (void)state;
    struct scene scene;
    scene_begin(&scene);
    fill_all(&scene);
    struct request *first = request_waits(&scene, anywhere), *second = request_waits(&scene, anywhere);
    uint64_t began = first->waiter.began_ms;
    assert_int_equal(*board_waiting_since(scene.board, 0), began);
    place_queue_leave(&first->waiter);
    assert_int_equal(*board_waiting_since(scene.board, 0), began);
    *board_waiting_since(scene.board, 1) = began - 1;
    assert_null(place_becomes_free(&scene, 0));
    *board_waiting_since(scene.board, 1) = 0;
    place_queue_note_free(&scene.queue);
    scene.queue.serve.run(&scene.queue.serve);
    assert_ptr_equal(scene.last, second);
    assert_int_equal(*board_waiting_since(scene.board, 0), 0);
    free(first);
    free(second);
    scene_end(&scene);
}

/* The other worker has no use for the place. This one looks after a few milliseconds, however many more
 * places become free meanwhile. */
static void a_place_that_others_leave_is_taken(void **state)
{
    (void)state;
    struct scene scene;
    scene_begin(&scene);
    fill_all(&scene);
    struct request *request = request_waits(&scene, anywhere);
    struct wheel *wheel = loop_wheel(scene.loop);
    uint64_t now = wheel->now_ms;
    *board_waiting_since(scene.board, 1) = request->waiter.began_ms - 1;
    assert_null(place_becomes_free(&scene, 0));
    for (unsigned ms = 1; ms <= 10 && scene.last == NULL; ms++) {
        wheel_advance(wheel, now + ms);
        wheel_fire(wheel);
        place_queue_note_free(&scene.queue);
        scene.queue.serve.run(&scene.queue.serve);
    }
    assert_ptr_equal(scene.last, request);
    free(request);
    scene_end(&scene);
}

/* They keep their turn, also before those that came to the new group meanwhile, and their deadline. */
static void those_who_wait_go_over_to_other_servers(void **state)
{
    (void)state;
    struct scene scene;
    struct request *requests[5];
    scene_begin(&scene);
    struct upstream_group *former = scene.group, *next = group_create(&scene, "345");
    fill_all(&scene);
    requests[0] = request_waits(&scene, (struct upstream_wish){.sticky = 2});
    requests[1] = request_waits(&scene, anywhere);
    requests[2] = request_waits(&scene, (struct upstream_wish){.sticky = -1, .tried = 1});
    requests[3] = request_waits(&scene, anywhere);
    uint64_t deadline = requests[1]->waiter.deadline.expiry_ms;
    requests[0]->wish = requests[2]->wish = anywhere; /* of the new servers it knows none */
    scene.group = next;
    fill_all(&scene);
    requests[4] = request_waits(&scene, anywhere);
    scene.next = next;
    former->version--; /* so it is not the current one */
    place_queue_note_free(&scene.queue);
    scene.queue.serve.run(&scene.queue.serve);
    assert_null(place_queue_validate(&scene.queue));
    assert_int_equal(former->waiting_count, 0);
    assert_int_equal(next->waiting_count, 5);
    assert_true(requests[1]->waiter.deadline.expiry_ms == deadline);
    for (unsigned i = 0; i < ARRAY_LENGTH(requests); i++) {
        assert_ptr_equal(place_becomes_free(&scene, i % SERVERS), requests[i]);
        free(requests[i]);
    }
    free(former);
    scene_end(&scene);
}

/* Nobody waits for servers that there are no more of. */
static void those_who_wait_for_no_server_are_asked(void **state)
{
    (void)state;
    struct scene scene;
    scene_begin(&scene);
    fill_all(&scene);
    struct request *request = request_waits(&scene, anywhere);
    scene.group->count = 0;
    place_queue_note_free(&scene.queue);
    scene.queue.serve.run(&scene.queue.serve);
    assert_int_equal(scene.asked, 1);
    place_queue_leave(&request->waiter);
    free(request);
    scene_end(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(those_who_wait_are_served_in_order),
        cmocka_unit_test(those_who_are_tied_hold_nobody_up),
        cmocka_unit_test(those_who_are_tied_to_a_server_that_is_down),
        cmocka_unit_test(those_who_have_tried_it_leave_it),
        cmocka_unit_test(new_ones_go_behind),
        cmocka_unit_test(the_oldest_of_all_workers_comes_first),
        cmocka_unit_test(a_place_that_others_leave_is_taken),
        cmocka_unit_test(those_who_wait_go_over_to_other_servers),
        cmocka_unit_test(those_who_wait_for_no_server_are_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
