/* What is particular to waiting: many descriptors, some of which stop in the middle of a turn; waiting for
 * nothing; and where a backend ends. */
#include "chosen_backend.h"

#include "loop/watch.h"
#include "loop/wheel.h"
#include "stream_owner.h"
#include "sys/event.h"
#include "sys/process.h"

#include <sys/resource.h>
#include <time.h>

#define WATCHES 300

struct field;

struct flag {
    struct watch watch;
    struct field *field;
    unsigned told;
    bool is_watched;
};

struct field {
    struct loop *loop;
    struct timer end;
    struct flag flags[WATCHES];
    size_t told;
    size_t stop_ahead; /* a flag that is told stops the one so far behind it; 0: none */
};

static void flag_stop(struct flag *flag)
{
    if (flag->is_watched)
        watch_stop(flag->field->loop, &flag->watch);
    flag->is_watched = false;
}

static void on_flag(struct watch *watch, unsigned events)
{
    struct flag *flag = CONTAINER_OF(watch, struct flag, watch);
    struct field *field = flag->field;
    assert_true(events & WATCH_READABLE);
    assert_true(flag->is_watched);
    sys_eventfd_clear(watch->fd);
    flag->told++;
    field->told++;
    if (field->stop_ahead > 0)
        flag_stop(&field->flags[(size_t)(flag - field->flags + field->stop_ahead) % WATCHES]);
}

static const struct watch_events flag_events = {.on_ready = on_flag};

static void end_field(struct timer *timer)
{
    loop_stop(CONTAINER_OF(timer, struct field, end)->loop);
}

static struct field *field_create(void)
{
    struct field *field = calloc(1, sizeof(*field));
    field->loop = make_loop();
    timer_init(&field->end, end_field);
    for (size_t i = 0; i < WATCHES; i++) {
        struct flag *flag = &field->flags[i];
        *flag = (struct flag){
            .watch = {.events = &flag_events, .fd = sys_eventfd_create()},
            .field = field,
            .is_watched = true,
        };
        assert_int_equal(watch_start(field->loop, &flag->watch, WATCH_LEVEL), 0);
    }
    return field;
}

static void field_raise_all(struct field *field)
{
    for (size_t i = 0; i < WATCHES; i++)
        sys_eventfd_raise(field->flags[i].watch.fd);
}

static void field_run(struct field *field)
{
    wheel_arm(loop_wheel(field->loop), &field->end, 30);
    assert_int_equal(loop_run(field->loop), 0);
}

static void field_destroy(struct field *field)
{
    for (size_t i = 0; i < WATCHES; i++) {
        flag_stop(&field->flags[i]);
        sys_close(field->flags[i].watch.fd);
    }
    loop_destroy(field->loop);
    free(field);
}

static void every_one_of_many_is_told(void **state)
{
    (void)state;
    struct field *field = field_create();
    field_run(field);
    assert_int_equal(field->told, 0);
    for (size_t i = 0; i < WATCHES; i += 7)
        sys_eventfd_raise(field->flags[i].watch.fd);
    field_run(field);
    for (size_t i = 0; i < WATCHES; i++)
        assert_int_equal(field->flags[i].told, i % 7 == 0);
    field_destroy(field);
}

/* Whoever is told stops another that is ready too: it hears nothing, and all the rest are told. */
static void many_stop_in_one_turn(void **state)
{
    (void)state;
    static const size_t distances[] = {1, 2, WATCHES / 2, WATCHES - 1};
    for (size_t k = 0; k < ARRAY_LENGTH(distances); k++) {
        struct field *field = field_create();
        field->stop_ahead = distances[k];
        field_raise_all(field);
        field_run(field);
        for (size_t i = 0; i < WATCHES; i++) {
            struct flag *flag = &field->flags[i];
            assert_true(flag->told == 1 || !flag->is_watched);
            assert_true(flag->told <= 1);
        }
        field_destroy(field);
    }
}

static uint64_t cpu_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* Whatever a peer does to a stream that waits for nothing, or whose end was told, the loop sleeps. */
static void who_waits_for_nothing_is_left_alone(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        struct loop *loop = make_loop();
        struct owner owner;
        owner_init(&owner, loop, i % 2 ? connect_tcp : connect_unix);
        owner_start(&owner);
        if (i / 2)
            stream_read_pause(&owner.stream);
        owner_write(&owner, 0, 100);
        close(owner.peer);
        owner.peer = -1;
        uint64_t before_us = cpu_us();
        owner_run(&owner, OWNER_NEVER);
        assert_true(cpu_us() - before_us < 10000);
        assert_int_equal(owner.received, i / 2 ? 0 : 100);
        assert_int_equal(owner.ends, i / 2 ? 0 : 1);
        owner_finish(&owner);
        loop_destroy(loop);
    }
}

/* A descriptor of a high number is taken, or refused beforehand and for good. */
static void high_descriptors_are_taken_or_refused(void **state)
{
    (void)state;
    const int high = 2000;
    if (sys_raise_descriptor_limit() <= (size_t)high)
        skip();
    struct loop *loop = make_loop();
    int low = sys_eventfd_create();
    assert_int_equal(dup2(low, high), high);
    struct watch watch = {.events = &flag_events, .fd = high};
    bool is_taken = loop_takes(loop, high);
    assert_int_equal(is_taken, chosen_backend() != LOOP_BACKEND_SELECT);
    assert_true(loop_takes(loop, 1023));
    assert_int_equal(watch_start(loop, &watch, WATCH_LEVEL), is_taken ? 0 : -ERANGE);
    if (is_taken)
        watch_stop(loop, &watch);

    struct owner owner;
    owner_init(&owner, loop, connect_unix);
    assert_int_equal(dup2(owner.stream.watch.fd, high), high);
    close(owner.stream.watch.fd);
    owner.stream.watch.fd = high;
    assert_int_equal(stream_start(&owner.stream), is_taken ? 0 : -ERANGE);
    owner_finish(&owner);
    loop_destroy(loop);
    close(low);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_one_of_many_is_told),
        cmocka_unit_test(many_stop_in_one_turn),
        cmocka_unit_test(who_waits_for_nothing_is_left_alone),
        cmocka_unit_test(high_descriptors_are_taken_or_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
