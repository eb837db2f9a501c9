/* Written by h1_response_write, and read as that writes it: status line, Date, fields, an empty line. That is
 * done once where the result has room: it stands at the beginning of the room whose end the head is, an array
 * and behind it the names in lower case. Values are those in the head. */
#include "front/kept_head.h"

#include "h1/response_writer.h"
#include "serve/service.h"

/* Heads with more headers are parsed for each response. */
#define FIELDS_MAX 24

/* Splits off the next header; returns false at the empty line. */
static bool next_field(struct slice *rest, struct http_response_field *ret_field)
{
    if (rest->length <= 2)
        return false;
    struct slice name = slice_take(*rest, slice_find(*rest, ':'));
    struct slice value = slice_skip(*rest, name.length + 2);
    value = slice_take(value, slice_find(value, '\r'));
    *rest = slice_skip(*rest, name.length + value.length + 4);
    *ret_field = (struct http_response_field){name, value};
    return true;
}

static struct slice fields_of(const struct http_kept_head *kept)
{
    struct slice head = slice_make(kept->end - kept->length, kept->length);
    return slice_skip(head, kept->date_offset + HTTP_DATE_LENGTH + 2);
}

static struct slice put_lower(char *out, struct slice name)
{
    for (size_t i = 0; i < name.length; i++)
        out[i] = ascii_lower(name.data[i]);
    return slice_make(out, name.length);
}

/* Into what the head has left of its room. */
static void put_fields(struct http_kept_head *keep)
{
    struct http_response_field fields[FIELDS_MAX];
    struct slice rest = fields_of(keep);
    char *room = keep->end - keep->bytes_max;
    size_t size = (size_t)(keep->bytes_max - keep->length), names = 0;
    unsigned count = 0;
    while (count < FIELDS_MAX && next_field(&rest, &fields[count]))
        names += fields[count++].name.length;
    keep->fields = NULL;
    if (rest.length > 2 || count * sizeof(*fields) + names > size)
        return;
    char *name = room + count * sizeof(*fields);
    for (unsigned i = 0; i < count; i++) {
        fields[i].name = put_lower(name, fields[i].name);
        name += fields[i].name.length;
    }
    memcpy(room, fields, count * sizeof(*fields));
    keep->fields = (const struct http_response_field *)(const void *)room;
    keep->field_count = count;
}

void kept_head_write(const struct exchange *exchange, struct http_kept_head *keep)
{
    const struct http_response *response = &exchange->response;
    if (h1_response_size(response) > keep->bytes_max) /* 0 where there was no memory for one */
        return;
    char *room = keep->end - keep->bytes_max;
    keep->length = (uint16_t)h1_response_write(room, response, service_date(exchange->service), H1_PERSIST);
    memmove(keep->end - keep->length, room, keep->length);
    keep->date_offset = (uint16_t)h1_response_date_offset(response->status);
    keep->date = loop_wall_seconds(exchange->service->loop);
    put_fields(keep);
}

bool kept_head_read(const struct http_kept_head *kept, struct http_response *response)
{
    if (LIKELY(kept->fields)) {
        response->fields = (struct http_response_field *)kept->fields;
        response->field_count = response->fields_max = kept->field_count;
        return true;
    }
    struct http_response_field field;
    struct slice rest = fields_of(kept);
    while (next_field(&rest, &field))
        http_response_add(response, field.name, field.value);
    return false;
}
