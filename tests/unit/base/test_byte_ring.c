/* Rings of bytes, compared with a plain array of all bytes that were ever written. */
#include "../test.h"

#include "base/byte_ring.h"

#include <stdlib.h>

static void a_ring_holds_memory_only_while_it_holds_bytes(void **state)
{
    (void)state;
    struct pool pool;
    struct byte_ring ring;
    pool_init(&pool, BYTE_RING_BYTES, 1);
    byte_ring_init(&ring, &pool);
    assert_int_equal(byte_ring_room(&ring), BYTE_RING_BYTES);
    assert_int_equal(byte_ring_peek(&ring, 0, 10).length, 0);
    assert_true(byte_ring_write(&ring, SLICE("abc")));
    assert_int_equal(pool.count, 1);
    assert_slice(byte_ring_peek(&ring, 0, 10), "abc");
    assert_slice(byte_ring_peek(&ring, 1, 1), "b");
    byte_ring_hand_over(&ring, 3);
    assert_int_equal(byte_ring_waiting(&ring), 0);
    byte_ring_rewind(&ring);
    assert_slice(byte_ring_peek(&ring, 0, 10), "abc");
    byte_ring_hand_over(&ring, 3);
    byte_ring_release(&ring);
    assert_int_equal(pool.count, 0);
    byte_ring_release(&ring);
    assert_true(byte_ring_write(&ring, SLICE("d")));
    byte_ring_finish(&ring);
    assert_int_equal(pool.count, 0);
    pool_finish(&pool);
}

static void a_ring_without_memory_takes_nothing(void **state)
{
    (void)state;
    struct pool pool;
    struct byte_ring ring;
    pool_init(&pool, BYTE_RING_BYTES, 0);
    byte_ring_init(&ring, &pool);
    assert_false(byte_ring_write(&ring, SLICE("abc")));
    assert_int_equal(byte_ring_waiting(&ring), 0);
    pool_finish(&pool);
}

static char byte_at(uint64_t position)
{
    return (char)(position * 2654435761u >> 13);
}

static void write_some(struct byte_ring *ring, uint64_t *written, size_t length)
{
    static char bytes[BYTE_RING_BYTES];
    length = MIN(length, byte_ring_room(ring));
    for (size_t i = 0; i < length; i++)
        bytes[i] = byte_at(*written + i);
    assert_true(byte_ring_write(ring, slice_make(bytes, length)));
    *written += length;
}

static void hand_over_some(struct byte_ring *ring, uint64_t *handed, size_t length_max)
{
    struct slice piece = byte_ring_peek(ring, 0, length_max);
    for (size_t i = 0; i < piece.length; i++)
        assert_int_equal(piece.data[i], byte_at(*handed + i));
    byte_ring_hand_over(ring, piece.length);
    *handed += piece.length;
}

/* `released` follows what must not be seen again. */
static void bytes_come_out_as_they_went_in(void **state)
{
    (void)state;
    struct pool pool;
    struct byte_ring ring;
    uint64_t written = 0, handed = 0, released = 0;
    pool_init(&pool, BYTE_RING_BYTES, 1);
    byte_ring_init(&ring, &pool);
    srandom(7);
    for (unsigned i = 0; i < 20000; i++) {
        size_t length = (size_t)random() % (random() % 2 ? 100 : BYTE_RING_BYTES);
        switch (random() % 8) {
        case 0:
        case 1:
        case 2: write_some(&ring, &written, length); break;
        case 3:
        case 4:
        case 5: hand_over_some(&ring, &handed, length + 1); break;
        case 6:
            byte_ring_release(&ring);
            released = handed;
            break;
        default: byte_ring_rewind(&ring); handed = released;
        }
        assert_int_equal(byte_ring_waiting(&ring), written - handed);
        assert_int_equal(byte_ring_room(&ring), BYTE_RING_BYTES - (written - released));
    }
    byte_ring_finish(&ring);
    pool_finish(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_ring_holds_memory_only_while_it_holds_bytes),
        cmocka_unit_test(a_ring_without_memory_takes_nothing),
        cmocka_unit_test(bytes_come_out_as_they_went_in),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
