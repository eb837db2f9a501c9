/* Two batches: one that descriptors are added to on the loop, one that the job closes. */
#include "serve/closer.h"

#include "sys/socket.h"

#include <stdlib.h>

static void close_batch(struct closer_batch *batch)
{
    for (size_t i = 0; i < batch->count; i++)
        sys_close(batch->fds[i]);
    batch->count = 0;
}

static struct closer *closer_of(struct job *job)
{
    return CONTAINER_OF(job, struct closer, job);
}

static void work(struct job *job)
{
    close_batch(&closer_of(job)->closing);
}

static void close_waiting(struct closer *closer)
{
    if (closer->is_busy || closer->waiting.count == 0)
        return;
    struct closer_batch empty = closer->closing;
    closer->closing = closer->waiting;
    closer->waiting = empty;
    closer->is_busy = offload_submit(closer->loop, &closer->job) == 0;
    if (!closer->is_busy)
        close_batch(&closer->closing);
}

static void done(struct job *job)
{
    closer_of(job)->is_busy = false;
    close_waiting(closer_of(job));
}

void closer_init(struct closer *closer, struct loop *loop)
{
    *closer = (struct closer){.loop = loop, .job = {.work = work, .done = done}};
}

static void finish(struct closer_batch *batch)
{
    close_batch(batch);
    free(batch->fds);
    *batch = (struct closer_batch){0};
}

void closer_finish(struct closer *closer)
{
    assert(!closer->is_busy);
    finish(&closer->waiting);
    finish(&closer->closing);
    closer->loop = NULL;
}

static bool reserve(struct closer_batch *batch)
{
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

void closer_take(struct closer *closer, int fd)
{
    if (closer->loop == NULL || !reserve(&closer->waiting)) {
        sys_close(fd);
        return;
    }
    closer->waiting.fds[closer->waiting.count++] = fd;
    close_waiting(closer);
}
