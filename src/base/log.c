/* Formatting of log lines; the only place where text from outside is made safe for a terminal. */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>

#define LOG_LINE_BYTES_MAX 2048

const char *log_level_name(enum log_level level)
{
    switch (level) {
    case LOG_LEVEL_ERROR: return "error";
    case LOG_LEVEL_WARNING: return "warning";
    case LOG_LEVEL_INFO: return "info";
    case LOG_LEVEL_DEBUG: return "debug";
    }
    UNREACHABLE();
}

void log_line(struct log *log, enum log_level level, const char *format, ...)
{
    if (level > log->level)
        return;
    char line[LOG_LINE_BYTES_MAX];
    va_list values;
    va_start(values, format);
    int written = vsnprintf(line, sizeof(line), format, values);
    va_end(values);
    if (written < 0)
        return;
    size_t length = MIN((size_t)written, sizeof(line) - 1);
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)line[i];
        if (byte < 0x20 || byte == 0x7f)
            line[i] = '?';
    }
    log->write(log, level, slice_make(line, length));
}
