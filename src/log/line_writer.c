/* Blocks of lines in a queue.
 *
 *      commit -> [ filling ]   [ full ] [ full ] ...   [ leaving ] ... -> offload thread -> descriptor
 *                     \____________________/__________________/
 *            when nothing is leaving, and a block is full or old enough
 *
 * While a write is in progress (OUTPUT_BUSY), `output` belongs to the thread, and the loop uses only the
 * other blocks. Blocks are allocated when needed and freed when written, except the one being filled and a
 * spare. */
#include "log/line_writer.h"

#include "base/error.h"
#include "loop/offload.h"
#include "loop/wheel.h"
#include "sys/append.h"
#include "sys/clock.h"
#include "sys/output.h"
#include "sys/socket.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#define BLOCK_BYTES_MAX    (64u << 10)
#define BLOCKS_MIN         16 /* a smaller buffer has smaller blocks */
#define RETRY_MS           500
#define REPORT_INTERVAL_MS 10000
#define END_MS             1000

/* If the descriptor accepts nothing for WRITABLE_WAIT_MS, the next attempt is left to the retry timer;
 * after WRITE_MS_MAX a slow one gives the thread back to the pool, whose few threads are needed for files. */
#define WRITABLE_WAIT_MS 100
#define WRITE_MS_MAX     400

/* For another process that is writing: see sys_append_lines. */
#define LOCK_WAIT_MS 1000

/* Space for waiting lines is shared among sources, so that one that floods the log does not displace the
 * lines of all others: once half of the space is used, no source may use more than an eighth. What a
 * source has used is halved each time a quarter of the space has been written. */
#define SOURCES_MAX 64

struct block {
    struct block *next; /* the next younger one */
    size_t length;
    char data[];
};

/* The oldest block is first. */
struct block_queue {
    struct block *first, *last;
};

enum output_state {
    OUTPUT_EMPTY,   /* nothing is being written */
    OUTPUT_BUSY,    /* a thread is writing */
    OUTPUT_WAITING, /* it could not be written completely; the timer will retry */
};

/* Used by the thread. */
struct output {
    struct job job;
    struct block_queue leaving;
    struct block_queue gone; /* blocks that were written */
    size_t written;          /* bytes of the first block in `leaving` */
    int fd;
    bool is_file; /* accepts writes of any length without blocking */
    int error;    /* why the last write was incomplete; 0: it was complete */
};

struct line_writer {
    struct line_writer_options options;
    size_t block_bytes;
    size_t blocks_max;
    struct output output;
    enum output_state state;
    struct block *filling;
    struct block *spare; /* NULL: none */
    struct block_queue full;
    size_t block_count; /* blocks with lines: filling, full and leaving */
    struct timer timer;
    int next_fd; /* to be used after the current write; -1: none */
    bool ending; /* line_writer_destroy is waiting */
    bool abandoned;
    bool in_trouble;
    bool reported;              /* the current trouble was reported */
    uint64_t reported_ms;       /* when trouble was last reported; 0: never */
    uint64_t dropped;           /* lines, not reported yet */
    size_t blocks_gone;         /* blocks written since `used` was last halved */
    uint32_t used[SOURCES_MAX]; /* bytes per source */
};

static void queue_append(struct block_queue *queue, struct block *block)
{
    block->next = NULL;
    if (queue->last)
        queue->last->next = block;
    else
        queue->first = block;
    queue->last = block;
}

static struct block *queue_take(struct block_queue *queue)
{
    struct block *first = queue->first;
    if (first == NULL)
        return NULL;
    queue->first = first->next;
    if (queue->first == NULL)
        queue->last = NULL;
    return first;
}

/* ---- on a thread or on the loop ---- */

/* The bytes for the next write: for a pipe or a terminal, complete lines that it accepts atomically. */
static struct slice next_piece(const struct output *output)
{
    const struct block *block = output->leaving.first;
    struct slice rest = slice_skip(slice_make(block->data, block->length), output->written);
    if (output->is_file || rest.length <= SYS_PIPE_ATOMIC_BYTES)
        return rest;
    const char *end = memrchr(rest.data, '\n', SYS_PIPE_ATOMIC_BYTES);
    return slice_take(rest, end ? (size_t)(end + 1 - rest.data) : SYS_PIPE_ATOMIC_BYTES);
}

