/* Handlers without a state: what they answer stands in the settings of the route. For every method. */
#ifndef HANDLERS_HANDLERS_H
#define HANDLERS_HANDLERS_H

#include "serve/handler.h"

/* The configured redirect, in whose location parts of the request may stand. */
extern const struct handler_type redirect_handler;

/* The configured response. */
extern const struct handler_type fixed_handler;

#endif
