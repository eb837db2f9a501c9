/* Lines of the error log, with their time in a file and colours on a terminal. Written directly, or by a
 * line writer if there is a loop. */
#include "log/log_file.h"

#include "base/error.h"
#include "log/line_writer.h"
#include "sys/append.h"
#include "sys/clock.h"
#include "sys/output.h"
#include "sys/program.h"
#include "sys/socket.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* Short, but enough to write a burst of lines at once. */
#define DELAY_MS 20

/* For another process that is writing to the file; the master waits, and all that it has to do. */
#define LOCK_WAIT_MS 20

/* The maximum of level name, colour and time added to a line of log_line. */
#define FRAME_BYTES_MAX 64

static const char *level_colour(enum log_level level)
{
    switch (level) {
    case LOG_LEVEL_ERROR: return "\033[1;31m";
    case LOG_LEVEL_WARNING: return "\033[33m";
    case LOG_LEVEL_INFO: return "";
    case LOG_LEVEL_DEBUG: return "\033[2m";
    }
    UNREACHABLE();
}

static size_t format_for_terminal(char *out, enum log_level level, struct slice line, bool has_colours)
{
    size_t size = FRAME_BYTES_MAX + line.length;
    if (level == LOG_LEVEL_INFO)
        return (size_t)snprintf(out, size, "%.*s\n", SLICE_ARGS(line));
    const char *begin = has_colours ? level_colour(level) : "", *end = has_colours ? "\033[0m" : "";
    return (size_t)snprintf(out, size, "%s%s:%s %.*s\n", begin, log_level_name(level), end, SLICE_ARGS(line));
}

static size_t format_for_file(char *out, enum log_level level, struct slice line)
{
    time_t seconds = (time_t)(sys_realtime_ns() / 1000000000);
    struct tm tm;
    gmtime_r(&seconds, &tm);
    size_t length = strftime(out, FRAME_BYTES_MAX, "%Y-%m-%dT%H:%M:%SZ ", &tm);
    size_t size = FRAME_BYTES_MAX + line.length - length;
    return length +
           (size_t)snprintf(out + length, size, "%s %.*s\n", log_level_name(level), SLICE_ARGS(line));
}

static size_t format_line(const struct log_file *file, char *out, enum log_level level, struct slice line)
{
    line.length = MIN(line.length, (size_t)LINE_BYTES_MAX - FRAME_BYTES_MAX);
    return file->is_terminal ? format_for_terminal(out, level, line, file->has_colours)
                             : format_for_file(out, level, line);
}

/* What cannot be written is lost: nobody is left to report it to, and waiting would block the master. */
static void write_now(int fd, struct slice line)
{
    ssize_t written = 0;
    if (sys_is_regular_file(fd))
        written = sys_append_lines(fd, line, LOCK_WAIT_MS);
    else if (sys_wait_writable(fd, 0) == 0)
        written = sys_write(fd, line);
    (void)written;
}

static void write_directly(const struct log_file *file, enum log_level level, struct slice line)
{
    char out[LINE_BYTES_MAX];
    struct slice formatted = slice_make(out, format_line(file, out, level, line));
    write_now(file->fd, formatted);
    if (file->echoes && file->path)
        write_now(STDERR_FILENO, formatted);
}

static void write_line(struct log *log, enum log_level level, struct slice line)
{
    struct log_file *file = CONTAINER_OF(log, struct log_file, log);
    if (file->writer == NULL) {
        write_directly(file, level, line);
        return;
    }
    char *out = line_writer_reserve(file->writer, LINE_BYTES_MAX, 0);
    if (out)
        line_writer_commit(file->writer, format_line(file, out, level, line), 0);
}

static bool is_standard_error(struct slice path)
{
    return path.length == 0 || slice_equal(path, SLICE("-"));
}

int log_file_open_path(struct slice path)
{
    return is_standard_error(path) ? sys_duplicate(STDERR_FILENO) : sys_open_for_append(path.data);
}

static void log_file_set(struct log_file *file, struct slice path, enum log_level level, int fd)
{
    const char *no_color = getenv("NO_COLOR");
    file->log.level = level;
    file->path = is_standard_error(path) ? NULL : path.data;
    file->fd = fd;
    file->is_terminal = sys_is_terminal(fd);
    file->has_colours = file->is_terminal && (no_color == NULL || no_color[0] == '\0');
}

int log_file_open(struct log_file *file, struct slice path, enum log_level level)
{
    int fd = log_file_open_path(path);
    if (fd < 0)
        return fd;
    *file = (struct log_file){.log.write = write_line, .echoes = true};
    log_file_set(file, path, level, fd);
    return 0;
}

/* On failure `fd` is closed. */
static int log_file_go_on(struct log_file *file, int fd)
{
    int copy = file->writer ? sys_duplicate(fd) : 0;
    if (copy < 0) {
        sys_close(fd);
        return copy;
    }
    sys_close(file->fd);
    file->fd = fd;
    if (file->writer)
        line_writer_set_fd(file->writer, copy);
    return 0;
}

int log_file_reopen(struct log_file *file)
{
    if (file->path == NULL)
        return 0;
    int fd = sys_open_for_append(file->path);
    return fd < 0 ? fd : log_file_go_on(file, fd);
}

int log_file_attach(struct log_file *file, struct loop *loop, struct counters *counters)
{
    assert(file->writer == NULL);
    /* What was opened before the fork is the master's, too: see sys_append_lines. */
    int error = log_file_reopen(file);
    if (error < 0)
        log_warning(&file->log, "cannot open the error log %s anew: %s", file->path, error_text(error));
    int fd = sys_duplicate(file->fd);
    if (fd < 0)
        return fd;
    struct line_writer_options options = {
        .loop = loop,
        .fd = fd,
        .name = "error log",
        .delay_ms = DELAY_MS,
        .counters = counters,
        .errors = &file->log,
    };
    return line_writer_create(&options, &file->writer);
}

void log_file_detach(struct log_file *file)
{
    struct line_writer *writer = file->writer;
    file->writer = NULL; /* first, so that reports of the writer itself are written directly */
    line_writer_destroy(writer);
}

int log_file_move(struct log_file *file, struct slice path, enum log_level level, int fd)
{
    int error = fd < 0 ? 0 : log_file_go_on(file, fd);
    if (error == 0)
        log_file_set(file, path, level, file->fd);
    return error;
}

void log_file_take_standard_error(struct log_file *file, int fd)
{
    if (fd < 0)
        return;
    int error = sys_standard_error_set(fd);
    sys_close(fd);
    int copy = error == 0 && file->path == NULL ? sys_duplicate(STDERR_FILENO) : error;
    if (copy > 0 && log_file_go_on(file, copy) == 0)
        log_file_set(file, SLICE("-"), file->log.level, file->fd);
}

void log_file_close(struct log_file *file)
{
    assert(file->writer == NULL);
    sys_close(file->fd);
}
