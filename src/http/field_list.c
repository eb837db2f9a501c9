/* Splits list headers (RFC 9110 section 5.6.1) into elements. The callers parse what is inside an element. */
#include "http/field_list.h"

/* The length of the quoted string at the front, including both quotes; the whole text if it is
 * unterminated. */
static size_t quoted_length(struct slice text)
{
    for (size_t at = 1; at < text.length; at++) {
        if (text.data[at] == '"')
            return at + 1;
        if (text.data[at] == '\\')
            at++;
    }
    return text.length;
}

static size_t element_length(struct slice text, char separator)
{
    size_t at = 0;
    while (at < text.length && text.data[at] != separator)
        at += text.data[at] == '"' ? quoted_length(slice_skip(text, at)) : 1;
    return at;
}

bool http_next_element(struct slice *rest, char separator, struct slice *ret_element)
{
    if (rest->data == NULL)
        return false;
    size_t end = element_length(*rest, separator);
    *ret_element = slice_trim(slice_take(*rest, end));
    *rest = end < rest->length ? slice_skip(*rest, end + 1) : (struct slice){0};
    return true;
}

bool http_field_list_next(struct http_field_list *list, struct slice *ret_element)
{
    struct slice element;
    for (;;) {
        while (http_next_element(&list->rest, ',', &element)) {
            if (element.length == 0)
                continue;
            *ret_element = element;
            return true;
        }
        while (list->next < list->end && list->next->name != list->name)
            list->next++;
        if (list->next == list->end)
            return false;
        list->rest = list->next++->value;
    }
}

bool http_field_list_has(struct http_field_list list, struct slice wanted)
{
    struct slice element;
    while (http_field_list_next(&list, &element)) {
        if (slice_equal_nocase(element, wanted))
            return true;
    }
    return false;
}
