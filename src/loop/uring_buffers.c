/* Buffers for receiving, in a ring: the kernel takes them from one end, vif adds them at the other.
 *
 * With all buffers in the ring, each receive would get the one that was unused longest, which is no longer
 * in the CPU cache. So only as many are offered as were needed at once recently; the others are spare. If
 * the kernel runs out, the number is doubled; it is reduced again in time. */
#include "loop/uring_buffers.h"

#include <errno.h>
#include <stdlib.h>

#define PAGE_BYTES 4096

/* Small requests touch only the beginnings of buffers. The stride is a few cache lines more than a power
 * of two, so that these do not compete for the same cache sets. */
#define STRIDE (URING_BUFFER_BYTES + 192)

#define WANTED_MIN 32

/* After this many used buffers a smaller number is tried: a shortage is then rare enough to be cheap. */
#define TAKEN_MAX 8192

static void offer_spares(struct uring_buffers *buffers)
{
    assert(buffers->offered + buffers->spare_count == URING_BUFFERS);
    unsigned count = 0;
    while (buffers->offered < buffers->wanted && buffers->spare_count > 0) {
        unsigned number = buffers->spare[--buffers->spare_count];
        io_uring_buf_ring_add(buffers->ring, buffers->bytes + (size_t)number * STRIDE, URING_BUFFER_BYTES,
                              (unsigned short)number, io_uring_buf_ring_mask(URING_BUFFERS), (int)count);
        buffers->offered++;
        count++;
    }
    io_uring_buf_ring_advance(buffers->ring, (int)count);
}

int uring_buffers_init(struct uring_buffers *buffers, struct io_uring *ring)
{
    size_t ring_bytes = URING_BUFFERS * sizeof(struct io_uring_buf);
    buffers->ring = aligned_alloc(PAGE_BYTES, (ring_bytes + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES);
    buffers->bytes = aligned_alloc(PAGE_BYTES, (size_t)URING_BUFFERS * STRIDE);
    if (buffers->ring == NULL || buffers->bytes == NULL)
        return -ENOMEM;
    struct io_uring_buf_reg where = {
        .ring_addr = (uintptr_t)buffers->ring,
        .ring_entries = URING_BUFFERS,
        .bgid = URING_BUFFER_GROUP,
    };
    int error = io_uring_register_buf_ring(ring, &where, 0);
    if (error < 0)
        return error;
    io_uring_buf_ring_init(buffers->ring);
    while (buffers->spare_count < URING_BUFFERS) {
        buffers->spare[buffers->spare_count] = (uint16_t)buffers->spare_count;
        buffers->spare_count++;
    }
    buffers->wanted = WANTED_MIN;
    offer_spares(buffers);
    return 0;
}

void uring_buffers_finish(struct uring_buffers *buffers)
{
    free(buffers->ring);
    free(buffers->bytes);
}

static unsigned uring_buffers_number_of(unsigned flags)
{
    return flags >> IORING_CQE_BUFFER_SHIFT;
}

struct slice uring_buffers_slice(const struct uring_buffers *buffers, int result, unsigned flags)
{
    if (!(flags & IORING_CQE_F_BUFFER) || result <= 0)
        return (struct slice){0};
    assert(uring_buffers_number_of(flags) < URING_BUFFERS && result <= URING_BUFFER_BYTES);
    return slice_make(buffers->bytes + (size_t)uring_buffers_number_of(flags) * STRIDE, (size_t)result);
}

void uring_buffers_give_back(struct uring_buffers *buffers, unsigned flags)
{
    if (!(flags & IORING_CQE_F_BUFFER))
        return;
    assert(buffers->offered > 0 && uring_buffers_number_of(flags) < URING_BUFFERS);
    buffers->offered--;
    buffers->taken++;
    buffers->spare[buffers->spare_count++] = (uint16_t)uring_buffers_number_of(flags);
}

void uring_buffers_want_more(struct uring_buffers *buffers)
{
    buffers->is_short = true;
}

static void want(struct uring_buffers *buffers, unsigned count)
{
    assert(count >= WANTED_MIN && count <= URING_BUFFERS);
    buffers->wanted = count;
    buffers->taken = 0;
    buffers->is_short = false;
}

void uring_buffers_offer(struct uring_buffers *buffers)
{
    if (buffers->is_short)
        want(buffers, MIN(buffers->wanted * 2, (unsigned)URING_BUFFERS));
    else if (buffers->taken >= TAKEN_MAX)
        want(buffers, MAX(buffers->wanted / 2, (unsigned)WANTED_MIN));
    offer_spares(buffers);
}
