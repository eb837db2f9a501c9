/* The content of error replies for which the configuration names no file: a small page that works in every browser. */
#ifndef SERVE_ERROR_PAGE_H
#define SERVE_ERROR_PAGE_H

#include "base/buffer.h"

/* Appends an HTML page that says the status, its name and in one sentence what it means to the visitor. At most
 * ERROR_PAGE_BYTES_MAX bytes. */
#define ERROR_PAGE_BYTES_MAX 4096
void error_page_make(int status, struct buffer *out);

#endif
