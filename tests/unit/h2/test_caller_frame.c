/* All engines of a worker share nghttp2's buffer for a frame: what one has still to write is not in there. */
#include "tests/unit/test.h"

#include "h2/caller.h"

#define PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

static const struct h2_caller_events events = {.pull = NULL};
static const struct h2_caller_limits limits = {
    .window_bytes = 65536, .connection_window_bytes = 65536, .list_bytes = 1024};

static size_t write_all(struct h2_caller *caller, char *room, size_t size)
{
    size_t length;
    assert_int_equal(h2_caller_write(caller, room, size, &length), H2_WRITTEN_ALL);
    return length;
}

static void test_preface(void **state)
{
    (void)state;
    static char first_room[20000], second_room[20000];
    struct h2_caller_shared *shared = h2_caller_shared_create(&limits, &events);
    struct h2_caller *first = h2_caller_create(shared, NULL), *second = h2_caller_create(shared, NULL);
    assert_true(first && second);
    h2_caller_ping(second);
    size_t second_length = write_all(second, second_room, sizeof(second_room));
    size_t first_length = write_all(first, first_room, sizeof(first_room));
    assert_slice(slice_make(first_room, strlen(PREFACE)), PREFACE);
    assert_slice(slice_make(second_room, strlen(PREFACE)), PREFACE);
    assert_int_equal(second_length, first_length + 17); /* the PING */
    assert_int_equal(write_all(first, first_room, sizeof(first_room)), 0);
    h2_caller_destroy(first);
    h2_caller_destroy(second);
    h2_caller_shared_destroy(shared);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_preface)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
