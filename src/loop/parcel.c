/* Parcels: an array, and lists of those that are free, posted or late. */
#include "loop/parcel.h"

#include <errno.h>
#include <stdlib.h>

int parcels_init(struct parcels *parcels)
{
    list_init(&parcels->free);
    list_init(&parcels->posted);
    list_init(&parcels->late);
    parcels->bytes = malloc((size_t)PARCELS_MAX * PARCEL_BYTES);
    if (parcels->bytes == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < PARCELS_MAX; i++) {
        struct parcel *parcel = &parcels->all[i];
        *parcel = (struct parcel){.bytes = parcels->bytes + i * PARCEL_BYTES};
        list_init(&parcel->link);
        list_append(&parcels->free, &parcel->link);
    }
    return 0;
}

void parcels_finish(struct parcels *parcels)
{
    free(parcels->bytes);
    parcels->bytes = NULL;
}

/* The one that was given back last: its bytes are in the processor's cache, and those of most are never
 * touched. */
struct parcel *parcels_take(struct parcels *parcels, struct stream *stream)
{
    if (list_is_empty(&parcels->free))
        return NULL;
    struct parcel *parcel = CONTAINER_OF(parcels->free.previous, struct parcel, link);
    list_remove(&parcel->link);
    parcel->stream = stream;
    parcel->entry = NULL;
    parcel->length = parcel->sent = 0;
    stream->watch.slot = (uint32_t)(parcel - parcels->all);
    return parcel;
}

struct parcel *parcels_of(struct parcels *parcels, const struct stream *stream)
{
    struct parcel *parcel = &parcels->all[stream->watch.slot];
    assert(parcel->stream == stream);
    return parcel;
}

void parcels_free(struct parcels *parcels, struct parcel *parcel)
{
    parcel->stream = NULL;
    list_remove(&parcel->link);
    list_append(&parcels->free, &parcel->link);
}

void parcels_post(struct parcels *parcels, struct parcel *parcel, struct io_uring_sqe *entry)
{
    parcel->entry = entry;
    list_append(&parcels->posted, &parcel->link);
}

void parcels_unpost(struct parcel *parcel)
{
    parcel->entry = NULL;
    list_remove(&parcel->link);
}

struct parcel *parcels_posted(struct parcels *parcels)
{
    if (list_is_empty(&parcels->posted))
        return NULL;
    return CONTAINER_OF(parcels->posted.next, struct parcel, link);
}

void parcels_set_deadline(struct parcels *parcels, struct parcel *parcel, uint64_t deadline_ms)
{
    parcel->deadline_ms = deadline_ms;
    list_append(&parcels->late, &parcel->link);
}

struct parcel *parcels_overdue(struct parcels *parcels, uint64_t now_ms)
{
    if (list_is_empty(&parcels->late))
        return NULL;
    struct parcel *parcel = CONTAINER_OF(parcels->late.next, struct parcel, link);
    if (parcel->deadline_ms > now_ms)
        return NULL;
    list_remove(&parcel->link);
    return parcel;
}
