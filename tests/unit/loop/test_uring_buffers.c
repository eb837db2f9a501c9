/* How many buffers the kernel is offered: twice as many when it ran out, half as many after a while. */
#include "../test.h"

#include "loop/uring_buffers.h"

struct fixture {
    struct io_uring ring;
    struct uring_buffers buffers;
};

/* False where the kernel has no io_uring, or forbids it. */
static bool set_up(struct fixture *fixture)
{
    *fixture = (struct fixture){0};
    if (io_uring_queue_init(8, &fixture->ring, 0) < 0)
        return false;
    bool is_there = uring_buffers_init(&fixture->buffers, &fixture->ring) == 0;
    if (!is_there) {
        io_uring_queue_exit(&fixture->ring);
        uring_buffers_finish(&fixture->buffers);
    }
    return is_there;
}

static void tear_down(struct fixture *fixture)
{
    io_uring_queue_exit(&fixture->ring);
    uring_buffers_finish(&fixture->buffers);
}

static void expect_offered(const struct uring_buffers *buffers, unsigned count)
{
    assert_int_equal(buffers->offered, count);
    assert_int_equal(buffers->spare_count, URING_BUFFERS - count);
}

static void doubles_what_was_not_enough(void **state)
{
    (void)state;
    struct fixture fixture;
    if (!set_up(&fixture))
        skip();
    unsigned first = fixture.buffers.offered;
    assert_in_range(first, 1, URING_BUFFERS / 4);
    for (unsigned wanted = first * 2; wanted <= URING_BUFFERS; wanted *= 2) {
        uring_buffers_want_more(&fixture.buffers);
        uring_buffers_want_more(&fixture.buffers); /* in the same turn */
        uring_buffers_offer(&fixture.buffers);
        expect_offered(&fixture.buffers, wanted);
        uring_buffers_offer(&fixture.buffers);
        expect_offered(&fixture.buffers, wanted);
    }
    uring_buffers_want_more(&fixture.buffers); /* there are no more */
    uring_buffers_offer(&fixture.buffers);
    expect_offered(&fixture.buffers, URING_BUFFERS);
    tear_down(&fixture);
}

/* As if the kernel had taken the first buffer, again and again. */
static void tries_fewer_in_time(void **state)
{
    (void)state;
    struct fixture fixture;
    if (!set_up(&fixture))
        skip();
    unsigned first = fixture.buffers.offered, taken = 0;
    uring_buffers_want_more(&fixture.buffers);
    uring_buffers_offer(&fixture.buffers);
    uring_buffers_give_back(&fixture.buffers, 0); /* a completion without a buffer */
    expect_offered(&fixture.buffers, first * 2);
    for (; fixture.buffers.wanted > first; taken++) {
        uring_buffers_give_back(&fixture.buffers, IORING_CQE_F_BUFFER);
        uring_buffers_offer(&fixture.buffers);
        assert_in_range(taken, 0, 100000);
    }
    assert_true(taken > 1000); /* not at once */
    assert_int_equal(fixture.buffers.wanted, first);
    tear_down(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(doubles_what_was_not_enough),
        cmocka_unit_test(tries_fewer_in_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
