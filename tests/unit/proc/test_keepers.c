/* Who accepts in whose place, who is told of it, and who is found hanging. There are no processes: what they
 * would be sent is noted. */
#include "../test.h"

#include "proc/heartbeat.h"
#include "proc/keepers.h"

enum { COUNT = 3, PID_FIRST = 101, UNTOLD = -1 };

struct fixture {
    struct log log;
    unsigned lines;
    struct child children[COUNT];
    struct slot slots[COUNT];
    struct supervisor supervisor;
    struct heartbeat heartbeat;
};

/* How many slots each child would have found itself to be the keeper of when it was told. */
static int kept_when_told[COUNT];
static const struct slot *slots_of_all;

void __wrap_sys_kill(pid_t pid, int signal);

void __wrap_sys_kill(pid_t pid, int signal)
{
    assert_int_equal(signal, SLOT_SIGNAL);
    assert_in_range(pid, PID_FIRST, PID_FIRST + COUNT - 1);
    unsigned number = (unsigned)pid - PID_FIRST;
    kept_when_told[number] = 0;
    for (size_t i = 0; i < COUNT; i++)
        kept_when_told[number] += slots_of_all[i].keeper == number;
}

static void expect_told(int first, int second, int third)
{
    const int expected[COUNT] = {first, second, third};
    for (size_t i = 0; i < COUNT; i++) {
        assert_int_equal(kept_when_told[i], expected[i]);
        kept_when_told[i] = UNTOLD;
    }
}

static void count_line(struct log *log, enum log_level level, struct slice line)
{
    (void)level;
    (void)line;
    CONTAINER_OF(log, struct fixture, log)->lines++;
}

static void set_up(struct fixture *fixture)
{
    *fixture = (struct fixture){.log = {.level = LOG_LEVEL_DEBUG, .write = count_line}};
    fixture->supervisor = (struct supervisor){
        .options = {.count = COUNT, .log = &fixture->log},
        .children = fixture->children,
    };
    fixture->heartbeat = (struct heartbeat){.slots = fixture->slots, .supervisor = &fixture->supervisor};
    for (size_t i = 0; i < COUNT; i++)
        fixture->children[i] = (struct child){.pid = PID_FIRST + (pid_t)i, .is_ready = true};
    slots_of_all = fixture->slots;
    keepers_init(fixture->slots, COUNT);
    for (size_t i = 0; i < COUNT; i++)
        kept_when_told[i] = UNTOLD;
}

static void expect_keepers(struct fixture *fixture, unsigned first, unsigned second, unsigned third)
{
    keepers_update(fixture->slots, &fixture->supervisor);
    assert_int_equal(fixture->slots[0].keeper, first);
    assert_int_equal(fixture->slots[1].keeper, second);
    assert_int_equal(fixture->slots[2].keeper, third);
}

static void each_accepts_for_itself(void **state)
{
    (void)state;
    struct fixture fixture;
    set_up(&fixture);
    expect_keepers(&fixture, 0, 1, 2);
    fixture.children[1] = (struct child){.pid = PID_FIRST + 1}; /* just started in place of another */
    expect_keepers(&fixture, 0, 1, 2);
    assert_int_equal(fixture.lines, 0);
}

static void another_accepts_in_its_place(void **state)
{
    (void)state;
    struct fixture fixture;
    set_up(&fixture);
    fixture.children[1].is_stopped = true;
    expect_keepers(&fixture, 0, 2, 2);
    fixture.children[1].is_stopped = false;
    expect_keepers(&fixture, 0, 1, 2);
    fixture.children[2].is_hanging = true;
    expect_keepers(&fixture, 0, 1, 0);
    fixture.children[2].is_hanging = false;
    expect_keepers(&fixture, 0, 1, 2);
    fixture.slots[0].is_leaving = true;
    expect_keepers(&fixture, 1, 1, 2);
    assert_int_equal(fixture.lines, 3);
}

static void the_keeper_stays_until_the_replacement_accepts(void **state)
{
    (void)state;
    struct fixture fixture;
    set_up(&fixture);
    fixture.children[0] = (struct child){.is_due = true};
    expect_keepers(&fixture, 1, 1, 2);
    fixture.children[0].pid = PID_FIRST;
    expect_keepers(&fixture, 1, 1, 2);
    fixture.children[0].is_ready = true;
    expect_keepers(&fixture, 0, 1, 2);
}

