/* The ring of the io_uring backend, for the files that submit to it. */
#ifndef LOOP_URING_H
#define LOOP_URING_H

#include "base/map.h"
#include "loop/internal.h"
#include "loop/staged_send.h"
#include "loop/uring_buffers.h"

#include <liburing.h>

/* Operations of a stream in the kernel: bits of stream->in_flight. When one completes, the stream's watch
 * gets it as an event. */
enum uring_operation {
    URING_RECEIVE = 1,  /* a multishot receive */
    URING_WRITABLE = 2, /* a wait until the socket takes more */
    URING_SEND = 4,     /* of a staged send */
    URING_HANG_UP = 8,  /* a wait for the end of the connection, while reading is paused */
};
#define URING_OPERATIONS (URING_RECEIVE | URING_WRITABLE | URING_SEND | URING_HANG_UP)

/* Further bits of in_flight that are not operations. */
enum uring_note {
    URING_CANCELLING = 16, /* the receive is being cancelled */
    URING_HELD = 32,       /* bytes arrived while reading was paused and are kept */
    URING_SHUTDOWN = 64,   /* send FIN after the staged send */
    URING_CONGESTED = 128, /* the socket was full once: stage no more sends */
    URING_FIRST = 256,     /* the first bytes are being delivered: send the response to them at once */
};

/* The result of the completed operation that is being delivered. */
struct uring_completion {
    int result;
    unsigned flags; /* IORING_CQE_F_* */
};

static inline struct backend_state *uring_of(const struct stream *stream)
{
    return stream->loop->backend_state;
}

/* Returns a submission queue entry, to be filled in by io_uring_prep_*(3). These do not set user_data; its
 * default means that nobody is told of the completion. Entries are submitted with the next wait, in order. */
struct io_uring_sqe *uring_entry(struct backend_state *state);

/* Directs the entry's completion to the stream's watch; the stream must live until it has arrived. */
void uring_mark(struct io_uring_sqe *entry, struct stream *stream, enum uring_operation operation);

/* Cancels an operation of the stream; its completion still arrives. */
void uring_cancel(struct backend_state *state, struct stream *stream, enum uring_operation operation);

struct staged_sends *uring_staged_sends(struct backend_state *state);

/* Whether the completions of the next submission will fit. */
bool uring_has_room(const struct backend_state *state);

/* Returns the next completion of a send that has arrived but not been delivered, in order; NULL at the
 * end. */
struct io_uring_cqe *uring_next_send(struct backend_state *state, struct stream **ret_stream);

/* Discards the completion: nobody is told of it. */
void uring_forget(struct io_uring_cqe *completion);

/* The completion that is being delivered. */
const struct uring_completion *uring_completion(const struct backend_state *state);

/* The received bytes, in a buffer that must be given back before the next wait. Empty if there are none. */
struct slice uring_bytes(const struct backend_state *state);

/* Ends the delivery of the current completion: returns its buffer, if any, to the kernel, and offers more
 * buffers if the kernel had run out. */
void uring_give_back(struct backend_state *state);

/* Maps streams to struct held of stream_uring.c. */
struct map *uring_held(struct backend_state *state);

/* ---- uring_send.c: staged sends; for the first three see struct stream_verbs ---- */

enum stage_result uring_send_try_stage(struct stream *stream, const struct segment *segments, size_t count);
size_t uring_send_unsent(const struct stream *stream);
void uring_send_shutdown(struct stream *stream);

/* A send of the stream completed. */
void uring_send_completed(struct stream *stream);

/* The stream, which has a staged send in flight, is about to be closed: makes sure that the send
 * completes, or is cancelled after a deadline. */
void uring_send_before_close(struct stream *stream);

/* Everything in the submission queue has been submitted: determines the result of the staged sends in it. */
void uring_send_finish(struct backend_state *state);

/* Cancels sends of closed streams whose deadline has passed; they still complete. */
void uring_send_give_up(struct backend_state *state, uint64_t now_ms);

#endif
