/* A writer of JSON: whoever uses it names keys and values in their order, and it adds commas, line breaks and
 * one blank of indentation a level. */
#ifndef HTTP_JSON_H
#define HTTP_JSON_H

#include "base/buffer.h"

struct json {
    struct buffer *out;
    unsigned depth;
    unsigned line_depth; /* from this depth on everything stands on one line; 0: nothing does */
    bool needs_comma;    /* something stands before what comes next */
    bool has_key;        /* a key stands before it, on the same line */
};

/* '{' or '['. */
void json_begin(struct json *json, char bracket);

/* The same, but what is in it stands on one line. */
void json_begin_line(struct json *json, char bracket);

/* '}' or ']'. */
void json_end(struct json *json, char bracket);

/* Inside braces, before each value. */
void json_key(struct json *json, const char *key);

void json_string(struct json *json, struct slice text);

/* A number, true, false or null, as it is. */
void json_raw(struct json *json, struct slice text);
void json_number(struct json *json, uint64_t number);

/* A number as printf writes it with `format`; null where it is not finite. */
void json_double(struct json *json, const char *format, double number) PRINTF_LIKE(2, 0);

/* A key and its value. */
void json_put_number(struct json *json, const char *key, uint64_t number);
void json_put_bool(struct json *json, const char *key, bool value);
void json_put_double(struct json *json, const char *key, const char *format, double number) PRINTF_LIKE(3, 0);

#endif
