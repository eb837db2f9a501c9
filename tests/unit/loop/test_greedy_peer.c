/* A peer that takes all that it is given, at once: the linker puts it here in the place of send(2). */
#include "stream_owner.h"

#include "loop/internal.h"

/* Of a turn; one call more may have begun before. */
#define SHARE_MAX (((size_t)1 << 20) + STREAM_CALL_BYTES_MAX)

#define LENGTH ((size_t)8 << 20)

static size_t taken;

ssize_t __wrap_sys_send(int fd, const struct iovec *pieces, size_t count, bool more);

ssize_t __wrap_sys_send(int fd, const struct iovec *pieces, size_t count, bool more)
{
    size_t length = 0;
    (void)fd, (void)more;
    for (size_t i = 0; i < count; i++)
        length += pieces[i].iov_len;
    taken += length;
    return (ssize_t)length;
}

static void has_a_share_of_each_turn(void **state)
{
    (void)state;
    char *bytes = calloc(LENGTH, 1);
    struct loop *loop = make_loop();
    struct owner owner;
    owner_init(&owner, loop, connect_unix);
    owner_start(&owner);
    struct segment segment = segment_memory(slice_make(bytes, LENGTH));
    assert_int_equal(stream_send(&owner.stream, &segment, 1), SEND_PENDING);
    assert_in_range(taken, 1, SHARE_MAX);
    while (owner.sents == 0) {
        size_t before = taken;
        owner_turn(&owner);
        assert_in_range(taken - before, 1, SHARE_MAX);
    }
    assert_int_equal(taken, LENGTH);
    owner_finish(&owner);
    loop_destroy(loop);
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(has_a_share_of_each_turn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
