/* Job queues. A line is created when a client's first job has to wait, and freed with its last one. */
#include "loop/job_queue.h"

#include <errno.h>
#include <stdlib.h>

struct job_line {
    struct list link;          /* in queue->lines */
    struct map_link by_client; /* its hash is the client's number */
    struct loop *loop;
    struct list jobs; /* struct queued_job */
    unsigned count;   /* number of jobs, never 0 */
};

static struct job_line *line_of(struct list *link)
{
    return CONTAINER_OF(link, struct job_line, link);
}

static struct queued_job *queued_of(struct list *link)
{
    return CONTAINER_OF(link, struct queued_job, link);
}

static void job_queue_tell_refused(struct task *task)
{
    struct job_queue *queue = CONTAINER_OF(task, struct job_queue, tell_refused);
    while (!list_is_empty(&queue->refused)) {
        struct queued_job *queued = queued_of(queue->refused.next);
        list_remove(&queued->link);
        queued->queue = NULL;
        queued->events->on_refused(queued);
    }
}

void job_queue_init(struct job_queue *queue, unsigned running_max)
{
    assert(running_max > 0);
    *queue = (struct job_queue){.running_max = running_max};
    list_init(&queue->lines);
    list_init(&queue->refused);
    task_init(&queue->tell_refused, job_queue_tell_refused);
    map_init(&queue->by_client);
}

void job_queue_finish(struct job_queue *queue)
{
    assert(job_queue_is_idle(queue));
    task_cancel(&queue->tell_refused);
    map_finish(&queue->by_client);
}

static struct job_line *find_line(const struct job_queue *queue, uint64_t client)
{
    struct map_link *link = map_find(&queue->by_client, client);
    return link ? CONTAINER_OF(link, struct job_line, by_client) : NULL;
}

static struct job_line *make_line(struct job_queue *queue, struct loop *loop, uint64_t client)
{
    struct job_line *line = calloc(1, sizeof(*line));
    if (line == NULL || map_insert(&queue->by_client, &line->by_client, client) < 0) {
        free(line);
        return NULL;
    }
    line->loop = loop;
    list_init(&line->jobs);
    list_append(&queue->lines, &line->link);
    return line;
}

/* Removes the job from its line, and frees the line if it is empty. */
static void job_queue_take_out(struct queued_job *queued)
{
    struct job_queue *queue = queued->queue;
    struct job_line *line = queued->line;
    assert(line != NULL && line->count > 0);
    assert(queue->waiting_count >= line->count);
    list_remove(&queued->link);
    queued->line = NULL;
    queue->waiting_count--;
    if (--line->count > 0)
        return;
    list_remove(&line->link);
    map_remove(&queue->by_client, &line->by_client);
    free(line);
}

/* Deferred, because on_refused may lead the owner to submit another job to this queue. */
static void job_queue_refuse(struct job_queue *queue, struct loop *loop, struct queued_job *queued)
{
    queued->queue = queue;
    list_append(&queue->refused, &queued->link);
    task_defer(loop, &queue->tell_refused);
}

/* Only called when the queue is full; it has at most JOB_QUEUE_WAITING_MAX lines. */
static struct job_line *find_longest(const struct job_queue *queue)
{
    struct job_line *longest = NULL;
    LIST_FOREACH(link, &queue->lines) {
        struct job_line *line = line_of(link);
        if (longest == NULL || line->count > longest->count)
            longest = line;
    }
    return longest;
}

static int job_queue_wait_in(struct job_queue *queue, struct loop *loop, struct queued_job *queued,
                             uint64_t client)
{
    struct job_line *line = find_line(queue, client);
    struct queued_job *given_up = NULL;
    if (queue->waiting_count >= JOB_QUEUE_WAITING_MAX) {
        struct job_line *longest = find_longest(queue);
        assert(longest != NULL);
        if (longest->count <= (line ? line->count : 0) + 1)
            return -EAGAIN;
        given_up = queued_of(longest->jobs.previous);
    }
    if (line == NULL)
        line = make_line(queue, loop, client);
    if (line == NULL)
        return -ENOMEM;
    list_append(&line->jobs, &queued->link);
    line->count++;
    queue->waiting_count++;
    queued->line = line;
    queued->queue = queue;
    if (given_up) {
        job_queue_take_out(given_up);
        job_queue_refuse(queue, loop, given_up);
    }
    return 0;
}

static int job_queue_start(struct job_queue *queue, struct loop *loop, struct queued_job *queued)
{
    assert(queue->running_count < queue->running_max);
    int error = offload_submit(loop, &queued->job);
    queue->running_count += error == 0;
    queued->queue = error == 0 ? queue : NULL;
    return error;
}

int job_queue_submit(struct job_queue *queue, struct loop *loop, struct queued_job *queued, uint64_t client)
{
    assert(queued->job.work != NULL && queued->job.done != NULL);
    assert(queued->events->is_wanted != NULL && queued->events->on_refused != NULL);
    queued->queue = NULL;
    queued->line = NULL;
    list_init(&queued->link);
    if (queue->running_count < queue->running_max)
        return job_queue_start(queue, loop, queued);
    return job_queue_wait_in(queue, loop, queued, client);
}

bool job_queue_withdraw(struct queued_job *queued)
{
    if (list_is_empty(&queued->link))
        return false;
    if (queued->line)
        job_queue_take_out(queued);
    else
        list_remove(&queued->link);
    queued->queue = NULL;
    return true;
}

/* Takes the oldest job of the next line, and moves the line to the end. */
static struct queued_job *take_next(struct job_queue *queue, struct loop **ret_loop)
{
    assert(!list_is_empty(&queue->lines));
    struct job_line *line = line_of(queue->lines.next);
    struct queued_job *queued = queued_of(line->jobs.next);
    *ret_loop = line->loop;
    list_remove(&line->link);
    list_append(&queue->lines, &line->link);
    job_queue_take_out(queued);
    return queued;
}

void job_queue_leave(struct queued_job *queued)
{
    struct job_queue *queue = queued->queue;
    if (queue == NULL)
        return;
    assert(queue->running_count > 0 && queued->line == NULL);
    queued->queue = NULL;
    queue->running_count--;
    while (queue->waiting_count > 0 && queue->running_count < queue->running_max) {
        struct loop *loop;
        struct queued_job *next = take_next(queue, &loop);
        next->queue = NULL;
        if (next->events->is_wanted(next) && job_queue_start(queue, loop, next) < 0)
            job_queue_refuse(queue, loop, next);
    }
}

const char *job_queue_validate(const struct job_queue *queue)
{
    unsigned waiting = 0;
    size_t lines = 0;
    LIST_FOREACH(link, &queue->lines) {
        struct job_line *line = line_of(link);
        unsigned count = 0;
        LIST_FOREACH(job_link, &line->jobs) {
            const struct queued_job *queued = queued_of(job_link);
            if (queued->line != line || queued->queue != queue)
                return "a job that waits is in another line or queue than it says";
            count++;
        }
        if (count != line->count || count == 0)
            return "a line has another number of jobs than it says, or none";
        if (find_line(queue, line->by_client.hash) != line)
            return "a client has two lines, or its line is not found";
        waiting += count;
        lines++;
    }
    if (waiting != queue->waiting_count || lines != queue->by_client.count)
        return "a queue has another number of jobs or lines than it says";
    if (queue->running_count < queue->running_max && waiting > 0)
        return "jobs wait although there is room";
    return NULL;
}
