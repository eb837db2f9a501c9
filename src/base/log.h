/* The log that operators read: one line an event, each with a level.
 *
 * A layer that decides what to do about an event logs it, once; layers below return errors and stay silent.
 * Where the lines go is the sink's business (see log/log_file.h); base knows only this door. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/slice.h"

enum log_level {
    LOG_LEVEL_ERROR,   /* something is lost or refused that should not be */
    LOG_LEVEL_WARNING, /* service goes on, but someone should look */
    LOG_LEVEL_INFO,    /* start, stop, what is served */
    LOG_LEVEL_DEBUG,
};

/* The longest line; more is cut off. */
#define LOG_LINE_BYTES_MAX 2048

struct log {
    enum log_level level; /* lines above it are not made */
    /* Takes one line without a newline; must not block and must not log. */
    void (*write)(struct log *log, enum log_level level, struct slice line);
};

/* The name as it stands in lines and in the configuration: "error", "warning", … */
const char *log_level_name(enum log_level level);

/* Formats and hands on one line. Control characters, those of Unicode's C1 block in UTF-8 too, are replaced
 * by
 * '?', so that nothing a client sends can forge a line or drive a terminal. */
void log_line(struct log *log, enum log_level level, const char *format, ...) PRINTF_LIKE(3, 4);

#define log_error(log, ...)   log_line(log, LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(log, ...) log_line(log, LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(log, ...)    log_line(log, LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(log, ...)   log_line(log, LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif
