/* Written by h1_response_write, and read as that writes it: status line, Date, fields, an empty line. */
#include "front/kept_head.h"

#include "h1/response_writer.h"
#include "serve/service.h"

void kept_head_write(const struct exchange *exchange, struct http_kept_head *keep)
{
    const struct http_response *response = &exchange->response;
    char *room = keep->end - keep->bytes_max;
    if (h1_response_size(response) > keep->bytes_max)
        return;
    keep->length = (uint16_t)h1_response_write(room, response, service_date(exchange->service), H1_PERSIST);
    memmove(keep->end - keep->length, room, keep->length);
    keep->date_offset = (uint16_t)h1_response_date_offset(response->status);
    keep->date = loop_wall_seconds(exchange->service->loop);
}

void kept_head_read(const struct http_kept_head *kept, struct http_response *response)
{
    struct slice head = slice_make(kept->end - kept->length, kept->length);
    struct slice rest = slice_skip(head, kept->date_offset + HTTP_DATE_LENGTH + 2);
    while (rest.length > 2) {
        struct slice name = slice_take(rest, slice_find(rest, ':'));
        struct slice value = slice_skip(rest, name.length + 2);
        value = slice_take(value, slice_find(value, '\r'));
        http_response_add(response, name, value);
        rest = slice_skip(rest, name.length + value.length + 4);
    }
}
