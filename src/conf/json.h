/* Writing JSON, indented by one blank a level; commas and line breaks come by themselves. */
#ifndef CONF_JSON_H
#define CONF_JSON_H

#include "base/buffer.h"

struct json {
    struct buffer *out;
    unsigned depth;
    bool needs_comma; /* something stands before what comes next */
    bool has_key;     /* a key stands before it, on the same line */
};

/* '{' or '['. */
void json_begin(struct json *json, char bracket);

/* '}' or ']'. */
void json_end(struct json *json, char bracket);

/* Inside braces, before each value. */
void json_key(struct json *json, const char *key);

void json_string(struct json *json, struct slice text);

/* A number, true, false or null, as it is. */
void json_raw(struct json *json, struct slice text);
void json_number(struct json *json, uint64_t number);

#endif
