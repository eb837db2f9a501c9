/* Counting a request's headers, and moving its borrowed slices to a copy of their bytes. */
#include "http/request.h"

static inline void move(struct slice *slice, const char *from, size_t length, const char *to)
{
    uintptr_t offset = (uintptr_t)slice->data - (uintptr_t)from;
    if (offset <= length)
        slice->data = to + offset;
}

void http_request_move(struct http_request *request, const char *from, size_t length, const char *to)
{
    move(&request->method_text, from, length, to);
    move(&request->target, from, length, to);
    move(&request->host, from, length, to);
    move(&request->path, from, length, to);
    move(&request->query, from, length, to);
    for (unsigned i = 0; i < request->field_count; i++) {
        move(&request->fields[i].name_text, from, length, to);
        move(&request->fields[i].value, from, length, to);
    }
}

unsigned http_request_count(const struct http_request *request, enum http_field_name name)
{
    unsigned count = 0;
    for (unsigned i = 0; i < request->field_count; i++)
        count += request->fields[i].name == name;
    return count;
}
