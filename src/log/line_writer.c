/* Two buffers that change places.
 *
 *      commit -> [ filling ]      [ leaving ] -> offload thread -> descriptor
 *                     \______________/
 *              when `leaving` is empty and it is time
 *
 * While a write is under way (OUTPUT_BUSY) `output` belongs to the thread; the loop touches `filling` only.
 */
#include "log/line_writer.h"

#include "base/error.h"
#include "loop/offload.h"
#include "loop/wheel.h"
#include "sys/clock.h"
#include "sys/output.h"
#include "sys/socket.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#define BUFFER_BYTES       (64u << 10)
#define RETRY_MS           500
#define REPORT_INTERVAL_MS 10000
#define END_MS             1000

/* A descriptor that takes no byte for so long is left alone until the retry, and one that takes few leaves
 * the thread to others after the second time: the pool's threads are few and files wait for them. */
#define WRITABLE_WAIT_MS 100
#define WRITE_MS_MAX     400

struct lines {
    size_t length;
    char data[BUFFER_BYTES];
};

enum output_state {
    OUTPUT_EMPTY,   /* `leaving` holds nothing */
    OUTPUT_BUSY,    /* a thread writes it */
    OUTPUT_WAITING, /* it could not be written, or not all of it; the timer tries again */
};

/* What the thread works on. */
struct output {
    struct job job;
    struct lines *leaving;
    size_t written; /* of leaving */
    int fd;
    bool is_file; /* takes writes of any length without blocking */
    int error;    /* why the last write was not whole; 0 where it was */
};

struct line_writer {
    struct line_writer_options options;
    struct output output;
    enum output_state state;
    struct lines *filling;
    struct timer timer;
    int next_fd; /* waits for the write that is under way; -1: none */
    bool ending; /* line_writer_destroy waits */
    bool abandoned;
    bool in_trouble;
    bool reported;        /* that this trouble began */
    uint64_t reported_ms; /* when a beginning was last reported; 0: never */
    uint64_t dropped;     /* not reported yet */
    struct lines buffers[2];
};

/* On a thread. */

static uint64_t now_ms(void)
{
    return sys_monotonic_ns() / 1000000;
}

/* The next bytes to write in one call: for a pipe or a terminal whole lines that it takes in one piece. */
static struct slice next_piece(const struct output *output)
{
    const struct lines *lines = output->leaving;
    struct slice rest = slice_skip(slice_make(lines->data, lines->length), output->written);
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
    ssize_t written = sys_write(output->fd, next_piece(output));
    if (written <= 0)
        return written < 0 ? (int)written : -EAGAIN;
    output->written += (size_t)written;
    return 0;
}

static void write_lines(struct job *job)
{
    struct output *output = CONTAINER_OF(job, struct output, job);
    uint64_t deadline_ms = now_ms() + WRITE_MS_MAX;
    output->error = 0;
    while (output->written < output->leaving->length && output->error == 0)
        output->error = now_ms() < deadline_ms ? write_piece(output) : -EAGAIN;
}

/* On the loop. */

