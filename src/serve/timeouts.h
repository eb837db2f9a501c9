/* What each state of a connection may take: deadlines, and what happens when they pass. */
#ifndef SERVE_TIMEOUTS_H
#define SERVE_TIMEOUTS_H

#include "serve/connection.h"

/* The connection is in a state now, perhaps again: sets its deadline. */
void timeouts_entered(struct connection *connection, enum connection_state before);

/* The timer of a connection. */
void timeouts_fire(struct timer *timer);

#endif
