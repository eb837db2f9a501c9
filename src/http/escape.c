/* Escaping for HTML and JSON. Both copy runs of unchanged bytes at once. Both decode UTF-8 strictly,
 * because an incomplete sequence before a quote has made more than one browser skip the quote. */
#include "http/escape.h"

#define REPLACEMENT SLICE("\xef\xbf\xbd") /* U+FFFD */

static bool is_continuation(struct slice text, size_t at)
{
    return at < text.length && ((unsigned char)text.data[at] & 0xc0) == 0x80;
}

/* The length of the UTF-8 sequence at the front, 0 if it is invalid: RFC 3629 section 4, without overlong
 * forms, surrogates and code points above U+10FFFF. */
static size_t utf8_length(struct slice text)
{
    assert(text.length > 0);
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

/* The replacement of an ASCII byte; the empty slice if it is unchanged. `scratch` may hold it. */
#define ESCAPE_MAX 6
typedef struct slice escape_function(char byte, char scratch[ESCAPE_MAX]);

/* Control characters outside ASCII: the C1 block, line separators, and those that change the text
 * direction, which can make "gpj.exe" look like "exe.jpg". */
static bool is_control(struct slice sequence)
{
    const unsigned char *bytes = (const unsigned char *)sequence.data;
    if (sequence.length == 2)
        return bytes[0] == 0xc2 && bytes[1] < 0xa0;
    if (sequence.length != 3 || bytes[0] != 0xe2)
        return false;
    bool is_mark_or_separator =
        bytes[1] == 0x80 && (bytes[2] == 0x8e || bytes[2] == 0x8f || (bytes[2] >= 0xa8 && bytes[2] <= 0xae));
    return is_mark_or_separator || (bytes[1] == 0x81 && bytes[2] >= 0xa6 && bytes[2] <= 0xa9);
}

/* "\\u202e". */
static struct slice code_point_escape(struct slice sequence, char scratch[ESCAPE_MAX])
{
    assert(sequence.length == 2 || sequence.length == 3);
    static const char digits[] = "0123456789abcdef";
    const unsigned char *bytes = (const unsigned char *)sequence.data;
    unsigned value = sequence.length == 2
                         ? (bytes[0] & 0x1fu) << 6 | (bytes[1] & 0x3fu)
                         : (bytes[0] & 0x0fu) << 12 | (bytes[1] & 0x3fu) << 6 | (bytes[2] & 0x3fu);
    scratch[0] = '\\';
    scratch[1] = 'u';
    for (int i = 0; i < 4; i++)
        scratch[2 + i] = digits[value >> (12 - 4 * i) & 15];
    return slice_make(scratch, ESCAPE_MAX);
}

static void escape_text(struct buffer *buffer, struct slice text, escape_function *escape)
{
    char scratch[ESCAPE_MAX];
    size_t done = 0; /* everything before it has been appended */
    for (size_t at = 0; at < text.length;) {
        size_t length = utf8_length(slice_skip(text, at));
        struct slice sequence = slice_make(text.data + at, length);
        struct slice instead = length == 1 ? escape(text.data[at], scratch) : (struct slice){0};
        if (length == 0)
            instead = REPLACEMENT;
        else if (is_control(sequence))
            instead = code_point_escape(sequence, scratch);
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
    switch (byte) {
    case '&': return SLICE("&amp;");
    case '<': return SLICE("&lt;");
    case '>': return SLICE("&gt;");
    case '"': return SLICE("&quot;");
    case '\'': return SLICE("&#39;");
    case 0x7f: return SLICE("\xe2\x90\xa1"); /* U+2421, its symbol */
    }
    if ((unsigned char)byte >= 0x20)
        return (struct slice){0};
    memcpy(scratch, "\xe2\x90", 2); /* U+2400 and following: their symbols */
    scratch[2] = (char)(0x80 + byte);
    return slice_make(scratch, 3);
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
