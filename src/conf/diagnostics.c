/* Collects and formats diagnostics. Printing searches each source line again, as there are at most fifty, and
 * a text has at most a megabyte. */
#include "conf/diagnostics.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define DIAGNOSTICS_BYTES_MAX (8u << 20)
#define MESSAGE_BYTES_MAX     1024

/* U+FEFF, with which some editors begin a file in UTF-8. */
#define BYTE_ORDER_MARK SLICE("\xef\xbb\xbf")

/* A longer line is shown as a window of this many characters around the place. */
#define EXCERPT_CHARACTERS 100

void diagnostics_init(struct diagnostics *diagnostics)
{
    *diagnostics = (struct diagnostics){0};
    arena_init(&diagnostics->arena, DIAGNOSTICS_BYTES_MAX);
}

void diagnostics_finish(struct diagnostics *diagnostics)
{
    arena_finish(&diagnostics->arena);
    diagnostics_init(diagnostics);
}

struct source_text *diagnostics_add_source(struct diagnostics *diagnostics, struct slice name,
                                           struct slice text, bool has_lines)
{
    struct source_text *source = arena_alloc(&diagnostics->arena, sizeof(*source));
    if (source == NULL)
        return NULL;
    if (has_lines && slice_starts_with(text, BYTE_ORDER_MARK))
        text = slice_skip(text, BYTE_ORDER_MARK.length);
    *source = (struct source_text){
        .number = diagnostics->source_count++,
        .name = arena_copy(&diagnostics->arena, name),
        .text = arena_copy(&diagnostics->arena, text),
        .has_lines = has_lines,
    };
    return source->name.data && source->text.data ? source : NULL;
}

static bool is_known(const struct diagnostics *diagnostics, const struct diagnostic *wanted)
{
    for (size_t i = 0; i < diagnostics->count; i++) {
        const struct diagnostic *known = &diagnostics->list[i];
        if (known->position.source == wanted->position.source &&
            known->position.line == wanted->position.line &&
            known->position.column == wanted->position.column && slice_equal(known->message, wanted->message))
            return true;
    }
    return false;
}

PRINTF_LIKE(3, 0)
static void diagnostics_append(struct diagnostics *diagnostics, struct diagnostic diagnostic,
                               const char *format, va_list values)
{
    char message[MESSAGE_BYTES_MAX];
    vsnprintf(message, sizeof(message), format, values);
    diagnostic.message = slice_from(message);
    if (is_known(diagnostics, &diagnostic))
        return;
    diagnostics->errors += !diagnostic.is_warning;
    if (diagnostics->count == DIAGNOSTICS_MAX) {
        diagnostics->dropped++;
        return;
    }
    struct slice copy = arena_copy(&diagnostics->arena, diagnostic.message);
    diagnostic.message = copy.data ? copy : SLICE("out of memory");
    diagnostics->list[diagnostics->count++] = diagnostic;
}

void diagnostics_add(struct diagnostics *diagnostics, struct source_position position, const char *format,
                     ...)
{
    va_list values;
    va_start(values, format);
    diagnostics_append(diagnostics, (struct diagnostic){.position = position}, format, values);
    va_end(values);
}

void diagnostics_warn(struct diagnostics *diagnostics, struct source_position position, const char *format,
                      ...)
{
    va_list values;
    va_start(values, format);
    diagnostics_append(diagnostics, (struct diagnostic){.position = position, .is_warning = true}, format,
                       values);
    va_end(values);
}

static int diagnostics_compare(const void *left, const void *right)
{
    const struct source_position *a = &((const struct diagnostic *)left)->position;
    const struct source_position *b = &((const struct diagnostic *)right)->position;
    if (a->source == NULL || b->source == NULL)
        return (a->source != NULL) - (b->source != NULL);
    if (a->source != b->source)
        return a->source->number < b->source->number ? -1 : 1;
    if (a->line != b->line)
        return a->line < b->line ? -1 : 1;
    return (a->column > b->column) - (a->column < b->column);
}

const char *position_show(struct source_position position, const struct source_text *from,
                          char text[POSITION_TEXT_MAX])
{
    text[0] = '\0';
    if (position.source == NULL || !position.source->has_lines || position.line == 0)
        return text;
    if (position.source == from)
        snprintf(text, POSITION_TEXT_MAX, " (first in line %u)", position.line);
    else
        snprintf(text, POSITION_TEXT_MAX, " (first in %.100s:%u)", position.source->name.data, position.line);
    return text;
}

size_t source_line_end(struct slice text)
{
    static const char *const ends[] = {"\r\n", "\n", "\r", "\xc2\x85", "\xe2\x80\xa8", "\xe2\x80\xa9"};
    if (text.length == 0 || strchr("\r\n\xc2\xe2", text.data[0]) == NULL)
        return 0;
    for (size_t i = 0; i < ARRAY_LENGTH(ends); i++) {
        if (slice_starts_with(text, slice_from(ends[i])))
            return strlen(ends[i]);
    }
    return 0;
}

