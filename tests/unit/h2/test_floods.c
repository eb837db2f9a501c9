/* What a client may do only so often: each kind of flood ends the connection, with a reason, after a bounded
 * amount of work; what is below the allowance does not. Frames are written by hand, as no library would send
 * them. */
#include "tests/unit/h2_pair.h"

#include "front/h2_fault.h"

static struct world world;
static struct h2_pair pair;

static void prepare(void)
{
    world_init(&world);
    world_add_file(&world, "small", 100);
    world_start(&world);
    h2_pair_init_events(&pair, &world);
    h2_pair_start(&pair, 65535);
    h2_pair_talk(&pair);
}

static void clean_up(void)
{
    h2_pair_finish(&pair);
    world_finish(&world);
}

enum {
    DATA = 0,
    HEADERS = 1,
    PRIORITY = 2,
    RST_STREAM = 3,
    SETTINGS = 4,
    PING = 6,
    WINDOW_UPDATE = 8,
    CONTINUATION = 9,
    PRIORITY_UPDATE = 16
};
enum { END_STREAM = 1, END_HEADERS = 4, PADDED = 8 };

static void put_frame(struct buffer *out, unsigned type, unsigned flags, uint32_t stream,
                      struct slice payload)
{
    const char head[9] = {(char)(payload.length >> 16),
                          (char)(payload.length >> 8),
                          (char)payload.length,
                          (char)type,
                          (char)flags,
                          (char)(stream >> 24),
                          (char)(stream >> 16),
                          (char)(stream >> 8),
                          (char)stream};
    buffer_append(out, slice_make(head, sizeof(head)));
    buffer_append(out, payload);
}

/* GET http://x/small, in headers that are not remembered. */
static const struct slice get_small = SLICE("\x82\x86\x01\x01x\x04\x06/small");

/* POST, of which content follows. */
static const struct slice post_small = SLICE("\x83\x86\x01\x01x\x04\x06/small");

static const struct flood {
    const char *name;
    enum h2_flood kind;
    unsigned type, flags;
    uint32_t stream; /* 1: a request is begun first */
    struct slice payload;
    unsigned harmless; /* so many are no flood */
} floods[] = {
    {"SETTINGS", H2_FLOOD_SETTINGS, SETTINGS, 0, 0, SLICE("\0\x04\0\0\x10\0"), 20},
    {"SETTINGS of the table's size", H2_FLOOD_SETTINGS, SETTINGS, 0, 0,
     SLICE("\0\x01\0\0\0\0\0\x01\0\0\x10\0"), 20},
    {"PING", H2_FLOOD_PINGS, PING, 0, 0, SLICE("12345678"), 50},
    {"PRIORITY", H2_FLOOD_PRIORITIES, PRIORITY, 0, 3, SLICE("\0\0\0\0\x10"), 500},
    {"PRIORITY_UPDATE", H2_FLOOD_PRIORITIES, PRIORITY_UPDATE, 0, 0, SLICE("\0\0\0\x01u=1"), 500},
    {"empty DATA", H2_FLOOD_EMPTY_FRAMES, DATA, 0, 1, SLICE(""), 50},
    {"padded DATA", H2_FLOOD_EMPTY_FRAMES, DATA, PADDED, 1, SLICE("\x05\0\0\0\0\0"), 50},
    {"WINDOW_UPDATE", H2_FLOOD_WINDOWS, WINDOW_UPDATE, 0, 0, SLICE("\0\0\0\x01"), 2000},
};

static void send_frames(const struct flood *flood, unsigned count)
{
    struct buffer bytes;
    buffer_init(&bytes, SIZE_MAX);
    for (unsigned i = 0; i < count; i++)
        put_frame(&bytes, flood->type, flood->flags, flood->stream, flood->payload);
    h2_pair_receive(&pair, buffer_slice(&bytes));
    buffer_finish(&bytes);
}

/* In the counter of its kind, and in no other. */
static void assert_counted(enum h2_flood kind)
{
    static const size_t counter_at[H2_FLOOD_COUNT] = {
        [H2_FLOOD_RESETS] = offsetof(struct counters, h2_resets),
        [H2_FLOOD_CONTINUATIONS] = offsetof(struct counters, h2_continuations),
        [H2_FLOOD_HEADERS] = offsetof(struct counters, h2_headers),
        [H2_FLOOD_SETTINGS] = offsetof(struct counters, h2_settings),
        [H2_FLOOD_PINGS] = offsetof(struct counters, h2_pings),
        [H2_FLOOD_PRIORITIES] = offsetof(struct counters, h2_priorities),
        [H2_FLOOD_EMPTY_FRAMES] = offsetof(struct counters, h2_empty_frames),
        [H2_FLOOD_WINDOWS] = offsetof(struct counters, h2_windows),
        [H2_FLOOD_FAULTS] = offsetof(struct counters, h2_faults),
    };
    struct front *front = &world.server->front;
    struct counters expected = *front->counters;
    ++*(uint64_t *)(void *)((char *)&expected + counter_at[kind]);
    h2_fault_log(front, pair.session->engine);
    assert_memory_equal(front->counters, &expected, sizeof(expected));
}

/* The farewell says so, and nothing comes behind it. */
static void assert_calmed(enum h2_flood kind, const char *name)
{
    if (!pair.takes_no_more || h2_flood(pair.session->engine) != kind)
        fail_msg("%s is no flood", name);
    assert_non_null(h2_fault(pair.session->engine));
    assert_true(h2_pair_write(&pair));
    assert_int_equal(pair.client.goaways, 1);
    assert_int_equal(pair.client.goaway_code, NGHTTP2_ENHANCE_YOUR_CALM);
    assert_true(h2_is_over(pair.session->engine));
    assert_counted(kind);
}

