/* Lists of response headers. They are short, so linear search is fastest. */
#include "http/response.h"

#include "http/status.h"

/* Nearly all responses have fewer headers. */
#define FIELDS_FIRST 16

void http_response_begin(struct http_response *response, int status)
{
    assert(status >= 100 && status <= 999);
    response->status = status;
    response->content_length = 0;
    response->no_length = http_status_has_no_content(status);
    response->lacks_fields = false;
    response->field_count = 0;
    response->date = (struct slice){0};
}

/* Arrays that became too small stay in the arena: together they are smaller than the current one. */
static bool http_response_grow(struct http_response *response)
{
    assert(response->field_count == response->fields_max && response->arena != NULL);
    unsigned fields_max = response->fields_max ? 2 * response->fields_max : FIELDS_FIRST;
    struct http_response_field *fields = arena_alloc(response->arena, fields_max * sizeof(*fields));
    if (fields == NULL)
        return false;
    if (response->field_count > 0)
        memcpy(fields, response->fields, response->field_count * sizeof(*fields));
    response->fields = fields;
    response->fields_max = fields_max;
    return true;
}

void http_response_add(struct http_response *response, struct slice name, struct slice value)
{
    assert(name.length > 0 && response->field_count <= response->fields_max);
    if (UNLIKELY(response->field_count == response->fields_max) && !http_response_grow(response)) {
        response->lacks_fields = true;
        return;
    }
    response->fields[response->field_count++] = (struct http_response_field){name, value};
}

void http_response_remove(struct http_response *response, struct slice name)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < response->field_count; i++) {
        if (!slice_equal_nocase(response->fields[i].name, name))
            response->fields[kept++] = response->fields[i];
    }
    response->field_count = kept;
}
