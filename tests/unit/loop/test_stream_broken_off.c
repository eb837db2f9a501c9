/* Sends that their owner breaks off. */
#include "stream_owner.h"

static size_t count_received(int fd)
{
    static char bytes[65536];
    size_t total = 0;
    for (ssize_t count; (count = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0;)
        total += (size_t)count;
    return total;
}

/* The owner needs the memory of a send that waits: behind one that io_uring makes later, or for a socket that
 * is full. */
static void what_was_broken_off_is_not_sent(void **state)
{
    (void)state;
    static char filling[8 << 20], late[16] = "not to be sent";
    struct loop *loop = make_loop();
    struct owner owner;
    owner_init(&owner, loop, connect_unix);
    owner_start(&owner);
    struct segment first = segment_memory(SLICE("a")),
                   second = segment_memory(slice_make(late, sizeof(late)));
    struct segment pair[] = {segment_memory(slice_make(filling, sizeof(filling))), second};
    bool is_staged = stream_send(&owner.stream, &first, 1) == SEND_DONE && stream_unsent(&owner.stream) > 0;
    enum send_result result =
        is_staged ? stream_send(&owner.stream, &second, 1) : stream_send(&owner.stream, pair, 2);
    assert_int_equal(result, SEND_PENDING);
    size_t unsent = stream_unsent(&owner.stream);
    stream_break_send(&owner.stream, -ENOMEM);
    assert_int_equal(stream_error(&owner.stream), -ENOMEM);
    assert_false(stream_is_sending(&owner.stream));
    assert_int_equal(stream_unsent(&owner.stream), unsent);
    size_t sent = 1 + (is_staged ? 0 : sizeof(filling) + sizeof(late) - unsent);
    stream_drop_send(&owner.stream);
    memset(late, 'x', sizeof(late));
    stream_shutdown(&owner.stream);
    owner_turn(&owner);
    assert_int_equal(count_received(owner.peer), sent);
    owner_finish(&owner);
    loop_destroy(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_broken_off_is_not_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
