/* The ring of the io_uring backend, for the files that submit to it. */
#ifndef LOOP_URING_H
#define LOOP_URING_H

#include "base/map.h"
#include "loop/internal.h"
#include "loop/staged_send.h"
#include "loop/uring_buffers.h"

#include <liburing.h>

/* What a stream has in the kernel: bits of stream->in_flight. Those below are the events, too, that its watch
 * is told of when one of them completes. */
enum uring_operation {
    URING_RECEIVE = 1,  /* a multishot receive */
    URING_WRITABLE = 2, /* a wait until the socket takes more */
    URING_SEND = 4,     /* of a staged send */
    URING_HANG_UP = 8,  /* a wait for the connection's end, in a pause in which nothing is received */
};
#define URING_OPERATIONS (URING_RECEIVE | URING_WRITABLE | URING_SEND | URING_HANG_UP)

/* No operations, but further bits of in_flight. */
enum uring_note {
    URING_CANCELLING = 16, /* the receive was asked to end */
    URING_HELD = 32,       /* bytes came in a pause and are kept */
    URING_SHUTDOWN = 64,   /* FIN goes behind the staged send */
    URING_CONGESTED = 128, /* the socket was full once: no more staged sends */
    URING_FIRST = 256,     /* the first bytes are being told: what is sent in answer goes at once */
};

/* How the operation ended that a stream's watch is told of. */
struct uring_completion {
    int result;
    unsigned flags; /* IORING_CQE_F_* */
};

static inline struct backend_state *uring_of(const struct stream *stream)
{
    return stream->loop->backend_state;
}

/* An entry of the submission queue, to be filled by io_uring_prep_*(3), which leave its user_data alone: that
 * says that nobody wants to hear of it. It goes to the kernel with the next wait, in order. */
struct io_uring_sqe *uring_entry(struct backend_state *state);

/* Makes the entry's completion go to the stream's watch; the stream must live until it has come. */
void uring_mark(struct io_uring_sqe *entry, struct stream *stream, enum uring_operation operation);

/* Asks the kernel to end an operation of the stream; its completion comes all the same. */
void uring_cancel(struct backend_state *state, struct stream *stream, enum uring_operation operation);

struct staged_sends *uring_staged_sends(struct backend_state *state);

/* Whether the next submission finds room for all that it may complete. */
bool uring_has_room(const struct backend_state *state);

/* Completions of sends that came since it last returned NULL, in order; none of them was told yet. */
struct io_uring_cqe *uring_next_send(struct backend_state *state, struct stream **ret_stream);

/* Nobody is told of the completion. */
void uring_forget(struct io_uring_cqe *completion);

/* The completion that is being told. */
const struct uring_completion *uring_completion(const struct backend_state *state);

/* The bytes of a receive's completion, in a buffer that must be given back before the next wait. Empty where
 * it brought none. */
struct slice uring_bytes(const struct backend_state *state);

/* The completion that is being told is done with: gives its buffer back to the kernel, if it brought one, and
 * more of them where that had none left. */
void uring_give_back(struct backend_state *state);

/* struct held of stream_uring.c, by stream. */
struct map *uring_held(struct backend_state *state);

/* ---- uring_send.c: small sends; see struct stream_verbs for the first three ---- */

enum sending_off uring_send_off(struct stream *stream, const struct segment *segments, size_t count);
size_t uring_send_unsent(const struct stream *stream);
void uring_send_shutdown(struct stream *stream);

/* A send of the stream's completed. */
void uring_send_completed(struct stream *stream);

/* The stream, which has a send in the ring, is about to be closed: whatever the peer does the send comes
 * first, and completes. */
void uring_send_before_close(struct stream *stream);

/* All that was in the submission queue is with the kernel: what became of the sends among it is known. */
void uring_send_settle(struct backend_state *state);

/* The kernel gives up on sends of closed streams that are overdue; they complete all the same. */
void uring_send_give_up(struct backend_state *state, uint64_t now_ms);

#endif
