/* Writes lines to a descriptor without ever blocking the loop.
 *
 * Lines are collected in one block while the offload pool writes earlier ones. A block is handed over when
 * it is full, or when its first line has waited long enough. If the descriptor accepts nothing (a full
 * disk, a pipe that nobody reads), the bytes are kept and retried. Once LINE_WRITER_BYTES_MAX are waiting,
 * new lines are dropped and counted; before that, those of a source that uses more than its share of the
 * buffer. The beginning of such a problem is reported, at most every ten seconds, and so is the number of
 * lines it cost. */
#ifndef LOG_LINE_WRITER_H
#define LOG_LINE_WRITER_H

#include "base/log.h"
#include "log/counters.h"

struct loop;
struct line_writer;

/* The longest line: a pipe accepts it atomically, so that lines of several processes do not mix. */
#define LINE_BYTES_MAX 4096

/* The most bytes that may wait to be written, by default: what a busy worker logs in 30 ms, for which the
 * pool's thread may have to wait for a core. Memory is allocated as needed, and freed again. */
#define LINE_WRITER_BYTES_MAX (4u << 20)

struct line_writer_options {
    struct loop *loop;         /* must outlive the writer */
    int fd;                    /* taken over: closed even if line_writer_create fails */
    const char *name;          /* for reports: "access log"; must outlive the writer */
    uint64_t delay_ms;         /* how long a line may wait to be written together with others */
    size_t bytes_max;          /* that may wait, at least 256 KiB; 0: LINE_WRITER_BYTES_MAX */
    struct counters *counters; /* log_lines_dropped is incremented */
    struct log *errors;        /* for reports; may be the log that uses this writer */
};

/* Returns 0 or -ENOMEM. */
int line_writer_create(const struct line_writer_options *options, struct line_writer **ret_writer) MUST_CHECK;

/* Reserves space for a line of `size` bytes (at most LINE_BYTES_MAX) including its newline. Returns NULL
 * if there is none; the line is counted as dropped then. `source` is a number that identifies who caused
 * it, see above. Call line_writer_commit right after it. */
char *line_writer_reserve(struct line_writer *writer, size_t size, uint32_t source);

/* Completes the line: it has `length` bytes, the last one a newline. Never blocks, never calls back. */
void line_writer_commit(struct line_writer *writer, size_t length, uint32_t source);

/* Starts using `fd`, which the writer takes over, with the next write; the previous one is closed. */
void line_writer_set_fd(struct line_writer *writer, int fd);

/* Writes what is buffered, waiting about a second at most, and frees the writer. The loop must not be
 * running; it may be turned here to finish a write. NULL is ignored. */
void line_writer_destroy(struct line_writer *writer);

#endif
