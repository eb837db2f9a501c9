/* The error log: one line per event, each with a level.
 *
 * The layer that decides what to do about an event logs it, once; layers below return errors without
 * logging. Where the lines go is up to the implementation of `write` (see log/log_file.h). */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/slice.h"

enum log_level {
    LOG_LEVEL_ERROR,   /* something was lost or refused that should not have been */
    LOG_LEVEL_WARNING, /* service continues, but someone should look */
    LOG_LEVEL_INFO,    /* start, stop, what is served */
    LOG_LEVEL_DEBUG,
};

/* The longest line; longer ones are truncated. */
#define LOG_LINE_BYTES_MAX 2048

struct log {
    enum log_level level; /* less severe lines are dropped */
    /* Writes one line, given without a newline. Must not block and must not log. */
    void (*write)(struct log *log, enum log_level level, struct slice line);
};

/* The name used in log lines and in the configuration: "error", "warning", … */
const char *log_level_name(enum log_level level);

/* Formats one line and passes it to `write`. Control characters, including those of Unicode's C1 block in
 * UTF-8, are replaced by '?', so that a client can neither forge a line nor control a terminal. */
void log_line(struct log *log, enum log_level level, const char *format, ...) PRINTF_LIKE(3, 4);

/* Replaces these in any text for people that may be a stranger's. */
void log_clean(char *bytes, size_t length);

#define log_error(log, ...)   log_line(log, LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(log, ...) log_line(log, LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(log, ...)    log_line(log, LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(log, ...)   log_line(log, LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif
