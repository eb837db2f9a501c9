/* What workers share about servers. */
#include "../test.h"

#include "serve/board.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#define WORKERS 3

static struct board *make_board(void)
{
    struct board *board = board_create(WORKERS);
    assert_non_null(board);
    for (size_t i = 0; i < WORKERS; i++)
        board_enter(board, i);
    return board;
}

static struct board_place get(struct board *board, size_t worker, const char *route, const char *url)
{
    return board_get(board, worker, slice_from(route), slice_from(url), 1);
}

static void a_name_is_one_entry_for_all_workers(void **state)
{
    (void)state;
    struct board *board = make_board();
    struct board_place one = get(board, 0, "/a", "http://x"), same = get(board, 2, "/a", "http://x");
    struct board_place other = get(board, 0, "/b", "http://x"), third = get(board, 0, "/a", "http://y");
    assert_ptr_equal(one.server, same.server);
    assert_ptr_not_equal(one.share, same.share);
    assert_ptr_not_equal(one.server, other.server);
    assert_ptr_not_equal(one.server, third.server);
    assert_string_equal(one.server->route, "/a");
    assert_string_equal(one.server->url, "http://x");
    assert_true(one.server->hash == other.server->hash);
    assert_true(one.hold->references == 1 && same.hold->references == 1);
    board_destroy(board);
}

static void requests_are_counted_and_limited(void **state)
{
    (void)state;
    struct board *board = make_board();
    struct board_place one = get(board, 0, "/", "a"), same = get(board, 1, "/", "a");
    assert_true(board_begin(one, 2));
    assert_true(board_begin(same, 2));
    assert_false(board_begin(one, 2));
    assert_true(board_begin(same, 0));
    assert_int_equal(board_in_use(board, one.server), 3);
    board_end(one);
    board_end(same);
    assert_true(board_begin(one, 2));
    assert_int_equal(one.share->requests, 2);
    assert_int_equal(same.share->requests, 2);
    board_destroy(board);
}

/* A worker was killed, wherever it was: what it held is gone, what it has counted stays. */
static void what_a_worker_held_is_cleared(void **state)
{
    (void)state;
    struct board *board = make_board();
    struct board_place one = get(board, 0, "/", "a"), same = get(board, 1, "/", "a");
    assert_true(board_begin(one, 0) && board_begin(one, 9) && board_begin(same, 0));
    *board_waiting_since(board, 0) = 7;
    board_clear_worker(board, 0);
    assert_int_equal(board_in_use(board, one.server), 1);
    assert_int_equal(one.share->requests, 2);
    assert_int_equal(*board_waiting_since(board, 0), 0);
    board_put(same, 5);
    assert_int_equal(board_next(board, 0), BOARD_SERVERS_MAX);
    board_enter(NULL, 0);
    board_destroy(board);
}

/* One that was killed while it wrote an entry does not take that away for ever. */
static void an_entry_that_was_being_written_is_used_again(void **state)
{
    (void)state;
    struct board *board = make_board();
    char url[20];
    struct board_place place = get(board, 2, "/", "killed");
    unsigned written = place.server->state;
    place.server->state = (written - 1) | 2 << 2; /* claimed by worker 2 */
    place.server->name = (struct digest){0};
    board_clear_worker(board, 2);
    assert_int_equal(place.server->state, written);
    assert_null(board_find(board, SLICE("/"), SLICE("killed")));
    for (unsigned i = 0; i < BOARD_SERVERS_MAX; i++) {
        snprintf(url, sizeof(url), "server %u", i);
        assert_non_null(get(board, 0, "/", url).server);
    }
    board_destroy(board);
}

/* A worker was killed after it had claimed an entry, before it saw that another one uses that again. */
static void an_entry_in_use_keeps_its_name(void **state)
{
    (void)state;
    struct board *board = make_board();
    struct board_place place = get(board, 0, "/", "used");
    unsigned used = place.server->state;
    assert_true(board_begin(place, 0));
    place.server->state = (used - 1) | 2 << 2; /* claimed by worker 2 */
    board_clear_worker(board, 2);
    assert_ptr_equal(get(board, 1, "/", "used").server, place.server);
    assert_int_equal(board_in_use(board, place.server), 1);
    board_destroy(board);
}

