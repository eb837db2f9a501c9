/* Escaping of external text (file names, paths, messages) for HTML and JSON. */
#ifndef HTTP_ESCAPE_H
#define HTTP_ESCAPE_H

#include "base/buffer.h"

/* Appends text escaped for HTML content or a quoted attribute, on one line. Bytes that are not UTF-8
 * become U+FFFD, as in browsers. Control characters are made visible: ASCII ones by their symbols (U+2400
 * and following); others, and characters that change the text direction, as "\u202e". On failure the
 * buffer is marked as failed. */
void http_html_escape(struct buffer *buffer, struct slice text);

/* Appends text escaped for the inside of a JSON string, without the quotes (RFC 8259 section 7). Bytes
 * that are not UTF-8 become U+FFFD. '<' is escaped as well, so that the JSON may be embedded in a script
 * element. On failure the buffer is marked as failed. */
void http_json_escape(struct buffer *buffer, struct slice text);

#endif
