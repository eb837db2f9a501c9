/* Where the lines of a `struct log` go: a file, or standard error.
 *
 * In a file a line reads "2026-11-23T12:00:00Z warning text". On a terminal it is "warning: text", with a
 * colour unless NO_COLOR is set, and informational lines are the text alone.
 *
 * Without a loop (at the start, in the master) lines are written directly, dropped rather than waited for.
 * With one (log_file_attach) they go through a line writer and cost the loop nothing. */
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
    bool echoes; /* lines written directly to a file are shown on standard error too */
    struct line_writer *writer;
};

/* Opens the log; `path`, NUL-terminated behind its end, outlives it; "-" or nothing is standard error. Lines
 * are echoed at first: whoever starts a server looks there. Returns 0 or -errno. */
int log_file_open(struct log_file *file, struct slice path, enum log_level level) MUST_CHECK;

/* Lets lines go through `loop` from now on. Returns 0 or -errno. */
int log_file_attach(struct log_file *file, struct loop *loop, struct counters *counters) MUST_CHECK;

/* Writes what is buffered (see line_writer_destroy), and lines directly from now on. */
void log_file_detach(struct log_file *file);

/* Opens the path anew, which log rotation has moved away; the old file is kept where that fails. Returns 0 or
 * -errno. */
int log_file_reopen(struct log_file *file) MUST_CHECK;

/* Must have been detached. */
void log_file_close(struct log_file *file);

#endif
