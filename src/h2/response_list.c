/* nghttp2 has seen to the rules that are about one header each (characters, pseudo-headers, and none that are
 * of HTTP/1 connections), and compares Content-Length with the content. */
#include "h2/response_list.h"

#include "http/status.h"

#include <stdlib.h>

/* A list longer than its limit times this is an attack: 16 KiB on the wire can expand to 64 MiB. */
#define BOMB_FACTOR 16

struct h2_response_list *h2_response_list_create(uint32_t room)
{
    struct h2_response_list *list = malloc(sizeof(*list) + room);
    if (list)
        list->room = room;
    return list;
}

void h2_response_list_begin(struct h2_response_list *list, uint32_t text_max, uint32_t fields_max)
{
    assert(text_max <= list->room);
    memset(&list->head, 0, offsetof(struct http_response_head, fields));
    list->head.version_major = 2;
    list->list_bytes = 0;
    list->continuations = 0;
    list->text_max = text_max;
    list->fields_max = MIN(fields_max, (uint32_t)HTTP_RESPONSE_FIELDS_MAX);
    list->text_used = 0;
}

static struct slice h2_response_list_keep(struct h2_response_list *list, struct slice bytes)
{
    assert(bytes.length <= list->text_max - list->text_used);
    char *copy = list->text + list->text_used;
    if (bytes.length > 0)
        memcpy(copy, bytes.data, bytes.length);
    list->text_used += (uint32_t)bytes.length;
    return slice_make(copy, bytes.length);
}

/* RFC 9113 section 8.6: there is no 101. */
static const char *h2_response_list_take_status(struct http_response_head *head, struct slice value)
{
    uint64_t status;
    if (value.length != 3 || !slice_to_u64(value, &status) || status < 100 || status > 599 || status == 101)
        return "its status is not one of 100 to 599 that HTTP/2 has";
    head->status = (uint16_t)status;
    return NULL;
}

static const char *h2_response_list_put(struct h2_response_list *list, struct slice name, struct slice value)
{
    struct http_response_head *head = &list->head;
    if (head->field_count >= list->fields_max)
        return "it has more headers than the limit";
    if (name.length + value.length > list->text_max - list->text_used)
        return "its head is longer than the limit";
    struct http_field *field = &head->fields[head->field_count++];
    field->name_text = h2_response_list_keep(list, name);
    field->value = h2_response_list_keep(list, value);
    field->name = http_field_lookup(field->name_text);
    if (field->name != HTTP_FIELD_OTHER && head->first[field->name] == 0)
        head->first[field->name] = head->field_count;
    return NULL;
}

const char *h2_response_list_add(struct h2_response_list *list, struct slice name, struct slice value)
{
    list->list_bytes += name.length + value.length;
    if (name.length > 0 && name.data[0] == ':')
        return h2_response_list_take_status(&list->head, value);
    return h2_response_list_put(list, name, value);
}

bool h2_response_list_is_bomb(const struct h2_response_list *list)
{
    return list->list_bytes > (uint64_t)BOMB_FACTOR * list->text_max;
}

static enum http_response_body h2_response_body(const struct http_response_head *head, bool is_end,
                                                bool is_head)
{
    if (is_head || http_status_has_no_content(head->status))
        return HTTP_RESPONSE_BODY_NONE;
    return head->has_length || is_end ? HTTP_RESPONSE_BODY_LENGTH : HTTP_RESPONSE_BODY_CHUNKED;
}

const char *h2_response_list_end(struct h2_response_list *list, bool is_end, bool is_head)
{
    struct http_response_head *head = &list->head;
    unsigned index = head->first[HTTP_FIELD_CONTENT_LENGTH];
    assert(index <= head->field_count);
    head->has_length = index > 0;
    if (index > 0 && !slice_to_u64(head->fields[index - 1].value, &head->content_length))
        return "its Content-Length is not a number";
    head->body = h2_response_body(head, is_end, is_head);
    return head->status < 200 && is_end ? "it ends with an interim response" : NULL;
}
