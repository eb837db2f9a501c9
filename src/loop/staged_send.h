/* Staged sends: small sends that the io_uring backend copies, so that they are submitted with its one
 * system call per turn and their owners need not wait. A staged send belongs to one stream from
 * staged_sends_take until its result is known. */
#ifndef LOOP_STAGED_SEND_H
#define LOOP_STAGED_SEND_H

#include "loop/stream.h"

#define STAGED_SEND_BYTES 4096

/* The most staged sends in flight at once; further sends are sent the usual way. */
#define STAGED_SENDS_MAX 512

struct io_uring_sqe;

struct staged_send {
    struct list link; /* in one of the lists of struct staged_sends, or in none */
    struct stream *stream;
    struct io_uring_sqe *entry; /* its submission queue entry while it is posted */
    uint64_t deadline_ms;
    uint32_t length;
    uint32_t sent;
    char *bytes;
};

struct staged_sends {
    struct list free;
    struct list posted; /* in the submission queue, with MSG_DONTWAIT */
    struct list late;   /* of closed streams, the earliest deadline first */
    char *bytes;
    struct staged_send all[STAGED_SENDS_MAX];
};

/* Returns 0 or -ENOMEM. */
int staged_sends_init(struct staged_sends *staged_sends) MUST_CHECK;

/* Also accepts a zeroed struct. */
void staged_sends_finish(struct staged_sends *staged_sends);

/* Takes a free one for the stream, which must have none; NULL if all are in use. Its index is kept in the
 * stream's watch.slot. */
struct staged_send *staged_sends_take(struct staged_sends *staged_sends, struct stream *stream);

/* The staged send of the stream, which must have one. */
struct staged_send *staged_sends_of(struct staged_sends *staged_sends, const struct stream *stream);

/* Frees it. */
void staged_sends_free(struct staged_sends *staged_sends, struct staged_send *staged_send);

/* Notes that it is in the submission queue. */
void staged_sends_post(struct staged_sends *staged_sends, struct staged_send *staged_send,
                       struct io_uring_sqe *entry);

/* Notes that it is no longer posted. */
void staged_sends_unpost(struct staged_send *staged_send);

/* Returns any posted one, or NULL. */
struct staged_send *staged_sends_posted(struct staged_sends *staged_sends);

/* For a closed stream: the staged send has until `deadline_ms` to be sent. Deadlines must be set in
 * ascending order. */
void staged_sends_set_deadline(struct staged_sends *staged_sends, struct staged_send *staged_send,
                               uint64_t deadline_ms);

static inline bool staged_sends_have_deadline(const struct staged_sends *staged_sends)
{
    return !list_is_empty(&staged_sends->late);
}

/* Returns one whose deadline has passed, each only once; NULL if there is none. */
struct staged_send *staged_sends_overdue(struct staged_sends *staged_sends, uint64_t now_ms);

#endif
