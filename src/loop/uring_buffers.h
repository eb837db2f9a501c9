/* The buffers that io_uring receives into: they belong to no stream, the kernel takes one when bytes are
 * there, and gets it back when they were told. */
#ifndef LOOP_URING_BUFFERS_H
#define LOOP_URING_BUFFERS_H

#include "base/slice.h"

#include <liburing.h>

#define URING_BUFFERS      256
#define URING_BUFFER_BYTES 16384

/* The group that the kernel knows them by, as io_uring_sqe.buf_group. */
#define URING_BUFFER_GROUP 0

struct uring_buffers {
    struct io_uring_buf_ring *ring;
    char *bytes;
    unsigned wanted;  /* so many are to be with the kernel */
    unsigned offered; /* so many are */
    unsigned taken;   /* and given back, since `wanted` was set */
    bool is_short;    /* there were too few in this turn */
    unsigned spare_count;
    uint16_t spare[URING_BUFFERS]; /* numbers of those that are with nobody */
};

/* Returns 0 or -errno. */
int uring_buffers_init(struct uring_buffers *buffers, struct io_uring *ring) MUST_CHECK;

/* After io_uring_queue_exit(3). Right on zeroed ones too. */
void uring_buffers_finish(struct uring_buffers *buffers);

/* What a completion brought; empty where it came with no bytes. */
struct slice uring_buffers_slice(const struct uring_buffers *buffers, int result, unsigned flags);

/* A completion was told: if it brought a buffer, that is free again. */
void uring_buffers_give_back(struct uring_buffers *buffers, unsigned flags);

/* The kernel had bytes and no buffer: it gets more of them. */
void uring_buffers_want_more(struct uring_buffers *buffers);

/* Once a turn: lets the kernel have as many as are wanted. */
void uring_buffers_offer(struct uring_buffers *buffers);

#endif
