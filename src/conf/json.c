/* See the header. */
#include "conf/json.h"

#include "http/escape.h"

static void new_line(struct json *json)
{
    buffer_append_byte(json->out, '\n');
    for (unsigned i = 0; i < json->depth; i++)
        buffer_append_byte(json->out, ' ');
}

/* What stands before a value, or before a key. */
static void begin_item(struct json *json)
{
    if (json->has_key) {
        json->has_key = false;
        return;
    }
    if (json->needs_comma)
        buffer_append_byte(json->out, ',');
    if (json->depth > 0)
        new_line(json);
}

void json_begin(struct json *json, char bracket)
{
    begin_item(json);
    buffer_append_byte(json->out, bracket);
    json->depth++;
    json->needs_comma = false;
}

void json_end(struct json *json, char bracket)
{
    assert(json->depth > 0 && !json->has_key);
    json->depth--;
    if (json->needs_comma)
        new_line(json);
    buffer_append_byte(json->out, bracket);
    json->needs_comma = true;
}

void json_string(struct json *json, struct slice text)
{
    begin_item(json);
    buffer_append_byte(json->out, '"');
    http_json_escape(json->out, text);
    buffer_append_byte(json->out, '"');
    json->needs_comma = true;
}

void json_key(struct json *json, const char *key)
{
    json_string(json, slice_from(key));
    buffer_append(json->out, SLICE(": "));
    json->has_key = true;
}

void json_raw(struct json *json, struct slice text)
{
    begin_item(json);
    buffer_append(json->out, text);
    json->needs_comma = true;
}

void json_number(struct json *json, uint64_t number)
{
    char text[U64_DIGITS_MAX];
    json_raw(json, slice_make(text, format_u64(text, number)));
}
