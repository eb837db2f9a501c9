/* The rings of an AF_XDP socket in this process's memory, with a test that plays the kernel. */
#include "tests/unit/test.h"

#define HAVE_AF_XDP
#include "lab/af_xdp.c"

/* ---- what af_xdp.c calls ---- */

static unsigned received_count;

void lab_user_tcp_receive(const void *frame, size_t length)
{
    (void)frame, (void)length;
    received_count++;
}

unsigned lab_user_tcp_tick(void)
{
    return 0;
}

int lab_user_tcp_open(struct lab_site *site, int listening_fd, struct lab_port *port)
{
    (void)site, (void)listening_fd, (void)port;
    return 0;
}

const char *lab_user_tcp_unavailable(void)
{
    return NULL;
}

int lab_site_open(struct lab_site *site)
{
    (void)site;
    return 0;
}

/* ---- the kernel ---- */

static char frames[RX_FRAMES * FRAME_BYTES];
static uint64_t fill_ring[FILL_ENTRIES];
static struct xdp_desc receive_ring[RX_FRAMES];
static uint32_t fill_produced, fill_consumed, receive_produced, receive_consumed;
static uint32_t taken; /* of the fill ring; its consumer is told later */

static struct xdp_port new_port(void)
{
    fill_produced = fill_consumed = receive_produced = receive_consumed = taken = received_count = 0;
    return (struct xdp_port){
        .memory = frames,
        /* cached_cons is ahead by the size in rings that the program fills */
        .fill = {.cached_cons = FILL_ENTRIES,
                 .mask = FILL_ENTRIES - 1,
                 .size = FILL_ENTRIES,
                 .producer = &fill_produced,
                 .consumer = &fill_consumed,
                 .ring = fill_ring},
        .received = {.mask = RX_FRAMES - 1,
                     .size = RX_FRAMES,
                     .producer = &receive_produced,
                     .consumer = &receive_consumed,
                     .ring = receive_ring},
    };
}

/* The first half of the kernel's xsk_flush(): packets can be seen before their frames have left the fill
 * ring. */
static void show_packets(uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        assert_true(taken != fill_produced);
        receive_ring[receive_produced++ & (RX_FRAMES - 1)] =
            (struct xdp_desc){.addr = fill_ring[taken++ & (FILL_ENTRIES - 1)], .len = 60};
    }
}

static void release_filled(void)
{
    fill_consumed = taken;
}

/* ---- tests ---- */

static void a_packet_is_taken_before_its_frame_has_left_the_fill_ring(void **state)
{
    (void)state;
    struct xdp_port port = new_port();
    share_out_frames(&port);
    show_packets(1);
    assert_true(receive_frames(&port));
    assert_int_equal(received_count, 1);
}

/* The kernel was interrupted behind as many packets as there are frames. */
static void all_frames_come_back_while_the_kernel_rests(void **state)
{
    (void)state;
    struct xdp_port port = new_port();
    share_out_frames(&port);
    show_packets(RX_FRAMES);
    while (receive_frames(&port))
        continue;
    assert_int_equal(received_count, RX_FRAMES);
    release_filled();
    assert_int_equal(fill_produced - fill_consumed, RX_FRAMES);
}

/* Round the rings many times: each frame is in one place. */
static void no_frame_is_lost_or_given_twice(void **state)
{
    (void)state;
    bool is_seen[RX_FRAMES] = {0};
    struct xdp_port port = new_port();
    share_out_frames(&port);
    for (unsigned round = 0; round < 1000; round++) {
        show_packets(1 + round % 100);
        while (receive_frames(&port))
            continue;
        release_filled();
    }
    assert_int_equal(fill_produced - fill_consumed, RX_FRAMES);
    for (uint32_t at = fill_consumed; at != fill_produced; at++) {
        uint64_t frame = fill_ring[at & (FILL_ENTRIES - 1)] / FRAME_BYTES;
        assert_true(frame < RX_FRAMES && !is_seen[frame]);
        is_seen[frame] = true;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_packet_is_taken_before_its_frame_has_left_the_fill_ring),
        cmocka_unit_test(all_frames_come_back_while_the_kernel_rests),
        cmocka_unit_test(no_frame_is_lost_or_given_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
