/* What is written before an item depends on the previous one: nothing after a bracket or a key, otherwise
 * a comma; then a new line, unless the container is written on one line. */
#include "http/json.h"

#include "http/escape.h"

#include <math.h>
#include <stdio.h>

static void new_line(struct json *json)
{
    if (json->line_depth > 0)
        return;
    buffer_append_byte(json->out, '\n');
    for (unsigned i = 0; i < json->depth; i++)
        buffer_append_byte(json->out, ' ');
}

/* Writes what comes before a value, or before a key. */
static void begin_item(struct json *json)
{
    if (json->has_key) {
        json->has_key = false;
        return;
    }
    if (json->needs_comma)
        buffer_append(json->out, json->line_depth > 0 ? SLICE(", ") : SLICE(","));
    if (json->depth > 0)
        new_line(json);
}

void json_begin(struct json *json, char bracket)
{
    assert(bracket == '{' || bracket == '[');
    begin_item(json);
    buffer_append_byte(json->out, bracket);
    json->depth++;
    json->needs_comma = false;
}

void json_begin_line(struct json *json, char bracket)
{
    json_begin(json, bracket);
    if (json->line_depth == 0)
        json->line_depth = json->depth;
}

void json_end(struct json *json, char bracket)
{
    assert(json->depth > 0 && !json->has_key);
    assert(bracket == '}' || bracket == ']');
    assert(json->line_depth <= json->depth);
    json->depth--;
    if (json->needs_comma)
        new_line(json);
    if (json->depth < json->line_depth)
        json->line_depth = 0;
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
    assert(json->depth > 0 && !json->has_key);
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

void json_double(struct json *json, const char *format, double number)
{
    char text[64];
    int length = isfinite(number) ? snprintf(text, sizeof(text), format, number) : 0;
    bool is_whole = length > 0 && length < (int)sizeof(text);
    json_raw(json, is_whole ? slice_make(text, (size_t)length) : SLICE("null"));
}

void json_put_number(struct json *json, const char *key, uint64_t number)
{
    json_key(json, key);
    json_number(json, number);
}

void json_put_bool(struct json *json, const char *key, bool value)
{
    json_key(json, key);
    json_raw(json, value ? SLICE("true") : SLICE("false"));
}

void json_put_double(struct json *json, const char *key, const char *format, double number)
{
    json_key(json, key);
    json_double(json, format, number);
}
