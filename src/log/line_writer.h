/* Lines on their way to a descriptor, without the loop ever waiting for it.
 *
 * Lines collect in one block while the offload pool writes those before; when a block is full, or its first
 * line has waited long enough, it is handed over. Where the descriptor takes nothing (a full disk, a pipe
 * that nobody reads) the bytes are kept and tried again; once LINE_WRITER_BYTES_MAX wait, new lines are
 * dropped and counted, and before that those of a source that has taken more than its share of the room. The
 * beginning of such trouble is reported, at most every ten seconds, and so is how many lines it cost. */
#ifndef LOG_LINE_WRITER_H
#define LOG_LINE_WRITER_H

#include "base/log.h"
#include "log/counters.h"

struct loop;
struct line_writer;

/* A line is at most as long as a pipe takes in one piece, so that lines of several processes do not mix. */
#define LINE_BYTES_MAX 4096

/* Lines that may wait to be written: what a busy worker writes in 30 ms, which the pool's thread may have to
 * wait for a processor. Memory is taken as it is needed, and given back. */
#define LINE_WRITER_BYTES_MAX (4u << 20)

struct line_writer_options {
    struct loop *loop;         /* outlives the writer */
    int fd;                    /* the writer's from the start: closed even when line_writer_create fails */
    const char *name;          /* for reports: "access log"; outlives the writer */
    uint64_t delay_ms;         /* how long a line may wait for others to be written with it */
    struct counters *counters; /* log_lines_dropped counts up */
    struct log *errors;        /* for reports; may be the log that this writer writes */
};

/* Returns 0 or -ENOMEM. */
int line_writer_create(const struct line_writer_options *options, struct line_writer **ret_writer) MUST_CHECK;

/* Room for a line of `size` bytes (at most LINE_BYTES_MAX) with its newline; NULL where there is none: the
 * line is counted as dropped. `source` is who caused it, any number: see above. line_writer_commit follows at
 * once. */
char *line_writer_reserve(struct line_writer *writer, size_t size, uint32_t source);

/* The line has `length` bytes, the last one a newline. Never blocks, never calls back. */
void line_writer_commit(struct line_writer *writer, size_t length, uint32_t source);

/* Writes everything from the next write on to `fd`, which is the writer's; the one before is closed. */
void line_writer_set_fd(struct line_writer *writer, int fd);

/* Writes what is buffered, waiting about a second at most, and frees the writer. The loop must not be
 * running; it may be turned here to let a write come to its end. NULL is ignored. */
void line_writer_destroy(struct line_writer *writer);

#endif
