/* The two formats, side by side. Lines of Markdown are broken at 110 columns, since people read the file as
 * it is; man(1) breaks its own. */
#include "conf/page.h"

#define COLUMNS_MAX 110

/* roff takes backslashes, and dots and quotes that begin a line, for its own; a hyphen that is to be copied
 * is \-. */
static void append_roff_byte(struct buffer *out, char byte)
{
    bool begins_line = out->length == 0 || out->data[out->length - 1] == '\n';
    if (begins_line && (byte == '.' || byte == '\''))
        buffer_append(out, SLICE("\\&"));
    if (byte == '\\')
        buffer_append(out, SLICE("\\e"));
    else if (byte == '-')
        buffer_append(out, SLICE("\\-"));
    else
        buffer_append_byte(out, byte);
}

static void append_roff(struct buffer *out, const char *text)
{
    bool in_code = false;
    for (; *text; text++) {
        if (*text != '`') {
            append_roff_byte(out, *text);
            continue;
        }
        in_code = !in_code;
        buffer_append(out, in_code ? SLICE("\\fB") : SLICE("\\fR"));
    }
}

/* The length of the next word, where blanks inside `code` do not end one. */
static size_t word_length(struct slice text)
{
    bool in_code = false;
    size_t length = 0;
    while (length < text.length && (in_code || text.data[length] != ' '))
        in_code ^= text.data[length++] == '`';
    return length;
}

/* Breaks lines; `column` is where the text begins, `indent` where later lines do. */
static void append_wrapped(struct buffer *out, const char *text, size_t column, size_t indent)
{
    struct slice rest = slice_from(text);
    while (rest.length > 0) {
        size_t length = word_length(rest);
        if (column > indent && column + 1 + length > COLUMNS_MAX) {
            buffer_printf(out, "\n%*s", (int)indent, "");
            column = indent;
        } else if (column > indent) {
            buffer_append_byte(out, ' ');
            column++;
        }
        buffer_append(out, slice_take(rest, length));
        column += length;
        rest = slice_skip(rest, MIN(length + 1, rest.length));
    }
}

void page_heading(const struct manual_page *page, unsigned level, const char *text)
{
    static const char *const marks[] = {"", "#", "##", "###"};
    assert(level >= 1 && level <= 3);
    if (page->format == PAGE_MARKDOWN) {
        buffer_printf(page->out, "%s%s %s\n", page->out->length > 0 ? "\n" : "", marks[level], text);
        return;
    }
    buffer_printf(page->out, "%s ", level == 1 ? ".SH" : ".SS");
    append_roff(page->out, text);
    buffer_append_byte(page->out, '\n');
}

void page_paragraph(const struct manual_page *page, const char *text)
{
    if (page->format == PAGE_MARKDOWN) {
        buffer_append_byte(page->out, '\n');
        append_wrapped(page->out, text, 0, 0);
    } else {
        buffer_append(page->out, SLICE(".PP\n"));
        append_roff(page->out, text);
    }
    buffer_append_byte(page->out, '\n');
}

static void markdown_entry(struct buffer *out, const char *term, const char *remark, const char *text)
{
    buffer_printf(out, "\n- **`%s`**%s%s  \n  ", term, remark[0] ? " · " : "", remark);
    append_wrapped(out, text, 2, 2);
    buffer_append_byte(out, '\n');
}

void page_entry(const struct manual_page *page, const char *term, const char *remark, const char *text)
{
    struct buffer *out = page->out;
    if (page->format == PAGE_MARKDOWN) {
        markdown_entry(out, term, remark, text);
        return;
    }
    buffer_append(out, SLICE(".TP\n.B "));
    append_roff(out, term);
    buffer_append_byte(out, '\n');
    if (remark[0]) {
        append_roff(out, remark);
        buffer_append(out, SLICE("\n.br\n"));
    }
    append_roff(out, text);
    buffer_append_byte(out, '\n');
}

void page_code(const struct manual_page *page, const char *text)
{
    struct buffer *out = page->out;
    bool is_markdown = page->format == PAGE_MARKDOWN;
    buffer_append(out, is_markdown ? SLICE("\n```yaml\n") : SLICE(".PP\n.RS 4\n.EX\n"));
    for (; *text; text++) {
        if (is_markdown)
            buffer_append_byte(out, *text);
        else
            append_roff_byte(out, *text);
    }
    buffer_append(out, is_markdown ? SLICE("```\n") : SLICE(".EE\n.RE\n"));
}
