/* Lines of a head, for requests and responses (RFC 9112 sections 2.2 and 5). Inline, because they are the
 * innermost steps of parsing. */
#ifndef H1_LINE_H
#define H1_LINE_H

#include "h1/h1.h"

/* Takes one line from the front of `rest`, even an invalid one. A line ends with CRLF and must contain no
 * other CR or LF: parsers disagree about bare ones. */
static inline enum h1_head_result h1_take_line(struct slice *rest, struct slice *ret_line)
{
    size_t end = slice_find(*rest, '\n');
    if (end == rest->length)
        return H1_HEAD_MORE;
    bool is_good = end > 0 && rest->data[end - 1] == '\r';
    *ret_line = slice_take(*rest, is_good ? end - 1 : end);
    *rest = slice_skip(*rest, end + 1);
    return is_good ? H1_HEAD_DONE : H1_HEAD_BAD;
}

/* Parses field-name ":" OWS field-value OWS. No obs-fold; blanks before the colon only with
 * `allows_space`. Returns false for anything else, with `ret_field` undefined. */
static inline bool h1_parse_field_line(struct slice line, bool allows_space, struct http_field *ret_field)
{
    size_t name_end = http_token_span(line);
    size_t colon = name_end;
    while (allows_space && colon < line.length && (line.data[colon] == ' ' || line.data[colon] == '\t'))
        colon++;
    if (name_end == 0 || colon == line.length || line.data[colon] != ':')
        return false;
    ret_field->name_text = slice_take(line, name_end);
    ret_field->value = slice_trim(slice_skip(line, colon + 1));
    ret_field->name = http_field_lookup(ret_field->name_text);
    return http_is_field_value(ret_field->value);
}

#endif