static void a_keeper_that_goes_too_has_one_itself(void **state)
{
    (void)state;
    struct fixture fixture;
    set_up(&fixture);
    fixture.children[0].is_stopped = true;
    expect_keepers(&fixture, 1, 1, 2);
    fixture.children[1].is_stopped = true;
    expect_keepers(&fixture, 2, 2, 2);
    fixture.children[2].is_stopped = true; /* nobody is left: each waits for itself */
    expect_keepers(&fixture, 0, 1, 2);
    fixture.children[1].is_stopped = false;
    expect_keepers(&fixture, 1, 1, 1);
}

static void who_begins_and_who_ends_to_accept_is_told(void **state)
{
    (void)state;
    struct fixture fixture;
    set_up(&fixture);
    expect_keepers(&fixture, 0, 1, 2);
    expect_told(UNTOLD, UNTOLD, UNTOLD);
    fixture.children[1].is_stopped = true;
    expect_keepers(&fixture, 0, 2, 2);
    expect_told(UNTOLD, 0, 2);
    fixture.children[2].is_stopped = true;
    expect_keepers(&fixture, 0, 0, 0);
    expect_told(3, UNTOLD, 0);
    fixture.children[1].is_stopped = fixture.children[2].is_stopped = false;
    expect_keepers(&fixture, 0, 1, 2);
    expect_told(1, 1, 1);
    fixture.children[0] = (struct child){.is_due = true}; /* nobody is there to be told */
    expect_keepers(&fixture, 1, 1, 2);
    expect_told(UNTOLD, 2, UNTOLD);
}

/* All but `silent` answer what they were asked. */
static void look(struct fixture *fixture, unsigned round, size_t silent)
{
    heartbeat_look(&fixture->heartbeat, (uint64_t)round * HEARTBEAT_INTERVAL_MS);
    for (size_t i = 0; i < COUNT; i++) {
        if (i != silent)
            fixture->slots[i].answered = fixture->slots[i].asked;
    }
}

static void who_does_not_answer_hangs(void **state)
{
    (void)state;
    struct fixture fixture;
    set_up(&fixture);
    look(&fixture, 1, 1);
    assert_int_equal(fixture.slots[1].asked, 1);
    look(&fixture, 2, 1);
    assert_false(fixture.children[1].is_hanging); /* it may have had no core */
    look(&fixture, 3, 1);
    assert_true(fixture.children[1].is_hanging);
    expect_keepers(&fixture, 0, 2, 2);
    unsigned lines = fixture.lines;
    look(&fixture, 4, COUNT);
    look(&fixture, 5, COUNT);
    assert_false(fixture.children[1].is_hanging);
    assert_int_equal(fixture.lines, lines + 1);
    assert_false(fixture.children[0].is_hanging || fixture.children[2].is_hanging);
    expect_keepers(&fixture, 0, 1, 2);
}

static void nobody_is_asked_out_of_time_or_while_stopped(void **state)
{
    (void)state;
    struct fixture fixture;
    set_up(&fixture);
    look(&fixture, 1, COUNT);
    assert_int_equal(heartbeat_wait_ms(&fixture.heartbeat, HEARTBEAT_INTERVAL_MS + 1),
                     HEARTBEAT_INTERVAL_MS - 1);
    heartbeat_look(&fixture.heartbeat, HEARTBEAT_INTERVAL_MS + 1);
    assert_int_equal(fixture.slots[0].asked, 1);
    fixture.children[0].is_stopped = true;
    fixture.children[1].is_ready = false;
    for (unsigned i = 2; i < 6; i++)
        look(&fixture, i, 0);
    assert_int_equal(fixture.slots[0].asked, 1);
    assert_int_equal(fixture.slots[1].asked, 1);
    assert_int_equal(fixture.slots[2].asked, 5);
    assert_int_equal(fixture.lines, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_accepts_for_itself),
        cmocka_unit_test(another_accepts_in_its_place),
        cmocka_unit_test(the_keeper_stays_until_the_replacement_accepts),
        cmocka_unit_test(a_keeper_that_goes_too_has_one_itself),
        cmocka_unit_test(who_begins_and_who_ends_to_accept_is_told),
        cmocka_unit_test(who_does_not_answer_hangs),
        cmocka_unit_test(nobody_is_asked_out_of_time_or_while_stopped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
