/* The content of error responses for which the configuration names no file: a small page that works in every
 * browser, or a JSON object for programs. */
#ifndef SERVE_ERROR_PAGE_H
#define SERVE_ERROR_PAGE_H

#include "base/buffer.h"

/* No page is longer than this. */
#define ERROR_PAGE_BYTES_MAX 4096

enum error_page_format { ERROR_PAGE_HTML, ERROR_PAGE_JSON, ERROR_PAGE_FORMAT_COUNT };

/* Appends the status (400 to 599), its name, and in one sentence what it means to the visitor: `why`, or what
 * it means in general where that is NULL. JSON has them as "status", "title" and "detail", the names of RFC
 * 9457. A failure stays in the buffer. */
void error_page_make(int status, const char *why, enum error_page_format format, struct buffer *out);

/* The value of Content-Security-Policy for the HTML pages: their own style and nothing else. Lives for ever.
 */
struct slice error_page_security_policy(void);

#endif
