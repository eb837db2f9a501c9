/* Staged sends: an array, and lists of those that are free, posted, or still in flight, with the kernel
 * waiting for room in the socket. */
#include "loop/staged_send.h"

#include <errno.h>
#include <stdlib.h>

int staged_sends_init(struct staged_sends *staged_sends)
{
    list_init(&staged_sends->free);
    list_init(&staged_sends->posted);
    list_init(&staged_sends->late);
    staged_sends->bytes = malloc((size_t)STAGED_SENDS_MAX * STAGED_SEND_BYTES);
    if (staged_sends->bytes == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < STAGED_SENDS_MAX; i++) {
        struct staged_send *staged_send = &staged_sends->all[i];
        *staged_send = (struct staged_send){.bytes = staged_sends->bytes + i * STAGED_SEND_BYTES};
        list_init(&staged_send->link);
        list_append(&staged_sends->free, &staged_send->link);
    }
    return 0;
}

void staged_sends_finish(struct staged_sends *staged_sends)
{
    free(staged_sends->bytes);
    staged_sends->bytes = NULL;
}

/* Takes the one freed last: its bytes are in the CPU cache, and most others are never touched. */
struct staged_send *staged_sends_take(struct staged_sends *staged_sends, struct stream *stream)
{
    if (list_is_empty(&staged_sends->free))
        return NULL;
    struct staged_send *staged_send = CONTAINER_OF(staged_sends->free.previous, struct staged_send, link);
    assert(staged_send->stream == NULL);
    list_remove(&staged_send->link);
    staged_send->stream = stream;
    staged_send->entry = NULL;
    staged_send->length = staged_send->sent = 0;
    stream->watch.slot = (uint32_t)(staged_send - staged_sends->all);
    return staged_send;
}

struct staged_send *staged_sends_of(struct staged_sends *staged_sends, const struct stream *stream)
{
    struct staged_send *staged_send = &staged_sends->all[stream->watch.slot];
    assert(staged_send->stream == stream);
    return staged_send;
}

void staged_sends_free(struct staged_sends *staged_sends, struct staged_send *staged_send)
{
    assert(staged_send->stream != NULL);
    staged_send->stream = NULL;
    list_remove(&staged_send->link);
    list_append(&staged_sends->free, &staged_send->link);
}

void staged_sends_post(struct staged_sends *staged_sends, struct staged_send *staged_send,
                       struct io_uring_sqe *entry)
{
    assert(staged_send->stream != NULL && staged_send->entry == NULL);
    staged_send->entry = entry;
    list_append(&staged_sends->posted, &staged_send->link);
}

void staged_sends_unpost(struct staged_send *staged_send)
{
    assert(staged_send->entry != NULL);
    staged_send->entry = NULL;
    list_remove(&staged_send->link);
}

struct staged_send *staged_sends_posted(struct staged_sends *staged_sends)
{
    if (list_is_empty(&staged_sends->posted))
        return NULL;
    return CONTAINER_OF(staged_sends->posted.next, struct staged_send, link);
}

void staged_sends_set_deadline(struct staged_sends *staged_sends, struct staged_send *staged_send,
                               uint64_t deadline_ms)
{
    assert(staged_send->stream != NULL && staged_send->entry == NULL);
    staged_send->deadline_ms = deadline_ms;
    list_append(&staged_sends->late, &staged_send->link);
}

struct staged_send *staged_sends_overdue(struct staged_sends *staged_sends, uint64_t now_ms)
{
    if (list_is_empty(&staged_sends->late))
        return NULL;
    struct staged_send *staged_send = CONTAINER_OF(staged_sends->late.next, struct staged_send, link);
    if (staged_send->deadline_ms > now_ms)
        return NULL;
    list_remove(&staged_send->link);
    return staged_send;
}
