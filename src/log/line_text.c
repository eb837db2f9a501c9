/* Parts of log lines. */
#include "log/line_text.h"

#include <time.h>

static bool line_text_is_plain(unsigned char byte)
{
    return byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\';
}

char *line_text_put_escaped(char *out, struct slice bytes, struct slice prefix, size_t bytes_max)
{
    static const char digits[] = "0123456789abcdef";
    static const struct slice cut = {.data = "...", .length = 3};
    const char *last = out + bytes_max - cut.length - prefix.length - 2;
    for (size_t i = 0; i < bytes.length; i++) {
        unsigned char byte = (unsigned char)bytes.data[i];
        if (UNLIKELY(out > last))
            return line_text_put(out, cut);
        if (LIKELY(line_text_is_plain(byte))) {
            *out++ = (char)byte;
            continue;
        }
        out = line_text_put(out, prefix);
        *out++ = digits[byte >> 4];
        *out++ = digits[byte & 15];
    }
    return out;
}

void line_clock_init(struct line_clock *clock)
{
    clock->json.seconds = clock->common.seconds = -1;
}

static char *put_second(struct line_second *second, char *out, int64_t now, const char *format)
{
    if (UNLIKELY(now != second->seconds)) {
        time_t seconds = (time_t)now;
        struct tm tm;
        gmtime_r(&seconds, &tm);
        second->length = strftime(second->text, sizeof(second->text), format, &tm);
        second->seconds = now;
    }
    return line_text_put(out, slice_make(second->text, second->length));
}

static char *put_milliseconds(char *out, unsigned milliseconds)
{
    *out++ = '.';
    *out++ = (char)('0' + milliseconds / 100);
    *out++ = (char)('0' + milliseconds / 10 % 10);
    *out++ = (char)('0' + milliseconds % 10);
    return out;
}

#pragma GCC diagnostic ignored "-Wformat-nonliteral"

char *line_clock_put_json(struct line_clock *clock, char *out, int64_t seconds, unsigned milliseconds)
{
    out = put_second(&clock->json, out, seconds, "%Y-%m-%dT%H:%M:%S");
    out = put_milliseconds(out, milliseconds);
    return line_text_put(out, SLICE("Z"));
}

char *line_clock_put_common(struct line_clock *clock, char *out, int64_t seconds)
{
    return put_second(&clock->common, out, seconds, "%d/%b/%Y:%H:%M:%S +0000");
}
