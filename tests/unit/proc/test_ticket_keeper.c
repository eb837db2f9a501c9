/* Keys of tickets: made and changed by time, or those of a file. */
#include "../test.h"

#include "base/error.h"
#include "proc/ticket_keeper.h"
#include "tls/tickets.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static unsigned errors;

static void count_errors(struct log *log, enum log_level level, struct slice line)
{
    (void)log, (void)line;
    errors += level == LOG_LEVEL_ERROR;
}

static struct log quiet = {.level = LOG_LEVEL_DEBUG, .write = count_errors};
static struct listener_settings listener = {.https.is_on = true};
static struct settings settings = {.listeners = &listener, .listener_count = 1};
static struct ticket_keeper keeper;

static void set_up(void)
{
    settings.tickets = (struct ticket_settings){.lifetime_ms = 3000000};
    listener.https.is_on = true;
    errors = 0;
}

static void keys_change_three_times_in_a_lifetime(void **state)
{
    (void)state;
    set_up();
    struct tls_ticket_key first, found;
    bool is_newest;
    assert_int_equal(ticket_keeper_begin(&keeper, &settings, &quiet, 1000), 0);
    assert_true(tls_ticket_keys_newest(&keeper.tickets->keys, &first));
    ticket_keeper_look(&keeper, 1000999);
    assert_int_equal(keeper.tickets->keys.count, 1);
    for (uint64_t now_ms = 1001000; now_ms <= 3001000; now_ms += 1000000)
        ticket_keeper_look(&keeper, now_ms);
    assert_int_equal(keeper.tickets->keys.count, 4);
    assert_true(tls_ticket_keys_find(&keeper.tickets->keys, first.name, &found, &is_newest));
    assert_false(is_newest);
    ticket_keeper_end(&keeper);
}

/* The master would be killed when it looks at pages that are gone. */
static void nobody_takes_away_the_memory(void **state)
{
    (void)state;
    set_up();
    assert_int_equal(ticket_keeper_begin(&keeper, &settings, &quiet, 1000), 0);
    int fd = keeper.memory_fd;
    assert_int_equal(ftruncate(fd, 0), -1);
    ticket_keeper_leave(&keeper);
    assert_int_equal(ftruncate(fd, 0), -1);
    assert_int_equal(errno, EBADF);
    assert_int_equal(keeper.tickets->keys.count, 1);
    ticket_keeper_end(&keeper);
}

static void nobody_keeps_what_nobody_needs(void **state)
{
    (void)state;
    set_up();
    settings.tickets.lifetime_ms = 0;
    assert_int_equal(ticket_keeper_begin(&keeper, &settings, &quiet, 0), 0);
    assert_int_equal(keeper.tickets->keys.count, 0);
    ticket_keeper_end(&keeper);
    settings.tickets.lifetime_ms = 60000;
    listener.https.is_on = false;
    assert_int_equal(ticket_keeper_begin(&keeper, &settings, &quiet, 0), 0);
    ticket_keeper_look(&keeper, 1000000);
    assert_int_equal(keeper.tickets->keys.count, 0);
    ticket_keeper_end(&keeper);
}

static void write_keys(const char *path, char byte, size_t length)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    for (size_t i = 0; i < length; i++)
        fputc(byte, file);
    assert_int_equal(fclose(file), 0);
}

static void a_file_is_read_again_when_it_changes(void **state)
{
    (void)state;
    set_up();
    char path[] = "/tmp/vif-test-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    settings.tickets.keys = slice_from(path);
    assert_int_equal(ticket_keeper_begin(&keeper, &settings, &quiet, 0), ERROR_REFUSED);
    assert_int_equal(errors, 1);
    ticket_keeper_end(&keeper);
    write_keys(path, 'a', 80);
    assert_int_equal(ticket_keeper_begin(&keeper, &settings, &quiet, 0), 0);
    assert_int_equal(keeper.tickets->keys.keys[0].name[0], 'a');
    ticket_keeper_look(&keeper, 100000000); /* time changes nothing */
    assert_int_equal(keeper.tickets->keys.count, 1);
    write_keys(path, 'b', 160);
    ticket_keeper_look(&keeper, 1);
    assert_int_equal(keeper.tickets->keys.count, 2);
    assert_int_equal(keeper.tickets->keys.keys[0].name[0], 'b');
    write_keys(path, 'c', 81);
    ticket_keeper_look(&keeper, 2);
    ticket_keeper_look(&keeper, 3); /* which it does not tell again */
    assert_int_equal(keeper.tickets->keys.keys[0].name[0], 'b');
    assert_int_equal(errors, 3);
    ticket_keeper_end(&keeper);
    assert_int_equal(unlink(path), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_change_three_times_in_a_lifetime),
        cmocka_unit_test(nobody_takes_away_the_memory),
        cmocka_unit_test(nobody_keeps_what_nobody_needs),
        cmocka_unit_test(a_file_is_read_again_when_it_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