static int write_piece(struct output *output)
{
    int error = output->is_file ? 0 : sys_wait_writable(output->fd, WRITABLE_WAIT_MS);
    if (error < 0)
        return error;
    struct slice piece = next_piece(output);
    ssize_t written =
        output->is_file ? sys_append_lines(output->fd, piece, LOCK_WAIT_MS) : sys_write(output->fd, piece);
    if (written <= 0)
        return written < 0 ? (int)written : -EAGAIN;
    output->written += (size_t)written;
    if (output->written == output->leaving.first->length) {
        queue_append(&output->gone, queue_take(&output->leaving));
        output->written = 0;
    }
    return 0;
}

static void write_leaving(struct job *job)
{
    struct output *output = CONTAINER_OF(job, struct output, job);
    uint64_t deadline_ms = sys_monotonic_ms() + WRITE_MS_MAX;
    output->error = 0;
    while (output->leaving.first && output->error == 0)
        output->error = sys_monotonic_ms() < deadline_ms ? write_piece(output) : -EAGAIN;
}

/* ---- on the loop ---- */

static void report_trouble(struct line_writer *writer, int error)
{
    uint64_t now = sys_monotonic_ms();
    if (writer->in_trouble)
        return;
    writer->in_trouble = true; /* before the report, which may call this function again */
    if (writer->reported_ms != 0 && now - writer->reported_ms < REPORT_INTERVAL_MS)
        return;
    writer->reported = true;
    writer->reported_ms = now;
    log_error(writer->options.errors, "%s: cannot write: %s; lines that find no room are dropped",
              writer->options.name, error && error != -EAGAIN ? error_text(error) : "it takes no more");
}

static void report_dropped(struct line_writer *writer, const char *what)
{
    uint64_t dropped = writer->dropped;
    writer->dropped = 0;
    log_warning(writer->options.errors, "%s: %s; lines dropped: %" PRIu64, writer->options.name, what,
                dropped);
}

static void report_progress(struct line_writer *writer)
{
    writer->in_trouble = false;
    if (writer->reported) {
        writer->reported = false;
        report_dropped(writer, "writing goes on");
    }
}

static void line_writer_submit(struct line_writer *writer)
{
    /* If the pool's queue is full, the lines wait as they do for a full disk. */
    bool submitted = offload_submit(writer->options.loop, &writer->output.job) == 0;
    writer->state = submitted ? OUTPUT_BUSY : OUTPUT_WAITING;
    if (!submitted)
        wheel_arm(loop_wheel(writer->options.loop), &writer->timer, RETRY_MS);
}

static struct block *line_writer_add_block(struct line_writer *writer)
{
    if (writer->block_count == writer->blocks_max)
        return NULL;
    struct block *block = writer->spare ? writer->spare : malloc(sizeof(*block) + writer->block_bytes);
    writer->spare = NULL;
    if (block) {
        block->length = 0;
        writer->block_count++;
    }
    return block;
}

/* Continues in another block. Returns false if there is none. */
static bool put_aside(struct line_writer *writer)
{
    struct block *next = line_writer_add_block(writer);
    if (next == NULL)
        return false;
    queue_append(&writer->full, writer->filling);
    writer->filling = next;
    return true;
}

/* Hands over the full blocks, unless a write is in progress. */
static void line_writer_hand_over(struct line_writer *writer)
{
    if (writer->state != OUTPUT_EMPTY || writer->full.first == NULL)
        return;
    timer_disarm(&writer->timer);
    writer->output.leaving = writer->full;
    writer->full = (struct block_queue){0};
    line_writer_submit(writer);
}

static void arm_for_filling(struct line_writer *writer)
{
    if (writer->filling->length > 0 && !timer_is_armed(&writer->timer))
        wheel_arm(loop_wheel(writer->options.loop), &writer->timer, writer->options.delay_ms);
}

