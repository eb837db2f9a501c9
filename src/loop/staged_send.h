/* Parcels: small sends that the io_uring backend copies, so that they leave with its one system call a turn
 * and their owners need not wait. A staged send belongs to one stream from being taken until it is known how
 * it went. */
#ifndef LOOP_STAGED_SEND_H
#define LOOP_STAGED_SEND_H

#include "loop/stream.h"

#define STAGED_SEND_BYTES 4096

/* Small sends that may be on their way at once; further ones are sent as others are. */
#define STAGED_SENDS_MAX 512

struct io_uring_sqe;

struct staged_send {
    struct list link; /* in one of the lists of struct staged_sends, or in none */
    struct stream *stream;
    struct io_uring_sqe *entry; /* its place in the submission queue while it is posted */
    uint64_t deadline_ms;
    uint32_t length;
    uint32_t sent;
    char *bytes;
};

struct staged_sends {
    struct list free;
    struct list posted; /* in the submission queue, to be sent at once or not */
    struct list late;   /* of closed streams, the earliest deadline first */
    char *bytes;
    struct staged_send all[STAGED_SENDS_MAX];
};

/* Returns 0 or -ENOMEM. */
int staged_sends_init(struct staged_sends *staged_sends) MUST_CHECK;

/* Right on zeroed ones too. */
void staged_sends_finish(struct staged_sends *staged_sends);

/* One for the stream, which must have none, or NULL where all are in use. Its number is kept in the stream's
 * watch.slot. */
struct staged_send *staged_sends_take(struct staged_sends *staged_sends, struct stream *stream);

/* The one that the stream has. */
struct staged_send *staged_sends_of(struct staged_sends *staged_sends, const struct stream *stream);

/* Gives it back. */
void staged_sends_free(struct staged_sends *staged_sends, struct staged_send *staged_send);

/* It stands in the submission queue. */
void staged_sends_post(struct staged_sends *staged_sends, struct staged_send *staged_send,
                       struct io_uring_sqe *entry);

/* It is no longer posted. */
void staged_sends_unpost(struct staged_send *staged_send);

/* Any of those that are posted, or NULL. */
struct staged_send *staged_sends_posted(struct staged_sends *staged_sends);

/* The stream was closed: until then the staged send may still get out. A deadline is never before those set
 * earlier. */
void staged_sends_set_deadline(struct staged_sends *staged_sends, struct staged_send *staged_send,
                               uint64_t deadline_ms);

static inline bool staged_sends_have_deadline(const struct staged_sends *staged_sends)
{
    return !list_is_empty(&staged_sends->late);
}

/* One whose deadline has come, each once, or NULL. */
struct staged_send *staged_sends_overdue(struct staged_sends *staged_sends, uint64_t now_ms);

#endif
