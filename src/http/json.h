/* A JSON writer: the caller writes keys and values in order; the writer adds commas, line breaks and one
 * blank of indentation per level. */
#ifndef HTTP_JSON_H
#define HTTP_JSON_H

#include "base/buffer.h"

struct json {
    struct buffer *out;
    unsigned depth;
    unsigned line_depth; /* from this depth on everything is on one line; 0: off */
    bool needs_comma;    /* a comma is needed before the next item */
    bool has_key;        /* a key was written, its value follows on the same line */
};

/* Writes '{' or '['. */
void json_begin(struct json *json, char bracket);

/* The same, but its content is written on one line. */
void json_begin_line(struct json *json, char bracket);

/* Writes '}' or ']'. */
void json_end(struct json *json, char bracket);

/* Inside braces: writes the key of the next value. */
void json_key(struct json *json, const char *key);

void json_string(struct json *json, struct slice text);

/* Writes a number, true, false or null as given. */
void json_raw(struct json *json, struct slice text);
void json_number(struct json *json, uint64_t number);

/* Writes a number with printf's `format`; null if it is not finite. */
void json_double(struct json *json, const char *format, double number) PRINTF_LIKE(2, 0);

/* Write a key and its value. */
void json_put_number(struct json *json, const char *key, uint64_t number);
void json_put_bool(struct json *json, const char *key, bool value);
void json_put_double(struct json *json, const char *key, const char *format, double number) PRINTF_LIKE(3, 0);

#endif
