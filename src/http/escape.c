/* Escaping for HTML and JSON. Both copy runs of harmless bytes at once and stop only where something is
 * replaced; both read UTF-8 strictly, because half a sequence in front of a quote has swallowed the quote in
 * more than one browser. */
#include "http/escape.h"

#define REPLACEMENT SLICE("\xef\xbf\xbd") /* U+FFFD */

static bool is_continuation(struct slice text, size_t at)
{
    return at < text.length && ((unsigned char)text.data[at] & 0xc0) == 0x80;
}

/* The length of the UTF-8 sequence at the front, 0 where there is none: RFC 3629 section 4, without overlong
 * forms, surrogates and what lies behind U+10FFFF. */
static size_t utf8_length(struct slice text)
{
    unsigned char first = (unsigned char)text.data[0];
    if (first < 0x80)
        return 1;
    if (!is_continuation(text, 1))
        return 0;
    unsigned char second = (unsigned char)text.data[1];
    if (first >= 0xc2 && first <= 0xdf)
        return 2;
    if (!is_continuation(text, 2))
        return 0;
    if (first >= 0xe0 && first <= 0xef)
        return (first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f) ? 0 : 3;
    if (first < 0xf0 || first > 0xf4 || !is_continuation(text, 3))
        return 0;
    return (first == 0xf0 && second < 0x90) || (first == 0xf4 && second > 0x8f) ? 0 : 4;
}

/* What an ASCII byte is written as; the empty slice where it stays. `scratch` may be used for it. */
#define ESCAPE_MAX 6
typedef struct slice escape_function(char byte, char scratch[ESCAPE_MAX]);

static void escape_text(struct buffer *buffer, struct slice text, escape_function *escape)
{
    char scratch[ESCAPE_MAX];
    size_t done = 0; /* what is before it has been appended */
    for (size_t at = 0; at < text.length;) {
        size_t length = utf8_length(slice_skip(text, at));
        struct slice instead = length == 1 ? escape(text.data[at], scratch) : (struct slice){0};
        if (length == 0)
            instead = REPLACEMENT;
        size_t next = at + MAX(length, (size_t)1);
        if (instead.length > 0) {
            buffer_append(buffer, slice_make(text.data + done, at - done));
            buffer_append(buffer, instead);
            done = next;
        }
        at = next;
    }
    buffer_append(buffer, slice_skip(text, done));
}

static struct slice html_escape(char byte, char scratch[ESCAPE_MAX])
{
    (void)scratch;
    switch (byte) {
    case '&': return SLICE("&amp;");
    case '<': return SLICE("&lt;");
    case '>': return SLICE("&gt;");
    case '"': return SLICE("&quot;");
    case '\'': return SLICE("&#39;");
    default: return (struct slice){0};
    }
}

static struct slice json_escape(char byte, char scratch[ESCAPE_MAX])
{
    static const char digits[] = "0123456789abcdef";
    switch (byte) {
    case '"': return SLICE("\\\"");
    case '\\': return SLICE("\\\\");
    case '\n': return SLICE("\\n");
    case '\r': return SLICE("\\r");
    case '\t': return SLICE("\\t");
    }
    unsigned value = (unsigned char)byte;
    if (value >= 0x20 && value != 0x7f && byte != '<')
        return (struct slice){0};
    memcpy(scratch, "\\u00", 4);
    scratch[4] = digits[value >> 4];
    scratch[5] = digits[value & 15];
    return slice_make(scratch, ESCAPE_MAX);
}

void http_html_escape(struct buffer *buffer, struct slice text)
{
    escape_text(buffer, text, html_escape);
}

void http_json_escape(struct buffer *buffer, struct slice text)
{
    escape_text(buffer, text, json_escape);
}