static void line_writer_on_timer(struct timer *timer)
{
    struct line_writer *writer = CONTAINER_OF(timer, struct line_writer, timer);
    if (writer->ending) {
        loop_stop(writer->options.loop);
    } else if (writer->state == OUTPUT_WAITING) {
        line_writer_submit(writer);
    } else if (writer->state == OUTPUT_EMPTY && writer->filling->length > 0) {
        (void)put_aside(writer); /* if memory runs out: later */
        line_writer_hand_over(writer);
        arm_for_filling(writer);
    }
}

static void use_fd(struct line_writer *writer, int fd)
{
    struct output *output = &writer->output;
    sys_close(output->fd);
    output->fd = fd;
    output->is_file = sys_is_regular_file(fd);
    /* A line that was cut in the old file is written again, completely, to the new one. */
    while (output->written > 0 && output->leaving.first->data[output->written - 1] != '\n')
        output->written--;
}

static void forget_shares(struct line_writer *writer)
{
    writer->blocks_gone = 0;
    for (size_t i = 0; i < SOURCES_MAX; i++)
        writer->used[i] /= 2;
}

/* Keeps one: if lines come slowly, it will be filled next. */
static void free_gone(struct line_writer *writer)
{
    for (struct block *block; (block = queue_take(&writer->output.gone)) != NULL;) {
        writer->block_count--;
        if (writer->spare == NULL)
            writer->spare = block;
        else
            free(block);
        if (++writer->blocks_gone == writer->blocks_max / 4)
            forget_shares(writer);
    }
}

/* Handles the result of a finished write and reports it, possibly to this log. */
static void note_written(struct line_writer *writer)
{
    int error = writer->output.error;
    free_gone(writer);
    if (writer->next_fd >= 0) {
        use_fd(writer, writer->next_fd);
        writer->next_fd = -1;
    }
    if (error == 0) {
        writer->state = OUTPUT_EMPTY;
        report_progress(writer);
        return;
    }
    writer->state = OUTPUT_WAITING;
    if (error != -EAGAIN) /* a slow reader is not reported before lines are lost */
        report_trouble(writer, error);
}

static void free_queue(struct block_queue *queue)
{
    for (struct block *block; (block = queue_take(queue)) != NULL;)
        free(block);
}

static void free_writer(struct line_writer *writer)
{
    free_queue(&writer->output.gone);
    free_queue(&writer->output.leaving);
    free_queue(&writer->full);
    free(writer->filling);
    free(writer->spare);
    sys_close(writer->output.fd);
    if (writer->next_fd >= 0)
        sys_close(writer->next_fd);
    free(writer);
}

/* If time was up before a file was written completely, continues at once, after the other jobs of the
 * pool. */
static void line_writer_go_on(struct line_writer *writer)
{
    if (writer->state == OUTPUT_BUSY) /* a report has already submitted the next write */
        return;
    if (writer->state == OUTPUT_EMPTY)
        line_writer_hand_over(writer);
    else if (writer->output.is_file && writer->output.error == -EAGAIN)
        line_writer_submit(writer);
    else
        wheel_arm(loop_wheel(writer->options.loop), &writer->timer, RETRY_MS);
    if (writer->state == OUTPUT_EMPTY)
        arm_for_filling(writer);
}

static void on_written(struct job *job)
{
    struct line_writer *writer = CONTAINER_OF(job, struct line_writer, output.job);
    if (writer->abandoned) {
        free_writer(writer);
        return;
    }
    note_written(writer);
    if (writer->ending)
        loop_stop(writer->options.loop);
    else
        line_writer_go_on(writer);
}

static void choose_blocks(struct line_writer *writer, size_t bytes_max)
{
    writer->block_bytes = MIN(bytes_max / BLOCKS_MIN, (size_t)BLOCK_BYTES_MAX);
    writer->blocks_max = bytes_max / writer->block_bytes;
    assert(writer->block_bytes > LINE_BYTES_MAX);
}

