/* Lists of response fields. They are short: linear search beats anything cleverer. */
#include "http/response.h"

#include "http/status.h"

void http_response_init(struct http_response *response, int status)
{
    response->status = status;
    response->content_length = 0;
    response->no_length = http_status_has_no_content(status);
    response->field_count = 0;
}

void http_response_add(struct http_response *response, struct slice name, struct slice value)
{
    if (response->field_count < HTTP_RESPONSE_FIELDS_MAX)
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
