/* Formatting of log lines; the only place where external text is made safe for a terminal. */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>

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

/* The length in bytes of the control character that begins at `i`: 1 for ASCII, 2 for U+0080 to U+009F
 * (terminals obey these too); 0 if there is none. */
static size_t control_length(struct slice line, size_t i)
{
    unsigned char byte = (unsigned char)line.data[i];
    if (byte < 0x20 || byte == 0x7f)
        return 1;
    if (byte != 0xc2 || i + 1 == line.length)
        return 0;
    unsigned char next = (unsigned char)line.data[i + 1];
    return next >= 0x80 && next <= 0x9f ? 2 : 0;
}

void log_clean(char *bytes, size_t length)
{
    struct slice text = slice_make(bytes, length);
    for (size_t i = 0; i < length; i++)
        memset(bytes + i, '?', control_length(text, i));
}

void log_line(struct log *log, enum log_level level, const char *format, ...)
{
    assert(log->write != NULL);
    if (level > log->level)
        return;
    char bytes[LOG_LINE_BYTES_MAX + 1];
    va_list values;
    va_start(values, format);
    int written = vsnprintf(bytes, sizeof(bytes), format, values);
    va_end(values);
    if (written < 0)
        return;
    struct slice line = slice_make(bytes, MIN((size_t)written, sizeof(bytes) - 1));
    log_clean(bytes, line.length);
    log->write(log, level, line);
}