/* Reloads that name other servers each time: nothing fills up, and nothing of others is touched. */
static void servers_may_come_and_go(void **state)
{
    (void)state;
    struct board *board = make_board();
    struct board_place kept = get(board, 1, "/", "kept");
    char url[20];
    for (unsigned i = 0; i < 1000; i++) {
        struct board_place places[3];
        for (unsigned j = 0; j < 3; j++) {
            snprintf(url, sizeof(url), "server %u.%u", i, j);
            places[j] = get(board, j, "/", url);
            assert_non_null(places[j].server);
            assert_true(board_begin(places[j], 1));
            assert_false(board_begin(places[j], 1));
        }
        for (unsigned j = 0; j < 3; j++) {
            board_end(places[j]);
            board_put(places[j], i);
        }
    }
    assert_ptr_equal(get(board, 2, "/", "kept").server, kept.server);
    board_destroy(board);
}

/* A worker that was taken over can write to all of the memory. */
static void whatever_is_written_to_it_has_bounds(void **state)
{
    (void)state;
    struct board *board = make_board();
    static struct board_changes changes;
    struct board_place place = get(board, 0, "/", "a");
    memset(place.server->route, 'x', sizeof(place.server->route));
    memset(place.server->url, 'x', sizeof(place.server->url));
    memset(place.server->reason, 'x', sizeof(place.server->reason));
    memset(&board->shared->changes, 'x', sizeof(board->shared->changes));
    board->shared->entered = UINT32_MAX;
    assert_int_equal(board_workers(board), WORKERS);
    assert_int_equal(board_in_use(board, place.server), 0);
    assert_int_equal(board_text(place.server->url, sizeof(place.server->url)).length, BOARD_URL_BYTES);
    assert_true(board_read_changes(board, &changes));
    assert_int_equal(changes.count, BOARD_CHANGES_MAX);
    assert_int_equal(strlen(changes.list[BOARD_CHANGES_MAX - 1].url), BOARD_URL_BYTES - 1);
    char reason[BOARD_REASON_BYTES];
    board_reason(place.server, reason);
    assert_int_equal(strlen(reason), BOARD_REASON_BYTES - 1);
    board_destroy(board);
}

#define BEGINNERS 4
#define ROUNDS    2000

struct beginner {
    pthread_t thread;
    struct board_place place;
    atomic_int *now;
    atomic_int *most;
    unsigned had;
};

static void *begin_and_end(void *context)
{
    struct beginner *beginner = context;
    while (beginner->had < ROUNDS) {
        if (!board_begin(beginner->place, 1)) {
            sched_yield();
            continue;
        }
        int now = atomic_fetch_add(beginner->now, 1) + 1;
        if (now > *beginner->most)
            *beginner->most = now;
        beginner->had++;
        atomic_fetch_sub(beginner->now, 1);
        board_end(beginner->place);
    }
    return NULL;
}

/* Several want the only place at the same moment: one of them gets it. */
static void a_limit_is_exact(void **state)
{
    (void)state;
    struct board *board = board_create(BEGINNERS);
    assert_non_null(board);
    struct beginner all[BEGINNERS];
    atomic_int now = 0, most = 0;
    for (unsigned i = 0; i < BEGINNERS; i++) {
        board_enter(board, i);
        all[i] = (struct beginner){.place = get(board, i, "/", "a"), .now = &now, .most = &most};
    }
    for (unsigned i = 0; i < BEGINNERS; i++)
        assert_int_equal(pthread_create(&all[i].thread, NULL, begin_and_end, &all[i]), 0);
    for (unsigned i = 0; i < BEGINNERS; i++)
        pthread_join(all[i].thread, NULL);
    assert_int_equal(most, 1);
    assert_int_equal(board_in_use(board, all[0].place.server), 0);
    board_destroy(board);
}

