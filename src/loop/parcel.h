/* Parcels: small sends that the io_uring backend copies, so that they leave with its one system call a turn
 * and their owners need not wait. A parcel belongs to one stream from being taken until it is known how it
 * went. */
#ifndef LOOP_PARCEL_H
#define LOOP_PARCEL_H

#include "loop/stream.h"

#define PARCEL_BYTES 4096

/* Small sends that may be on their way at once; further ones are sent as others are. */
#define PARCELS_MAX 512

struct io_uring_sqe;

struct parcel {
    struct list link; /* in one of the lists of struct parcels, or in none */
    struct stream *stream;
    struct io_uring_sqe *entry; /* its place in the submission queue while it is posted */
    uint64_t deadline_ms;
    uint32_t length;
    uint32_t sent;
    char *bytes;
};

struct parcels {
    struct list free;
    struct list posted; /* in the submission queue, to be sent at once or not */
    struct list late;   /* of closed streams, the earliest deadline first */
    char *bytes;
    struct parcel all[PARCELS_MAX];
};

/* Returns 0 or -ENOMEM. */
int parcels_init(struct parcels *parcels) MUST_CHECK;

/* Right on zeroed ones too. */
void parcels_finish(struct parcels *parcels);

/* One for the stream, which must have none, or NULL where all are in use. Its number is kept in the stream's
 * watch.slot. */
struct parcel *parcels_take(struct parcels *parcels, struct stream *stream);

/* The one that the stream has. */
struct parcel *parcels_of(struct parcels *parcels, const struct stream *stream);

/* Gives it back. */
void parcels_free(struct parcels *parcels, struct parcel *parcel);

/* It stands in the submission queue. */
void parcels_post(struct parcels *parcels, struct parcel *parcel, struct io_uring_sqe *entry);

/* It is no longer posted. */
void parcels_unpost(struct parcel *parcel);

/* Any of those that are posted, or NULL. */
struct parcel *parcels_posted(struct parcels *parcels);

/* The stream was closed: until then the parcel may still get out. A deadline is never before those set
 * earlier. */
void parcels_set_deadline(struct parcels *parcels, struct parcel *parcel, uint64_t deadline_ms);

static inline bool parcels_have_deadline(const struct parcels *parcels)
{
    return !list_is_empty(&parcels->late);
}

/* One whose deadline has come, each once, or NULL. */
struct parcel *parcels_overdue(struct parcels *parcels, uint64_t now_ms);

#endif
