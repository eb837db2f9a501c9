/* The master's ends of channels; the test has the workers' ends, too. */
#include "../test.h"

#include "base/error.h"
#include "proc/links.h"
#include "sys/memory.h"

#include <errno.h>

enum { WORKERS = 2, ROOM = 5, NOW_MS = 1000 };

struct fixture {
    struct links links;
    struct link *link;        /* of the first worker */
    struct message_ends ends; /* its own */
};

static void set_up(struct fixture *fixture)
{
    *fixture = (struct fixture){0};
    assert_int_equal(links_init(&fixture->links, WORKERS), 0);
    assert_int_equal(links_open(&fixture->links, 0, 1), 0);
    fixture->link = &fixture->links.list[0];
    fixture->ends = fixture->link->worker_ends;
    fixture->link->worker_ends = MESSAGE_ENDS_NONE;
}

static void tear_down(struct fixture *fixture)
{
    links_finish(&fixture->links);
    sys_message_ends_close(&fixture->ends);
}

static void ask(struct fixture *fixture, unsigned generation)
{
    struct channel_change change = {.generation = generation, .room = ROOM, .worker_count = WORKERS};
    struct channel_received received;
    int memory_fd = sys_memory_create(4096);
    assert_int_equal(links_ask(&fixture->links, 0, &change, memory_fd), 0);
    sys_close(memory_fd);
    assert_int_equal(fixture->link->asked, generation);
    assert_int_equal(links_rooms(&fixture->links), UINT64_C(1) << ROOM);
    assert_int_equal(channel_receive(fixture->ends.socket_fd, &received), 0);
    assert_int_equal(received.message.kind, CHANNEL_CHANGE);
    assert_int_equal(received.message.change.generation, generation);
    assert_int_equal(received.fd_count, 1);
    channel_drop(&received);
}

/* With a text that fills its room. */
static void answer(struct fixture *fixture, unsigned generation, int error)
{
    struct channel_message message = {.kind = CHANNEL_VERDICT};
    message.verdict.generation = generation;
    message.verdict.error = error;
    memset(message.verdict.text, 'x', sizeof(message.verdict.text));
    assert_int_equal(channel_answer(fixture->ends.pipe_fd, &message), 0);
}

/* Returns the number of a broken worker. */
static int take_at(struct fixture *fixture, uint64_t now_ms)
{
    return links_take(&fixture->links, fixture->link->ends.pipe_fd, now_ms);
}

static int take(struct fixture *fixture)
{
    return take_at(fixture, NOW_MS);
}

static void what_is_taken_is_noted(void **state)
{
    (void)state;
    struct fixture fixture;
    set_up(&fixture);
    assert_int_equal(take(&fixture), -1);
    ask(&fixture, 2);
    answer(&fixture, 2, 0);
    assert_int_equal(take(&fixture), -1);
    assert_int_equal(fixture.link->taken, 2);
    assert_int_equal(fixture.link->asked, 0);
    assert_false(fixture.link->has_refused);
    assert_int_equal(links_rooms(&fixture.links), 0);
    tear_down(&fixture);
}

static void who_refuses_is_asked_again_later(void **state)
{
    (void)state;
    struct fixture fixture;
    set_up(&fixture);
    ask(&fixture, 2);
    answer(&fixture, 2, -ENOMEM);
    assert_int_equal(take(&fixture), -1);
    assert_int_equal(fixture.link->taken, 1);
    assert_int_equal(fixture.link->asked, 0);
    assert_true(fixture.link->has_refused);
    assert_int_equal(fixture.link->retry_ms, NOW_MS + LINK_RETRY_MS);
    assert_int_equal(strlen(fixture.link->why), CHANNEL_TEXT_MAX - 1);
    ask(&fixture, 3);
    assert_false(fixture.link->has_refused);
    tear_down(&fixture);
}

