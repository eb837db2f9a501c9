/* Heads that are kept with files: see struct http_kept_head. Whatever the protocol of the response that made
 * one, it is in the form of HTTP/1, which can be sent as it is there, and taken apart in no time elsewhere.
 */
#ifndef FRONT_KEPT_HEAD_H
#define FRONT_KEPT_HEAD_H

#include "serve/exchange.h"

/* Keeps the head of the exchange's response, if there is room for it. */
void kept_head_write(const struct exchange *exchange, struct http_kept_head *keep);

/* Gives `response` the fields of the kept head, its content's length among them, but not the date. True where
 * these lie with the kept head, names in lower case, and live as long as that; else their names and values
 * do.
 */
bool kept_head_read(const struct http_kept_head *kept, struct http_response *response);

#endif
