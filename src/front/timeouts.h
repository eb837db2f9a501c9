/* What each state of a connection may take: deadlines, and what happens when they pass. */
#ifndef FRONT_TIMEOUTS_H
#define FRONT_TIMEOUTS_H

#include "front/connection.h"

/* The connection is in a state now: sets its deadline. `is_new`: it was in another before, or in the same for
 * another request; else it only got on in it. */
void timeouts_entered(struct connection *connection, bool is_new);

/* The timer of a connection. */
void timeouts_fire(struct timer *timer);

#endif
