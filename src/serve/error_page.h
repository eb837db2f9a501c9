/* The content of error replies for which the configuration names no file: a small page that works in every
 * browser. */
#ifndef SERVE_ERROR_PAGE_H
#define SERVE_ERROR_PAGE_H

#include "base/buffer.h"

/* No page is longer than this. */
#define ERROR_PAGE_BYTES_MAX 4096

/* Appends an HTML page that says the status (400 to 599), its name, and in one sentence what it means to the
 * visitor. A failure stays in the buffer. */
void error_page_make(int status, struct buffer *out);

/* The value of Content-Security-Policy for these pages: their own style and nothing else. Lives for ever. */
struct slice error_page_security_policy(void);

#endif
