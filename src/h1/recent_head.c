/* The recent head. To keep one takes some time, which is lost where no two heads are the same: so only one of
 * several is kept. */
#include "h1/recent_head.h"

/* So many others are parsed before one takes the recent one's place. */
#define OTHERS_MAX 16

static bool are_same_limits(const struct h1_limits *a, const struct h1_limits *b)
{
    return a->head_bytes == b->head_bytes && a->uri_bytes == b->uri_bytes && a->fields == b->fields &&
           a->body_bytes == b->body_bytes;
}

/* The request but for where its fields are put and how many may be. */
static void copy_request(struct http_request *to, const struct http_request *from, struct slice head,
                         const char *copy)
{
    memcpy(to, from, offsetof(struct http_request, fields_max));
    memcpy(to->fields, from->fields, from->field_count * sizeof(struct http_field));
    http_request_move(to, head.data, head.length, copy);
}

bool h1_recent_head_take(const struct h1_recent_head *recent, struct h1 *engine, struct slice *input,
                         struct http_request *request)
{
    size_t length = recent->length;
    if (length == 0 || input->length < length || memcmp(input->data, recent->bytes, length) != 0)
        return false;
    if (recent->request.field_count > request->fields_max ||
        !are_same_limits(&recent->limits, engine->limits))
        return false;
    copy_request(request, &recent->request, slice_make(recent->request.method_text.data, length),
                 input->data);
    h1_take_head(engine, input, length, request);
    return true;
}

void h1_recent_head_note(struct h1_recent_head *recent, const struct h1 *engine,
                         const struct http_request *request, const char *end)
{
    struct slice head = slice_make(request->method_text.data, (size_t)(end - request->method_text.data));
    if (head.length > H1_RECENT_BYTES || request->field_count > H1_RECENT_FIELDS)
        return;
    if (recent->length > 0 && ++recent->others < OTHERS_MAX)
        return;
    recent->length = head.length;
    recent->limits = *engine->limits;
    recent->others = 0;
    recent->request.fields = recent->fields;
    memcpy(recent->bytes, head.data, head.length);
    copy_request(&recent->request, request, head, recent->bytes);
}
