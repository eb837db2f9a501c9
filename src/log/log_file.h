/* The destination of a `struct log`: a file, or standard error.
 *
 * In a file a line reads "2026-11-23T12:00:00Z warning text". On a terminal it is "warning: text",
 * coloured unless NO_COLOR is set, and informational lines are the text alone.
 *
 * Without a loop (at start, in the master) lines are written directly, and dropped if that would block.
 * With a loop (log_file_attach) they go through a line writer and do not delay the loop. */
#ifndef LOG_LOG_FILE_H
#define LOG_LOG_FILE_H

#include "base/log.h"

struct counters;
struct line_writer;
struct loop;

struct log_file {
    struct log log;
    const char *path; /* NULL: standard error */
    int fd;
    bool is_terminal;
    bool has_colours;
    bool echoes; /* lines written directly to a file are also shown on standard error */
    struct line_writer *writer;
};

/* Opens the log. `path` must be followed by a NUL and outlive the log; "-" or an empty path is standard
 * error. Lines are echoed to standard error at first, where whoever starts a server looks. Returns 0 or
 * -errno. */
int log_file_open(struct log_file *file, struct slice path, enum log_level level) MUST_CHECK;

/* Writes lines through `loop` from now on. Returns 0 or -errno. */
int log_file_attach(struct log_file *file, struct loop *loop, struct counters *counters) MUST_CHECK;

/* Writes what is buffered (see line_writer_destroy); from now on lines are written directly. */
void log_file_detach(struct log_file *file);

/* Reopens the path after log rotation has moved the file away; if that fails, the old file is kept.
 * Returns 0 or -errno. */
int log_file_reopen(struct log_file *file) MUST_CHECK;

/* Opens the file of a path as log_file_open does; for log_file_move. Returns the descriptor or -errno. */
int log_file_open_path(struct slice path) MUST_CHECK;

/* The log goes on at `path`, which must outlive it, and at this level. `fd` is the open file, which the log
 * takes over; -1: the file stays, the path is the same in another place. Returns 0 or -errno; then nothing
 * has changed, and `fd` is closed. */
int log_file_move(struct log_file *file, struct slice path, enum log_level level, int fd) MUST_CHECK;

/* Standard error is `fd` from now on, which is closed, for a log that goes there, too. -1: nothing changes.
 */
void log_file_take_standard_error(struct log_file *file, int fd);

/* The log must have been detached. */
void log_file_close(struct log_file *file);

#endif
