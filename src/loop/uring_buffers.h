/* The buffers that io_uring receives into. They belong to no stream: the kernel picks one when bytes
 * arrive, and gets it back after these were delivered. */
#ifndef LOOP_URING_BUFFERS_H
#define LOOP_URING_BUFFERS_H

#include "base/slice.h"

#include <liburing.h>

#define URING_BUFFERS      256
#define URING_BUFFER_BYTES 16384

/* Their group number, for io_uring_sqe.buf_group. */
#define URING_BUFFER_GROUP 0

struct uring_buffers {
    struct io_uring_buf_ring *ring;
    char *bytes;
    unsigned wanted;  /* how many the kernel should have */
    unsigned offered; /* how many it has */
    unsigned taken;   /* buffers used and given back since `wanted` was set */
    bool is_short;    /* the kernel ran out of buffers in this turn */
    unsigned spare_count;
    uint16_t spare[URING_BUFFERS]; /* indices of the buffers that are not in use */
};

/* Returns 0 or -errno. */
int uring_buffers_init(struct uring_buffers *buffers, struct io_uring *ring) MUST_CHECK;

/* Call this after io_uring_queue_exit(3). Also accepts a zeroed struct. */
void uring_buffers_finish(struct uring_buffers *buffers);

/* The bytes of a completion; empty if it has none. */
struct slice uring_buffers_slice(const struct uring_buffers *buffers, int result, unsigned flags);

/* A completion was delivered: frees its buffer, if it has one. */
void uring_buffers_give_back(struct uring_buffers *buffers, unsigned flags);

/* The kernel had bytes but no buffer: gives it more of them. */
void uring_buffers_want_more(struct uring_buffers *buffers);

/* Call this once per turn: offers buffers to the kernel, up to `wanted`. */
void uring_buffers_offer(struct uring_buffers *buffers);

#endif
