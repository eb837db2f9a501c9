/* Text from outside (file names, paths, messages) put into a page or into JSON without being able to leave
 * its place. */
#ifndef HTTP_ESCAPE_H
#define HTTP_ESCAPE_H

#include "base/buffer.h"

/* Appends text so that it stays text as HTML content and in a quoted attribute, on one line. Bytes that are
 * not UTF-8 become U+FFFD, since a browser would do the same. Control characters are shown: those of ASCII by
 * the symbols for them (U+2400 and following), others, and what turns the direction of text, as "\u202e". A
 * failure stays in the buffer. */
void http_html_escape(struct buffer *buffer, struct slice text);

/* Appends text as the inside of a JSON string, without the quotes around it (RFC 8259 section 7). Bytes that
 * are not UTF-8 become U+FFFD. '<' is escaped as well, so that the JSON may stand in a script element. A
 * failure stays in the buffer. */
void http_json_escape(struct buffer *buffer, struct slice text);

#endif
