/* Writing the parts of a log line. The functions write to `out` and return the end; whoever calls them knows
 * that there is room. */
#ifndef LOG_LINE_TEXT_H
#define LOG_LINE_TEXT_H

#include "base/buffer.h"

static inline char *line_text_put(char *out, struct slice bytes)
{
    memcpy(out, bytes.data, bytes.length);
    return out + bytes.length;
}

static inline char *line_text_put_number(char *out, uint64_t value)
{
    return out + format_u64(out, value);
}

/* The most bytes that line_text_put_escaped needs at least, to show that something was cut. */
#define LINE_TEXT_BYTES_MIN 16

/* At most `bytes_max` bytes; what is cut ends with "...". Everything except plain ASCII becomes `prefix` and
 * two hexadecimal digits: "\x0a", or in JSON "\u000a". Non-ASCII bytes are escaped one by one, since their
 * encoding is unknown. */
char *line_text_put_escaped(char *out, struct slice bytes, struct slice prefix, size_t bytes_max);

/* The times of lines; each form is made anew once a second. */
struct line_clock {
    struct line_second {
        int64_t seconds; /* in `text`; -1: none yet */
        size_t length;
        char text[32];
    } json, common;
};

void line_clock_init(struct line_clock *clock);

/* "2026-11-26T21:19:17.889Z" and "26/Nov/2026:21:19:17 +0000". */
char *line_clock_put_json(struct line_clock *clock, char *out, int64_t seconds, unsigned milliseconds);
char *line_clock_put_common(struct line_clock *clock, char *out, int64_t seconds);

#endif
