/* The elements of a list header such as Accept: RFC 9110 sections 5.3 and 5.6.1. All lines with its name
 * form one list, empty elements are ignored, and a comma inside a quoted string does not separate. */
#ifndef HTTP_FIELD_LIST_H
#define HTTP_FIELD_LIST_H

#include "http/request.h"

struct http_field_list {
    const struct http_field *next; /* the header to look at when `rest` is used up */
    const struct http_field *end;
    enum http_field_name name;
    struct slice rest; /* of the current line; data is NULL before the first and after the last */
};

/* The list formed by all headers with this name. */
static inline struct http_field_list http_field_list(const struct http_field *fields, unsigned count,
                                                     enum http_field_name name)
{
    return (struct http_field_list){.next = fields, .end = fields + count, .name = name};
}

/* The same for the headers of a request. */
static inline struct http_field_list http_request_list(const struct http_request *request,
                                                       enum http_field_name name)
{
    unsigned first = request->first[name];
    if (first == 0) /* a request without headers may have no array */
        return (struct http_field_list){.name = name};
    return http_field_list(request->fields + first - 1, request->field_count - (first - 1u), name);
}

/* Returns the next element, trimmed and not empty; false at the end. */
bool http_field_list_next(struct http_field_list *list, struct slice *ret_element);

/* Like slice_next, but a separator inside a quoted string (RFC 9110 section 5.6.4) is part of the element.
 * An unterminated quoted string extends to the end of the text. */
bool http_next_element(struct slice *rest, char separator, struct slice *ret_element);

/* Whether the list contains this element, ignoring case. */
bool http_field_list_has(struct http_field_list list, struct slice element);

#endif