/* A server that a reload names again is not new. */
static void entries_keep_what_they_know(void **state)
{
    (void)state;
    struct board *board = make_board();
    struct board_place place = get(board, 0, "/", "a");
    board_set_health(place.server, BOARD_DOWN, "status 503", 5);
    assert_false(board_is_good(place.server, 10));
    board_put(place, 10);
    assert_int_equal(board_next(board, 0), BOARD_SERVERS_MAX);
    struct board_place again = get(board, 1, "/", "a");
    assert_ptr_equal(again.server, place.server);
    assert_int_equal(again.server->health, BOARD_DOWN);
    char reason[BOARD_REASON_BYTES];
    board_reason(again.server, reason);
    assert_string_equal(reason, "status 503");
    board_set_health(place.server, BOARD_UP, "", 20);
    assert_true(board_is_good(place.server, 20));
    assert_int_equal(place.server->since_ms, 20);
    board_destroy(board);
}

static void a_full_board_gives_the_place_unused_longest(void **state)
{
    (void)state;
    struct board *board = make_board();
    struct board_place places[BOARD_SERVERS_MAX];
    char url[20];
    for (unsigned i = 0; i < BOARD_SERVERS_MAX; i++) {
        snprintf(url, sizeof(url), "server %u", i);
        places[i] = get(board, 0, "/", url);
        assert_non_null(places[i].server);
    }
    assert_null(get(board, 0, "/", "one more").server);
    assert_true(board_begin(places[6], 0));
    board_end(places[6]);
    board_put(places[5], 200);
    board_put(places[6], 100);
    struct board_place fresh = get(board, 1, "/", "one more");
    assert_ptr_equal(fresh.server, places[6].server);
    assert_string_equal(fresh.server->url, "one more");
    assert_int_equal(places[6].share->requests, 0);
    assert_ptr_equal(get(board, 1, "/", "server 5").server, places[5].server);
    assert_null(get(board, 1, "/", "server 6").server);
    board_destroy(board);
}

static void one_worker_has_the_lease(void **state)
{
    (void)state;
    struct board *board = make_board();
    assert_true(board_take_lease(board, 0, 1000));
    assert_false(board_take_lease(board, 1, 1000));
    assert_true(board_take_lease(board, 0, 2500));
    assert_false(board_take_lease(board, 1, 2500 + BOARD_LEASE_MS - 1));
    assert_true(board_take_lease(board, 1, 2500 + BOARD_LEASE_MS));
    assert_false(board_take_lease(board, 0, 2500 + BOARD_LEASE_MS));
    board_clear_worker(board, 0);
    assert_false(board_take_lease(board, 0, 2500 + BOARD_LEASE_MS));
    board_clear_worker(board, 1);
    assert_true(board_take_lease(board, 0, 2500 + BOARD_LEASE_MS));
    board_destroy(board);
}

static void servers_that_are_left_out(void **state)
{
    (void)state;
    struct board *board = make_board();
    struct board_place place = get(board, 0, "/", "a");
    assert_true(board_is_good(place.server, 0));
    place.server->ejected_ms = 100;
    assert_false(board_is_good(place.server, 99));
    assert_true(board_is_good(place.server, 100));
    board_destroy(board);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_is_one_entry_for_all_workers),
        cmocka_unit_test(requests_are_counted_and_limited),
        cmocka_unit_test(what_a_worker_held_is_cleared),
        cmocka_unit_test(an_entry_that_was_being_written_is_used_again),
        cmocka_unit_test(an_entry_in_use_keeps_its_name),
        cmocka_unit_test(servers_may_come_and_go),
        cmocka_unit_test(whatever_is_written_to_it_has_bounds),
        cmocka_unit_test(a_limit_is_exact),
        cmocka_unit_test(entries_keep_what_they_know),
        cmocka_unit_test(a_full_board_gives_the_place_unused_longest),
        cmocka_unit_test(one_worker_has_the_lease),
        cmocka_unit_test(servers_that_are_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
