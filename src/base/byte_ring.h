/* A ring of bytes on their way from one peer to another: written at the end, handed over piece by piece, and
 * released when the receiver has them. Until then they can be handed over again.
 *
 * Memory is taken from a pool with the first byte and returned with the last, so that a quiet connection
 * holds none. */
#ifndef BASE_BYTE_RING_H
#define BASE_BYTE_RING_H

#include "base/pool.h"
#include "base/slice.h"

/* The capacity, a power of two. Objects of the pool have this size. */
#define BYTE_RING_BYTES (128u << 10)

struct byte_ring {
    struct pool *pool;
    char *bytes;    /* NULL: it is empty */
    uint64_t begin; /* positions since it was last empty: of the first byte that is not released, */
    uint64_t next;  /* of the first that is not handed over, */
    uint64_t end;   /* and of the next to be written */
};

static inline void byte_ring_init(struct byte_ring *ring, struct pool *pool)
{
    *ring = (struct byte_ring){.pool = pool};
}

/* How many bytes can be written. */
static inline size_t byte_ring_room(const struct byte_ring *ring)
{
    return BYTE_RING_BYTES - (size_t)(ring->end - ring->begin);
}

/* How many bytes wait to be handed over. */
static inline size_t byte_ring_waiting(const struct byte_ring *ring)
{
    return (size_t)(ring->end - ring->next);
}

/* Appends `bytes`, for which there must be room. Returns false if out of memory. */
bool byte_ring_write(struct byte_ring *ring, struct slice bytes) MUST_CHECK;

/* The bytes that wait, as far as they are contiguous and at most `bytes_max` of them, `skipped` bytes after
 * the first. */
struct slice byte_ring_peek(const struct byte_ring *ring, size_t skipped, size_t bytes_max);

/* The next `length` bytes that wait are handed over. */
void byte_ring_hand_over(struct byte_ring *ring, size_t length);

/* Everything that was handed over is not needed any more. */
void byte_ring_release(struct byte_ring *ring);

/* Everything that was not released is handed over again. */
void byte_ring_rewind(struct byte_ring *ring);

/* Drops all bytes. */
void byte_ring_finish(struct byte_ring *ring);

#endif