static size_t find_line_end(struct slice text)
{
    size_t at = 0;
    while (at < text.length && source_line_end(slice_skip(text, at)) == 0)
        at++;
    return at;
}

struct slice source_line(const struct source_text *source, unsigned line)
{
    struct slice text = source->text;
    for (; line > 1; line--) {
        text = slice_skip(text, find_line_end(text));
        text = slice_skip(text, source_line_end(text));
    }
    return slice_take(text, find_line_end(text));
}

static bool begins_character(char byte)
{
    return ((unsigned char)byte & 0xc0) != 0x80;
}

size_t source_byte_of_character(struct slice line, size_t count)
{
    size_t at = 0;
    for (; at < line.length; at++) {
        if (begins_character(line.data[at]) && count-- == 0)
            break;
    }
    return at;
}

/* The length of the UTF-8 sequence at the front, as RFC 3629 section 4 allows them; 0 for anything else. */
static size_t sequence_length(struct slice text)
{
    unsigned char first = (unsigned char)text.data[0];
    size_t length = first < 0x80 ? 1 : first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if ((first >= 0x80 && first < 0xc2) || first > 0xf4 || length > text.length)
        return 0;
    for (size_t i = 1; i < length; i++) {
        if (begins_character(text.data[i]))
            return 0;
    }
    unsigned char second = length > 1 ? (unsigned char)text.data[1] : 0;
    bool is_overlong = (first == 0xe0 && second < 0xa0) || (first == 0xf0 && second < 0x90);
    bool is_out_of_range = (first == 0xed && second > 0x9f) || (first == 0xf4 && second > 0x8f);
    return is_overlong || is_out_of_range ? 0 : length;
}

/* Replaces invalid UTF-8 and terminal control characters (C0, DEL and C1) by '?', and tabs by blanks. */
static void append_visible(struct buffer *out, struct slice text)
{
    while (text.length > 0) {
        size_t length = sequence_length(text);
        unsigned char first = (unsigned char)text.data[0];
        bool is_c1 = first == 0xc2 && length == 2 && (unsigned char)text.data[1] < 0xa0;
        if (first == '\t')
            buffer_append_byte(out, ' ');
        else if (length == 0 || is_c1 || first < 0x20 || first == 0x7f)
            buffer_append_byte(out, '?');
        else
            buffer_append(out, slice_take(text, length));
        text = slice_skip(text, MAX(length, (size_t)1));
    }
}

static void append_repeated(struct buffer *out, char byte, size_t count)
{
    while (count-- > 0)
        buffer_append_byte(out, byte);
}

static const char *colour(bool colours, const char *sequence)
{
    return colours ? sequence : "";
}

/* The line of the place with a caret under it. */
static void print_excerpt(const struct source_position *position, bool colours, struct buffer *out)
{
    struct slice line = source_line(position->source, position->line);
    if (line.length == 0)
        return;
    size_t before = position->column - 1;
    size_t skipped = before > EXCERPT_CHARACTERS / 2 ? before - EXCERPT_CHARACTERS / 2 : 0;
    line = slice_skip(line, source_byte_of_character(line, skipped));
    line = slice_take(line, source_byte_of_character(line, EXCERPT_CHARACTERS));
    before -= skipped;
    size_t under = MIN((size_t)position->length, EXCERPT_CHARACTERS - before);

    if (position->source->has_lines)
        buffer_printf(out, "%5u | ", position->line);
    else
        buffer_append(out, SLICE("      | "));
    append_visible(out, line);
    buffer_append(out, SLICE("\n      | "));
    append_repeated(out, ' ', before);
    buffer_printf(out, "%s^", colour(colours, "\033[32;1m"));
    append_repeated(out, '~', under > 0 ? under - 1 : 0);
    buffer_printf(out, "%s\n", colour(colours, "\033[0m"));
}

static void print_one(const struct diagnostic *diagnostic, bool colours, struct buffer *out)
{
    const struct source_position *position = &diagnostic->position;
    buffer_append(out, slice_from(colour(colours, "\033[1m")));
    append_visible(out, position->source ? position->source->name : SLICE("vif"));
    if (position->source && position->source->has_lines && position->line > 0)
        buffer_printf(out, ":%u:%u", position->line, position->column);
    buffer_printf(out, ": %s%s:%s ", colour(colours, diagnostic->is_warning ? "\033[33m" : "\033[31m"),
                  diagnostic->is_warning ? "warning" : "error", colour(colours, "\033[0m"));
    append_visible(out, diagnostic->message);
    buffer_append_byte(out, '\n');
    if (position->source && position->line > 0)
        print_excerpt(position, colours, out);
}

void diagnostics_print(struct diagnostics *diagnostics, bool colours, struct buffer *out)
{
    qsort(diagnostics->list, diagnostics->count, sizeof(diagnostics->list[0]), diagnostics_compare);
    for (size_t i = 0; i < diagnostics->count; i++)
        print_one(&diagnostics->list[i], colours, out);
    if (diagnostics->dropped > 0)
        buffer_printf(out, "and %zu more\n", diagnostics->dropped);
}
