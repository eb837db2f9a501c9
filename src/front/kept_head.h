/* Response heads that are cached with files: see struct http_kept_head. They are stored in HTTP/1 form,
 * whatever the protocol of the response that made them: HTTP/1 can send that as it is, and HTTP/2 can parse
 * it quickly. */
#ifndef FRONT_KEPT_HEAD_H
#define FRONT_KEPT_HEAD_H

#include "serve/exchange.h"

/* Stores the head of the exchange's response in `keep`, if it fits. */
void kept_head_write(const struct exchange *exchange, struct http_kept_head *keep);

/* Adds the headers of the kept head to `response`, Content-Length included, Date not. Returns true if the
 * array of headers is stored with the kept head, with names in lower case, and lives as long as it; with
 * false, only the names and values do. */
bool kept_head_read(const struct http_kept_head *kept, struct http_response *response);

#endif
