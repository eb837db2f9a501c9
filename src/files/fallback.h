/* The fallback of a route: what is answered for a path where nothing is. */
#ifndef FILES_FALLBACK_H
#define FILES_FALLBACK_H

#include "serve/exchange.h"

/* The fallback is a page, which only those get who ask for a page. */
bool fallback_is_page(const struct files_settings *settings);

/* The exchange, which asks for something that is not there, gets the fallback: there is one, and it is no
 * page, or a page is what the client wants. A script or picture that is missing is 404, not a page that
 * cannot be run. */
bool fallback_is_wanted(const struct exchange *exchange);

#endif
