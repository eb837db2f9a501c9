/* Parcels: small sends that the io_uring backend copies, so that they leave with its one system call a turn
 * and their owners need not wait. A parcel belongs to one stream from being taken until its completion was
 * told. */
#ifndef LOOP_PARCEL_H
#define LOOP_PARCEL_H

#include "loop/stream.h"

#define PARCEL_BYTES 4096

/* Small sends that may be on their way at once; further ones are sent as others are. */
#define PARCELS_MAX 512

struct parcel {
    struct list link; /* among the free ones, or among those whose stream is closed */
    struct stream *stream;
    uint64_t deadline_ms;
    uint32_t length;
    char *bytes;
};

struct parcels {
    struct list free;
    struct list late; /* of closed streams, the earliest deadline first */
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
