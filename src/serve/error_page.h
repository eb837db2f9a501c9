/* The content of error responses without a configured error page: a small page that works in every browser,
 * or a JSON object for programs. */
#ifndef SERVE_ERROR_PAGE_H
#define SERVE_ERROR_PAGE_H

#include "base/buffer.h"

/* Upper bound of a page's size. */
#define ERROR_PAGE_BYTES_MAX 4096

enum error_page_format { ERROR_PAGE_HTML, ERROR_PAGE_JSON, ERROR_PAGE_FORMAT_COUNT };

/* Appends the page for a status (400 to 599): number, name, and one sentence for the visitor, which is `why`,
 * or a general one if NULL. In JSON they are "status", "title" and "detail" (RFC 9457). Out of memory is
 * recorded in the buffer. */
void error_page_make(int status, const char *why, enum error_page_format format, struct buffer *out);

/* Content-Security-Policy for the HTML pages: allows only their own style. A constant. */
struct slice error_page_security_policy(void);

#endif
