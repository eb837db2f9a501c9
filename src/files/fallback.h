/* The fallback of a route: the response for a path where nothing exists. */
#ifndef FILES_FALLBACK_H
#define FILES_FALLBACK_H

#include "serve/exchange.h"

/* Whether the fallback is a page, which is sent only to clients that ask for a page. */
bool fallback_is_page(const struct files_settings *settings);

/* Whether the exchange, whose path does not exist, gets the fallback: there is one, and it is not a page,
 * or the client asks for a page. A missing script or picture gets 404, not a page that it cannot use. */
bool fallback_is_wanted(const struct exchange *exchange);

#endif
