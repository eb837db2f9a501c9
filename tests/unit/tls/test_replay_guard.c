/* The replay guard: each ticket once, for as long as a ClientHello is accepted, whatever happens at the same
 * time. */
#include "tests/unit/test.h"

#include "tls/replay_guard.h"

#include <pthread.h>
#include <stdlib.h>

#define NOW 1000000000

static struct tls_replay_guard guard;

static int begin_guard(void **state)
{
    (void)state;
    guard = (struct tls_replay_guard){0};
    tls_replay_guard_begin(&guard, NOW);
    return 0;
}

static bool admit(uint32_t ticket, int64_t now)
{
    return tls_replay_guard_admit(&guard, slice_make((const char *)&ticket, sizeof(ticket)), NOW, now);
}

static void each_ticket_once(void **state)
{
    (void)state;
    for (int64_t now = NOW; now <= NOW + TLS_REPLAY_SECONDS; now++) {
        assert_int_equal(admit(1, now), now == NOW);
        assert_int_equal(admit(2, now), now == NOW);
    }
    /* OpenSSL refuses what is older. */
    assert_true(admit(1, NOW + TLS_REPLAY_SECONDS + 1));
    assert_false(admit(1, NOW + TLS_REPLAY_SECONDS + 1));
}

/* Entries have 16 bits of the time. */
static void whatever_the_time(void **state)
{
    (void)state;
    for (int64_t now = NOW; now < NOW + 200000; now += 997) {
        assert_true(admit(7, now));
        assert_false(admit(7, now + 1));
        assert_false(admit(7, now + TLS_REPLAY_SECONDS));
    }
}

/* Another process, or another guard before a restart, may have accepted them. */
static void no_ticket_from_before(void **state)
{
    (void)state;
    struct slice ticket = SLICE("ticket");
    assert_false(tls_replay_guard_admit(&guard, ticket, NOW - 1, NOW + 5));
    assert_true(tls_replay_guard_admit(&guard, ticket, NOW, NOW + 5));
    static struct tls_replay_guard none;
    assert_false(tls_replay_guard_admit(&none, ticket, NOW, NOW));
}

/* A ClientHello that is forgotten would be recent again. */
static void nothing_while_the_clock_is_behind(void **state)
{
    (void)state;
    assert_true(admit(1, NOW + 100));
    assert_true(admit(2, NOW + 99)); /* a process that read the clock a moment before */
    assert_false(admit(2, NOW + 100));
    assert_false(admit(2, NOW + 101));
    assert_false(admit(3, NOW + 99));
    assert_false(admit(3, NOW));
    assert_true(admit(3, NOW + 101));
}

static void a_full_table_refuses(void **state)
{
    (void)state;
    enum { PLACES = TLS_REPLAY_SETS * TLS_REPLAY_WAYS, TICKETS = 4 * PLACES };
    uint32_t count = 0;
    for (uint32_t ticket = 0; ticket < TICKETS; ticket++)
        count += admit(ticket, NOW + ticket % 3);
    assert_true(count > PLACES - PLACES / 100);
    for (uint32_t ticket = 0; ticket < TICKETS; ticket++)
        count += admit(ticket, NOW + 4);
    assert_true(count <= PLACES);
    /* It empties by itself. */
    assert_true(admit(TICKETS, NOW + 3 + TLS_REPLAY_SECONDS));
}

/* ---- at the same time ---- */

enum { THREADS = 4, SHARED_TICKETS = 20000 };

static uint8_t admitted[THREADS][SHARED_TICKETS];
static pthread_barrier_t barrier;

static void *admit_all(void *own)
{
    uint8_t *mine = own;
    pthread_barrier_wait(&barrier);
    for (uint32_t ticket = 0; ticket < SHARED_TICKETS; ticket++)
        mine[ticket] = admit(ticket, NOW + ticket / 2000);
    return NULL;
}

static void one_of_many_at_once(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    unsigned total = 0;
    pthread_barrier_init(&barrier, NULL, THREADS);
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, admit_all, admitted[i]), 0);
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    pthread_barrier_destroy(&barrier);
    for (size_t ticket = 0; ticket < SHARED_TICKETS; ticket++) {
        unsigned count = 0;
        for (size_t i = 0; i < THREADS; i++)
            count += admitted[i][ticket];
        assert_true(count <= 1);
        total += count;
    }
    assert_true(total > SHARED_TICKETS / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(each_ticket_once, begin_guard),
        cmocka_unit_test_setup(whatever_the_time, begin_guard),
        cmocka_unit_test_setup(no_ticket_from_before, begin_guard),
        cmocka_unit_test_setup(nothing_while_the_clock_is_behind, begin_guard),
        cmocka_unit_test_setup(a_full_table_refuses, begin_guard),
        cmocka_unit_test_setup(one_of_many_at_once, begin_guard),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
