/* The close_queue: every descriptor is closed once, off the loop while there is one. */
#include "../test.h"

#include "disk/close_queue.h"
#include "loop/loop.h"

#include <fcntl.h>
#include <unistd.h>

#define COUNT 100

static void open_all(int fds[COUNT])
{
    for (int i = 0; i < COUNT; i++) {
        fds[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
        assert_true(fds[i] >= 0);
    }
}

static void assert_closed(const int fds[COUNT])
{
    for (int i = 0; i < COUNT; i++)
        assert_int_equal(fcntl(fds[i], F_GETFD), -1);
}

static void what_is_taken_is_closed(void **state)
{
    (void)state;
    struct loop *loop;
    struct close_queue close_queue;
    int fds[COUNT];
    assert_int_equal(loop_create(&(struct loop_options){0}, &loop), 0);
    close_queue_init(&close_queue, loop);
    open_all(fds);
    for (int i = 0; i < COUNT; i++)
        close_queue_take(&close_queue, fds[i]);
    /* All but the first came while it was being closed. */
    assert_true(close_queue.is_busy);
    loop_finish_jobs(loop);
    assert_closed(fds);
    close_queue_finish(&close_queue);
    loop_destroy(loop);
}

/* A cache is emptied after the loop has settled. */
static void what_comes_after_the_end_is_closed_at_once(void **state)
{
    (void)state;
    struct loop *loop;
    struct close_queue close_queue;
    int fds[COUNT];
    assert_int_equal(loop_create(&(struct loop_options){0}, &loop), 0);
    close_queue_init(&close_queue, loop);
    close_queue_finish(&close_queue);
    open_all(fds);
    for (int i = 0; i < COUNT; i++)
        close_queue_take(&close_queue, fds[i]);
    assert_closed(fds);
    loop_destroy(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_taken_is_closed),
        cmocka_unit_test(what_comes_after_the_end_is_closed_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