static void report_trouble(struct line_writer *writer, int error)
{
    uint64_t now = now_ms();
    if (writer->in_trouble)
        return;
    writer->in_trouble = true; /* before the report, which may come back here */
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

static void submit(struct line_writer *writer)
{
    /* With a full queue the lines are no worse off than with a full disk. */
    bool submitted = offload_submit(writer->options.loop, &writer->output.job) == 0;
    writer->state = submitted ? OUTPUT_BUSY : OUTPUT_WAITING;
    if (!submitted)
        wheel_arm(loop_wheel(writer->options.loop), &writer->timer, RETRY_MS);
}

static void swap_buffers(struct line_writer *writer)
{
    assert(writer->state == OUTPUT_EMPTY);
    struct lines *leaving = writer->output.leaving;
    assert(leaving->length == 0);
    writer->output.leaving = writer->filling;
    writer->output.written = 0;
    writer->filling = leaving;
}

static void hand_over(struct line_writer *writer)
{
    timer_disarm(&writer->timer);
    swap_buffers(writer);
    submit(writer);
}

static void arm_for_filling(struct line_writer *writer)
{
    if (writer->filling->length > 0 && !timer_is_armed(&writer->timer))
        wheel_arm(loop_wheel(writer->options.loop), &writer->timer, writer->options.delay_ms);
}

static void on_timer(struct timer *timer)
{
    struct line_writer *writer = CONTAINER_OF(timer, struct line_writer, timer);
    if (writer->ending)
        loop_stop(writer->options.loop);
    else if (writer->state == OUTPUT_WAITING)
        submit(writer);
    else if (writer->state == OUTPUT_EMPTY && writer->filling->length > 0)
        hand_over(writer);
}

static void use_fd(struct line_writer *writer, int fd)
{
    struct output *output = &writer->output;
    sys_close(output->fd);
    output->fd = fd;
    output->is_file = sys_is_regular_file(fd);
    /* A line that was cut short in the old file stands whole in the new one. */
    while (output->written > 0 && output->leaving->data[output->written - 1] != '\n')
        output->written--;
}

/* Takes note of what the last write achieved. */
static void settle(struct line_writer *writer)
{
    struct output *output = &writer->output;
    if (output->error == 0) {
        output->leaving->length = 0;
        output->written = 0;
        writer->state = OUTPUT_EMPTY;
        report_progress(writer);
        return;
    }
    writer->state = OUTPUT_WAITING;
    if (output->error != -EAGAIN) /* a slow reader is no trouble before a line is lost */
        report_trouble(writer, output->error);
}

static void free_writer(struct line_writer *writer)
{
    sys_close(writer->output.fd);
    if (writer->next_fd >= 0)
        sys_close(writer->next_fd);
    free(writer);
}

static void on_written(struct job *job)
{
    struct line_writer *writer = CONTAINER_OF(job, struct line_writer, output.job);
    if (writer->abandoned) {
        free_writer(writer);
        return;
    }
    settle(writer);
    if (writer->next_fd >= 0) {
        use_fd(writer, writer->next_fd);
        writer->next_fd = -1;
    }
    if (writer->ending)
        loop_stop(writer->options.loop);
    else if (writer->state == OUTPUT_WAITING)
        wheel_arm(loop_wheel(writer->options.loop), &writer->timer, RETRY_MS);
    else
        arm_for_filling(writer);
}

int line_writer_create(const struct line_writer_options *options, struct line_writer **ret_writer)
{
    struct line_writer *writer = malloc(sizeof(*writer)); /* not cleared: most of it is buffers */
    if (writer == NULL) {
        sys_close(options->fd);
        return -ENOMEM;
    }
    memset(writer, 0, offsetof(struct line_writer, buffers));
    writer->buffers[0].length = writer->buffers[1].length = 0;
    writer->options = *options;
    writer->filling = &writer->buffers[0];
    writer->next_fd = -1;
    writer->output = (struct output){
        .job = {.work = write_lines, .done = on_written},
        .leaving = &writer->buffers[1],
        .fd = options->fd,
        .is_file = sys_is_regular_file(options->fd),
    };
    timer_init(&writer->timer, on_timer);
    *ret_writer = writer;
    return 0;
}

static bool has_room(const struct line_writer *writer, size_t size)
{
    return size <= BUFFER_BYTES - writer->filling->length;
}

static void drop(struct line_writer *writer, size_t count)
{
    writer->dropped += count;
    writer->options.counters->log_lines_dropped += count;
}

char *line_writer_reserve(struct line_writer *writer, size_t size)
{
    assert(size <= LINE_BYTES_MAX);
    if (UNLIKELY(!has_room(writer, size))) {
        if (writer->state != OUTPUT_EMPTY) {
            drop(writer, 1);
            report_trouble(writer, writer->state == OUTPUT_WAITING ? writer->output.error : 0);
            return NULL;
        }
        hand_over(writer);
    }
    return writer->filling->data + writer->filling->length;
}

void line_writer_commit(struct line_writer *writer, size_t length)
{
    struct lines *filling = writer->filling;
    assert(length > 0 && has_room(writer, length));
    assert(filling->data[filling->length + length - 1] == '\n');
    filling->length += length;
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

/* Lets the write that is under way come to its end. */
static void wait_for_thread(struct line_writer *writer)
{
    uint64_t deadline_ms = now_ms() + END_MS;
    while (writer->state == OUTPUT_BUSY && now_ms() < deadline_ms) {
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

static void write_leaving(struct line_writer *writer)
{
    write_lines(&writer->output.job);
    settle(writer);
}

/* Writes both buffers from here; what cannot be written is lost. */
static void write_rest(struct line_writer *writer)
{
    write_leaving(writer);
    if (writer->state == OUTPUT_EMPTY) {
        swap_buffers(writer);
        write_leaving(writer);
    }
    if (writer->state == OUTPUT_WAITING) {
        const struct lines *leaving = writer->output.leaving, *filling = writer->filling;
        struct slice rest = slice_skip(slice_make(leaving->data, leaving->length), writer->output.written);
        drop(writer, count_lines(rest) + count_lines(slice_make(filling->data, filling->length)));
    }
}

void line_writer_destroy(struct line_writer *writer)
{
    if (writer == NULL)
        return;
    writer->ending = true;
    wait_for_thread(writer);
    if (writer->state == OUTPUT_BUSY) {
        writer->abandoned = true; /* a disk that hangs: the job's end frees everything */
        return;
    }
    write_rest(writer);
    if (writer->dropped > 0)
        report_dropped(writer, "closed");
    free_writer(writer);
}
