/* A send for whose rest there is no memory: the stream fails, and it is still known how much was sent. The
 * linker puts the function here in the place of malloc. */
#include "stream_owner.h"

#define LENGTH 2000000

static bool lacks_memory;

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);

void *__wrap_malloc(size_t size)
{
    return lacks_memory ? NULL : __real_malloc(size);
}

static size_t count_to_the_end(int fd)
{
    static char bytes[65536];
    size_t total = 0;
    for (ssize_t count; (count = read(fd, bytes, sizeof(bytes))) > 0;)
        total += (size_t)count;
    return total;
}

static void what_was_not_sent_is_known_without_memory(void **state)
{
    (void)state;
    static char bytes[LENGTH];
    struct loop *loop = make_loop();
    struct owner owner, other;
    owner_init(&owner, loop, connect_unix);
    owner_init(&other, loop, connect_unix);
    owner_start(&owner);
    owner_start(&other);
    struct segment segment = segment_memory(slice_make(bytes, LENGTH));
    lacks_memory = true;
    enum send_result result = stream_send(&owner.stream, &segment, 1);
    lacks_memory = false;
    assert_int_equal(result, SEND_FAILED);
    assert_int_equal(stream_error(&owner.stream), -ENOMEM);
    size_t unsent = stream_unsent(&owner.stream);
    assert_int_equal(stream_unsent(&other.stream), 0);
    stream_close(&owner.stream);
    owner_run(&owner, OWNER_CLOSED);
    assert_int_equal(count_to_the_end(owner.peer), LENGTH - unsent);
    owner_finish(&other);
    owner_finish(&owner);
    loop_destroy(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_not_sent_is_known_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
