/* What a route can do with a request, one function a kind. Each answers the exchange, at once or later. */
#ifndef SERVE_HANDLERS_H
#define SERVE_HANDLERS_H

#include "serve/exchange.h"

/* GET, HEAD and OPTIONS of a folder's files: files.c. */
void files_handle(struct exchange *exchange);

/* The configured redirect, for every method: redirect.c. */
void redirect_handle(struct exchange *exchange);

/* The configured response, for every method: fixed.c. */
void fixed_handle(struct exchange *exchange);

/* Answers 301 with the request's path and a '/' behind it, and its query: redirect.c. */
void redirect_to_folder(struct exchange *exchange);

/* Answers 302 with the request's path, a folder's, and the name of one of its entries behind it: redirect.c.
 */
void redirect_to_entry(struct exchange *exchange, struct slice name);

/* Ends the begun response, an error, with the file at this path beneath the root: files.c. */
void files_respond_error(struct exchange *exchange, struct root *root, struct slice path);

#endif
