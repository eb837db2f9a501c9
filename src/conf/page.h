/* Writes a page of documentation as Markdown or as a manual page, man(7). In texts, code is in backquotes. */
#ifndef CONF_PAGE_H
#define CONF_PAGE_H

#include "base/buffer.h"

enum page_format { PAGE_MARKDOWN, PAGE_MAN };

struct manual_page {
    struct buffer *out;
    enum page_format format;
};

/* `level` 1 to 3. */
void page_heading(const struct manual_page *page, unsigned level, const char *text);
void page_paragraph(const struct manual_page *page, const char *text);

/* Writes a term with its explanation: a short remark (may be empty) and a sentence. */
void page_entry(const struct manual_page *page, const char *term, const char *remark, const char *text);

/* Writes preformatted lines; the text ends with a line break. */
void page_code(const struct manual_page *page, const char *text);

#endif