static void who_is_gone_is_waited_for_no_more(void **state)
{
    (void)state;
    struct fixture fixture;
    set_up(&fixture);
    ask(&fixture, 2);
    sys_message_ends_close(&fixture.ends);
    assert_int_equal(take(&fixture), -1);
    assert_false(links_has(&fixture.links, 0));
    assert_int_equal(fixture.link->asked, 0);
    assert_int_equal(links_rooms(&fixture.links), 0);
    struct channel_change change = {.generation = 3, .room = ROOM};
    assert_int_equal(links_ask(&fixture.links, 0, &change, 0), ERROR_CLOSED);
    assert_int_equal(fixture.link->asked, 0);
    tear_down(&fixture);
}

static void what_is_no_answer_ends_the_channel(void **state)
{
    (void)state;
    struct fixture fixture;
    set_up(&fixture);
    ask(&fixture, 2);
    struct channel_message message = {.kind = CHANNEL_SOCKETS};
    assert_int_equal(channel_answer(fixture.ends.pipe_fd, &message), 0);
    assert_int_equal(take(&fixture), 0);
    assert_false(links_has(&fixture.links, 0));
    assert_int_equal(fixture.link->taken, 1);
    assert_int_equal(fixture.link->asked, 0);
    tear_down(&fixture);
}

static void an_answer_that_nobody_has_asked_for_ends_the_channel(void **state)
{
    (void)state;
    struct fixture fixture;
    set_up(&fixture);
    answer(&fixture, 2, 0);
    assert_int_equal(take(&fixture), 0);
    assert_int_equal(fixture.link->taken, 1);
    tear_down(&fixture);
    set_up(&fixture);
    answer(&fixture, 0, 0);
    assert_int_equal(take(&fixture), 0);
    assert_int_equal(fixture.link->taken, 1);
    assert_false(links_has(&fixture.links, 0));
    tear_down(&fixture);
    set_up(&fixture);
    ask(&fixture, 2);
    answer(&fixture, 9, 0);
    assert_int_equal(take(&fixture), 0);
    assert_int_equal(fixture.link->taken, 1);
    assert_false(links_has(&fixture.links, 0));
    tear_down(&fixture);
}

static void call(struct fixture *fixture)
{
    struct channel_message message = {.kind = CHANNEL_LOOK};
    assert_int_equal(channel_answer(fixture->ends.pipe_fd, &message), 0);
}

static void who_calls_without_end_ends_the_channel(void **state)
{
    (void)state;
    struct fixture fixture;
    set_up(&fixture);
    for (uint64_t second = 1; second < 4; second++) {
        for (int i = 0; i < LINK_ANSWERS_PER_SECOND; i++) {
            call(&fixture);
            assert_int_equal(take_at(&fixture, second * 1000 + (uint64_t)i), -1);
        }
    }
    call(&fixture);
    assert_int_equal(take_at(&fixture, 3999), 0);
    assert_false(links_has(&fixture.links, 0));
    tear_down(&fixture);
}

/* The others have their turn in between. */
static void not_all_is_taken_at_once(void **state)
{
    (void)state;
    struct fixture fixture;
    set_up(&fixture);
    for (int i = 0; i <= LINK_ANSWERS_MAX; i++)
        call(&fixture);
    assert_int_equal(take(&fixture), -1);
    struct channel_message message;
    assert_int_equal(channel_hear(fixture.link->ends.pipe_fd, &message), 0);
    assert_int_equal(channel_hear(fixture.link->ends.pipe_fd, &message), -EAGAIN);
    tear_down(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_taken_is_noted),
        cmocka_unit_test(who_refuses_is_asked_again_later),
        cmocka_unit_test(who_is_gone_is_waited_for_no_more),
        cmocka_unit_test(what_is_no_answer_ends_the_channel),
        cmocka_unit_test(an_answer_that_nobody_has_asked_for_ends_the_channel),
        cmocka_unit_test(who_calls_without_end_ends_the_channel),
        cmocka_unit_test(not_all_is_taken_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