static void begin_request(struct slice head)
{
    struct buffer bytes;
    buffer_init(&bytes, SIZE_MAX);
    put_frame(&bytes, HEADERS, END_HEADERS, 1, head);
    h2_pair_receive(&pair, buffer_slice(&bytes));
    buffer_finish(&bytes);
}

static void floods_of_frames(void **state)
{
    (void)state;
    TABLE_ROWS(i, floods, floods[i].name) {
        const struct flood *flood = &floods[i];
        prepare();
        if (flood->stream == 1)
            begin_request(post_small);
        send_frames(flood, flood->harmless);
        if (pair.takes_no_more)
            fail_msg("%u %s are too many: %s", flood->harmless, flood->name, h2_fault(pair.session->engine));
        send_frames(flood, 5000);
        assert_calmed(flood->kind, flood->name);
        clean_up();
    }
}

static void allowances_come_back(void **state)
{
    (void)state;
    struct h2_floods allowance = {.counted_ms = 1000};
    unsigned count = 0;
    while (h2_floods_spend(&allowance, H2_FLOOD_PINGS))
        count++;
    assert_int_equal(count, 100);
    h2_floods_pass(&allowance, 1999);
    assert_false(h2_floods_spend(&allowance, H2_FLOOD_PINGS));
    h2_floods_pass(&allowance, 2000);
    count = 0;
    while (h2_floods_spend(&allowance, H2_FLOOD_PINGS))
        count++;
    assert_int_equal(count, 8); /* 10, less the two that were refused */
}

static void rapid_reset(void **state)
{
    (void)state;
    struct buffer bytes;
    prepare();
    buffer_init(&bytes, SIZE_MAX);
    for (uint32_t stream = 1; stream < 4000; stream += 2) {
        put_frame(&bytes, HEADERS, END_HEADERS | END_STREAM, stream, get_small);
        put_frame(&bytes, RST_STREAM, 0, stream, SLICE("\0\0\0\x08"));
    }
    h2_pair_receive(&pair, buffer_slice(&bytes));
    buffer_finish(&bytes);
    assert_calmed(H2_FLOOD_RESETS, "rapid reset");
    /* Nothing is kept of what was taken back, but the one at which it ended. */
    assert_in_range(pair.session->exchange_count, 0, 1);
    assert_in_range(pair.session->request_count, 100, 502);
    clean_up();
}

static void a_head_in_very_many_frames(void **state)
{
    (void)state;
    struct buffer bytes;
    prepare();
    buffer_init(&bytes, SIZE_MAX);
    put_frame(&bytes, HEADERS, 0, 1, get_small);
    for (int i = 0; i < 8; i++)
        put_frame(&bytes, CONTINUATION, 0, 1, SLICE("\x10\x01x\x01y"));
    h2_pair_receive(&pair, buffer_slice(&bytes));
    assert_false(pair.takes_no_more);
    assert_true(h2_is_inside_head(pair.session->engine));
    buffer_clear(&bytes);
    for (int i = 0; i < 10000; i++)
        put_frame(&bytes, CONTINUATION, 0, 1, SLICE(""));
    h2_pair_receive(&pair, buffer_slice(&bytes));
    buffer_finish(&bytes);
    assert_calmed(H2_FLOOD_CONTINUATIONS, "CONTINUATION");
    clean_up();
}

/* One long header is put into the table, and then said 16,000 times by a byte each. */
static void a_head_that_is_a_bomb(void **state)
{
    (void)state;
    static char value[3900];
    struct buffer bytes, head;
    prepare();
    memset(value, 'v', sizeof(value));
    buffer_init(&bytes, SIZE_MAX);
    buffer_init(&head, SIZE_MAX);
    buffer_append(&head, get_small);
    buffer_append(&head, SLICE("\x40\x01"
                               "b\x7f\xbd\x1d")); /* length 3900 */
    buffer_append(&head, slice_make(value, sizeof(value)));
    for (int i = 0; i < 12000; i++)
        buffer_append_byte(&head, (char)0xbe);
    put_frame(&bytes, HEADERS, END_HEADERS | END_STREAM, 1, buffer_slice(&head));
    h2_pair_receive(&pair, buffer_slice(&bytes));
    assert_calmed(H2_FLOOD_HEADERS, "a bomb");
    assert_int_equal(pair.session->request_count, 0);
    buffer_finish(&bytes);
    buffer_finish(&head);
    clean_up();
}

static void faults_of_streams(void **state)
{
    (void)state;
    struct buffer bytes;
    prepare();
    buffer_init(&bytes, SIZE_MAX);
    for (uint32_t stream = 1; stream < 1000; stream += 2) /* upper case */
        put_frame(&bytes, HEADERS, END_HEADERS | END_STREAM, stream,
                  SLICE("\x82\x86\x01\x01x\x84\x10\x01X\x01y"));
    h2_pair_receive(&pair, buffer_slice(&bytes));
    buffer_finish(&bytes);
    assert_true(pair.takes_no_more);
    assert_int_equal(h2_flood(pair.session->engine), H2_FLOOD_FAULTS);
    assert_counted(H2_FLOOD_FAULTS);
    assert_int_equal(pair.session->request_count, 0);
    clean_up();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(floods_of_frames),      cmocka_unit_test(allowances_come_back),
        cmocka_unit_test(rapid_reset),           cmocka_unit_test(a_head_in_very_many_frames),
        cmocka_unit_test(a_head_that_is_a_bomb), cmocka_unit_test(faults_of_streams),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
