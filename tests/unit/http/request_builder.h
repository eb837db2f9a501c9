/* Requests for tests, made from field lines; every value lies in an allocation of exactly its size, so that a
 * read past its end is seen. A request begins as zeros. */
#ifndef TESTS_UNIT_HTTP_REQUEST_BUILDER_H
#define TESTS_UNIT_HTTP_REQUEST_BUILDER_H

#include "http/request.h"

#include <stdlib.h>

/* Adds a field; an unknown name is HTTP_FIELD_OTHER. */
static inline void request_add(struct http_request *request, enum http_field_name name, struct slice value)
{
    char *copy = malloc(value.length + (value.length == 0));
    if (value.length > 0)
        memcpy(copy, value.data, value.length);
    if (request->fields == NULL)
        request->fields = malloc(HTTP_FIELDS_MAX * sizeof(struct http_field));
    assert(copy != NULL && request->fields != NULL && request->field_count < HTTP_FIELDS_MAX);
    request->fields[request->field_count++] =
        (struct http_field){.name = name, .name_text = http_field_text(name), .value = {copy, value.length}};
    if (request->first[name] == 0)
        request->first[name] = request->field_count;
}

/* Adds "Name: value" lines separated by '\n', as many as fit; lines without a colon are passed over. */
static inline void request_add_lines(struct http_request *request, struct slice lines)
{
    struct slice line;
    while (slice_next(&lines, '\n', &line) && request->field_count < HTTP_FIELDS_MAX) {
        size_t colon = slice_find(line, ':');
        if (colon == line.length)
            continue;
        request_add(request, http_field_lookup(slice_take(line, colon)),
                    slice_trim(slice_skip(line, colon + 1)));
    }
}

/* Gives the fields' memory back. */
static inline void request_free(struct http_request *request)
{
    for (unsigned i = 0; i < request->field_count; i++)
        free((char *)request->fields[i].value.data);
    free(request->fields);
    request->fields = NULL;
    request->field_count = 0;
}

#endif
