/* Positions only grow while the ring holds bytes; their low bits are the index. */
#include "base/byte_ring.h"

static_assert((BYTE_RING_BYTES & (BYTE_RING_BYTES - 1)) == 0, "the low bits of a position are an index");

static size_t byte_ring_index(uint64_t position)
{
    return (size_t)(position & (BYTE_RING_BYTES - 1));
}

/* How many bytes from `position` on are contiguous in memory. */
static size_t byte_ring_straight(uint64_t position)
{
    return BYTE_RING_BYTES - byte_ring_index(position);
}

bool byte_ring_write(struct byte_ring *ring, struct slice bytes)
{
    assert(bytes.length <= byte_ring_room(ring));
    if (ring->bytes == NULL)
        ring->bytes = pool_get(ring->pool);
    if (ring->bytes == NULL)
        return false;
    while (bytes.length > 0) {
        size_t length = MIN(bytes.length, byte_ring_straight(ring->end));
        memcpy(ring->bytes + byte_ring_index(ring->end), bytes.data, length);
        ring->end += length;
        bytes = slice_skip(bytes, length);
    }
    return true;
}

struct slice byte_ring_peek(const struct byte_ring *ring, size_t skipped, size_t bytes_max)
{
    uint64_t from = ring->next + skipped;
    assert(from <= ring->end);
    size_t length = MIN(MIN((size_t)(ring->end - from), byte_ring_straight(from)), bytes_max);
    return length > 0 ? slice_make(ring->bytes + byte_ring_index(from), length) : (struct slice){0};
}

void byte_ring_hand_over(struct byte_ring *ring, size_t length)
{
    assert(length <= byte_ring_waiting(ring));
    ring->next += length;
}

void byte_ring_release(struct byte_ring *ring)
{
    ring->begin = ring->next;
    if (ring->begin == ring->end)
        byte_ring_finish(ring);
}

void byte_ring_rewind(struct byte_ring *ring)
{
    ring->next = ring->begin;
}

void byte_ring_finish(struct byte_ring *ring)
{
    pool_put(ring->pool, ring->bytes);
    byte_ring_init(ring, ring->pool);
}
