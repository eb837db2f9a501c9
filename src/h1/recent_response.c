/* The recent response. Storing one takes some time, which is wasted if no two heads are the same; so only one
 * of several is stored. */
#include "h1/recent_response.h"

/* The number of other heads parsed before one replaces the recent one. */
#define OTHERS_MAX 16

static bool h1_recent_response_applies(const struct h1_recent_response *recent,
                                       const struct h1_response_parser *engine)
{
    return recent->method == engine->method && recent->is_strict == engine->is_strict &&
           h1_limits_equal(&recent->limits, engine->limits);
}

const struct http_response_head *h1_recent_response_take(const struct h1_recent_response *recent,
                                                         struct h1_response_parser *engine,
                                                         struct slice *input)
{
    size_t length = recent->length;
    if (length == 0 || input->length < length || h1_response_is_inside(engine) ||
        memcmp(input->data, recent->bytes, length) != 0 || !h1_recent_response_applies(recent, engine))
        return NULL;
    *input = slice_skip(*input, length);
    h1_response_skip_head(engine, recent->head.body, recent->head.content_length);
    return &recent->head;
}

static void h1_recent_response_move(struct slice *slice, const char *from, const char *to)
{
    slice->data = to + (slice->data - from);
}

void h1_recent_response_note(struct h1_recent_response *recent, const struct h1_response_parser *engine,
                             const struct http_response_head *head, struct slice text)
{
    if (text.length > H1_RECENT_RESPONSE_BYTES || (recent->length > 0 && ++recent->others < OTHERS_MAX))
        return;
    recent->length = text.length;
    recent->limits = *engine->limits;
    recent->method = (enum http_method)engine->method;
    recent->is_strict = engine->is_strict;
    recent->others = 0;
    memcpy(recent->bytes, text.data, text.length);
    memcpy(&recent->head, head,
           offsetof(struct http_response_head, fields) + head->field_count * sizeof(head->fields[0]));
    h1_recent_response_move(&recent->head.reason, text.data, recent->bytes);
    for (unsigned i = 0; i < head->field_count; i++) {
        h1_recent_response_move(&recent->head.fields[i].name_text, text.data, recent->bytes);
        h1_recent_response_move(&recent->head.fields[i].value, text.data, recent->bytes);
    }
}