int line_writer_create(const struct line_writer_options *options, struct line_writer **ret_writer)
{
    struct line_writer *writer = calloc(1, sizeof(*writer));
    if (writer) {
        writer->options = *options;
        choose_blocks(writer, options->bytes_max ? options->bytes_max : LINE_WRITER_BYTES_MAX);
        writer->filling = line_writer_add_block(writer);
    }
    if (writer == NULL || writer->filling == NULL) {
        free(writer);
        sys_close(options->fd);
        return -ENOMEM;
    }
    writer->next_fd = -1;
    writer->output = (struct output){
        .job = {.work = write_leaving, .done = on_written},
        .fd = options->fd,
        .is_file = sys_is_regular_file(options->fd),
    };
    timer_init(&writer->timer, line_writer_on_timer);
    *ret_writer = writer;
    return 0;
}

static bool line_writer_has_room(const struct line_writer *writer, size_t size)
{
    return size <= writer->block_bytes - writer->filling->length;
}

static void drop(struct line_writer *writer, size_t count)
{
    writer->dropped += count;
    writer->options.counters->log_lines_dropped += count;
}

static bool has_share(const struct line_writer *writer, uint32_t source)
{
    return writer->block_count <= writer->blocks_max / 2 ||
           writer->used[source % SOURCES_MAX] < writer->blocks_max * writer->block_bytes / 8;
}

char *line_writer_reserve(struct line_writer *writer, size_t size, uint32_t source)
{
    assert(size <= LINE_BYTES_MAX);
    bool is_given =
        has_share(writer, source) && (LIKELY(line_writer_has_room(writer, size)) || put_aside(writer));
    if (UNLIKELY(!is_given)) {
        drop(writer, 1);
        report_trouble(writer, writer->state == OUTPUT_WAITING ? writer->output.error : 0);
        return NULL;
    }
    return writer->filling->data + writer->filling->length;
}

void line_writer_commit(struct line_writer *writer, size_t length, uint32_t source)
{
    struct block *filling = writer->filling;
    assert(length > 0 && line_writer_has_room(writer, length));
    assert(filling->data[filling->length + length - 1] == '\n');
    filling->length += length;
    writer->used[source % SOURCES_MAX] += (uint32_t)length;
    line_writer_hand_over(writer);
    arm_for_filling(writer);
}

void line_writer_set_fd(struct line_writer *writer, int fd)
{
    if (writer->state != OUTPUT_BUSY) {
        use_fd(writer, fd);
        return;
    }
    if (writer->next_fd >= 0)
        sys_close(writer->next_fd);
    writer->next_fd = fd;
}

/* Waits for the current write to finish. */
static void wait_for_thread(struct line_writer *writer)
{
    uint64_t deadline_ms = sys_monotonic_ms() + END_MS;
    while (writer->state == OUTPUT_BUSY && sys_monotonic_ms() < deadline_ms) {
        wheel_arm(loop_wheel(writer->options.loop), &writer->timer, END_MS);
        if (loop_run(writer->options.loop) < 0)
            break;
    }
    timer_disarm(&writer->timer);
}

static size_t count_lines(struct slice bytes)
{
    size_t count = 0;
    for (size_t end; (end = slice_find(bytes, '\n')) < bytes.length; count++)
        bytes = slice_skip(bytes, end + 1);
    return count;
}

/* Writes everything from this thread; what cannot be written is lost. */
static void write_rest(struct line_writer *writer)
{
    struct output *output = &writer->output;
    queue_append(&writer->full, writer->filling);
    writer->filling = NULL;
    for (struct block *block; (block = queue_take(&writer->full)) != NULL;)
        queue_append(&output->leaving, block);
    write_leaving(&output->job);
    note_written(writer);
    for (struct block *block = output->leaving.first; block; block = block->next) {
        struct slice rest = slice_make(block->data, block->length);
        drop(writer, count_lines(block == output->leaving.first ? slice_skip(rest, output->written) : rest));
    }
}

void line_writer_destroy(struct line_writer *writer)
{
    if (writer == NULL)
        return;
    writer->ending = true;
    wait_for_thread(writer);
    if (writer->state == OUTPUT_BUSY) {
        writer->abandoned = true; /* the disk hangs: the job frees everything when it ends */
        return;
    }
    write_rest(writer);
    if (writer->dropped > 0)
        report_dropped(writer, "closed");
    free_writer(writer);
}
