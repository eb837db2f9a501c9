/* Ids of requests, where settings.request_id is on. They cost nothing until somebody asks for one. */
#ifndef SERVE_REQUEST_ID_H
#define SERVE_REQUEST_ID_H

#include "serve/exchange.h"

/* The longest id that is taken from a trusted proxy; vif's own have 32 hexadecimal digits. */
#define REQUEST_ID_LENGTH_MAX 128

/* The request's id: the one that a trusted proxy sent, else one that was made. Empty if ids are off, or
 * memory has run out. The headers of the request must be there at the first call. */
struct slice request_id_of(struct exchange *exchange);

/* For a message about the request: " [ID]", or an empty text. */
#define REQUEST_ID_TEXT_BYTES (REQUEST_ID_LENGTH_MAX + 4)
const char *request_id_text(struct exchange *exchange, char buffer[REQUEST_ID_TEXT_BYTES]);

#endif
