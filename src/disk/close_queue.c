/* Two batches, swapped: the loop adds descriptors to one while a job on the pool closes those of the
 * other. */
#include "disk/close_queue.h"

#include "sys/socket.h"

#include <stdlib.h>

static void close_batch(struct close_queue_batch *batch)
{
    for (size_t i = 0; i < batch->count; i++)
        sys_close(batch->fds[i]);
    batch->count = 0;
}

static struct close_queue *close_queue_of(struct job *job)
{
    return CONTAINER_OF(job, struct close_queue, job);
}

static void close_queue_work(struct job *job)
{
    close_batch(&close_queue_of(job)->closing);
}

static void close_waiting(struct close_queue *close_queue)
{
    if (close_queue->is_busy || close_queue->waiting.count == 0)
        return;
    assert(close_queue->closing.count == 0 && close_queue->loop != NULL);
    struct close_queue_batch empty = close_queue->closing;
    close_queue->closing = close_queue->waiting;
    close_queue->waiting = empty;
    close_queue->is_busy = offload_submit(close_queue->loop, &close_queue->job) == 0;
    if (!close_queue->is_busy)
        close_batch(&close_queue->closing);
}

static void done(struct job *job)
{
    assert(close_queue_of(job)->is_busy);
    close_queue_of(job)->is_busy = false;
    close_waiting(close_queue_of(job));
}

void close_queue_init(struct close_queue *close_queue, struct loop *loop)
{
    *close_queue = (struct close_queue){.loop = loop, .job = {.work = close_queue_work, .done = done}};
}

static void close_queue_end_batch(struct close_queue_batch *batch)
{
    close_batch(batch);
    free(batch->fds);
    *batch = (struct close_queue_batch){0};
}

void close_queue_finish(struct close_queue *close_queue)
{
    assert(!close_queue->is_busy);
    close_queue_end_batch(&close_queue->waiting);
    close_queue_end_batch(&close_queue->closing);
    close_queue->loop = NULL;
}

static bool close_queue_reserve(struct close_queue_batch *batch)
{
    assert(batch->count <= batch->capacity);
    if (batch->count < batch->capacity)
        return true;
    size_t capacity = MAX(batch->capacity * 2, (size_t)16);
    int *fds = realloc(batch->fds, capacity * sizeof(int));
    if (fds == NULL)
        return false;
    batch->fds = fds;
    batch->capacity = capacity;
    return true;
}

void close_queue_take(struct close_queue *close_queue, int fd)
{
    assert(fd >= 0);
    if (close_queue->loop == NULL || !close_queue_reserve(&close_queue->waiting)) {
        sys_close(fd);
        return;
    }
    close_queue->waiting.fds[close_queue->waiting.count++] = fd;
    close_waiting(close_queue);
}
