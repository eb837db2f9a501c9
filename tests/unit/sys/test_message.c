/* Packets: what comes out of the pipe is what was sent, whatever else somebody puts into it. */
#include "../test.h"

#include "sys/message.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <unistd.h>

struct fixture {
    struct message_ends trusted, other;
};

static void set_up(struct fixture *fixture)
{
    assert_int_equal(sys_message_ends_open(&fixture->trusted, &fixture->other), 0);
}

static void tear_down(struct fixture *fixture)
{
    sys_message_ends_close(&fixture->trusted);
    sys_message_ends_close(&fixture->other);
}

static ssize_t receive(const struct fixture *fixture, char *bytes, size_t size)
{
    return sys_packet_receive(fixture->trusted.pipe_fd, bytes, size);
}

/* gVisor refuses it. */
static void the_pipe_needs_no_packets_of_the_kernel(void **state)
{
    (void)state;
    struct fixture fixture;
    set_up(&fixture);
    assert_int_equal(fcntl(fixture.other.pipe_fd, F_GETFL) & O_DIRECT, 0);
    tear_down(&fixture);
}

static void packets_keep_their_borders(void **state)
{
    (void)state;
    static const char text[SYS_PACKET_BYTES_MAX] = "one after the other";
    static const size_t lengths[] = {1, 500, SYS_PACKET_BYTES_MAX, 3, SYS_PACKET_BYTES_MAX - 1, 19};
    char bytes[SYS_PACKET_BYTES_MAX];
    struct fixture fixture;
    set_up(&fixture);
    assert_int_equal(receive(&fixture, bytes, sizeof(bytes)), -EAGAIN);
    for (size_t i = 0; i < ARRAY_LENGTH(lengths); i++)
        assert_int_equal(sys_packet_send(fixture.other.pipe_fd, slice_make(text, lengths[i])), 0);
    for (size_t i = 0; i < ARRAY_LENGTH(lengths); i++) {
        assert_int_equal(receive(&fixture, bytes, sizeof(bytes)), lengths[i]);
        assert_memory_equal(bytes, text, lengths[i]);
    }
    assert_int_equal(receive(&fixture, bytes, sizeof(bytes)), -EAGAIN);
    sys_message_ends_close(&fixture.other);
    assert_int_equal(receive(&fixture, bytes, sizeof(bytes)), 0);
    tear_down(&fixture);
}

/* The packet that finds no room is not sent by halves, and there is room again for whole ones. */
static void a_full_pipe_has_whole_packets(void **state)
{
    (void)state;
    static const char text[700];
    char bytes[SYS_PACKET_BYTES_MAX];
    struct fixture fixture;
    unsigned sent = 0;
    int error;
    set_up(&fixture);
    while ((error = sys_packet_send(fixture.other.pipe_fd, slice_make(text, sizeof(text)))) == 0)
        sent++;
    assert_int_equal(error, -EAGAIN);
    for (unsigned i = 0; i < sent; i++)
        assert_int_equal(receive(&fixture, bytes, sizeof(bytes)), sizeof(text));
    assert_int_equal(receive(&fixture, bytes, sizeof(bytes)), -EAGAIN);
    assert_int_equal(sys_packet_send(fixture.other.pipe_fd, slice_make(text, sizeof(text))), 0);
    tear_down(&fixture);
}

static void what_is_no_packet_is_told(void **state)
{
    (void)state;
    static const struct {
        uint32_t length;
        size_t written; /* of the length and 16 bytes */
    } cases[] = {{16, 2}, {16, 4}, {16, 19}, {0, 20}, {33, 20}, {UINT32_MAX, 20}, {0x80000000, 20}};
    TABLE_ROWS(i, cases, "") {
        char packet[20] = "", bytes[32];
        struct fixture fixture;
        set_up(&fixture);
        memcpy(packet, &cases[i].length, sizeof(cases[i].length));
        assert_int_equal(write(fixture.other.pipe_fd, packet, cases[i].written), cases[i].written);
        assert_int_equal(receive(&fixture, bytes, sizeof(bytes)), -EPROTO);
        tear_down(&fixture);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_pipe_needs_no_packets_of_the_kernel),
        cmocka_unit_test(packets_keep_their_borders),
        cmocka_unit_test(a_full_pipe_has_whole_packets),
        cmocka_unit_test(what_is_no_packet_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
