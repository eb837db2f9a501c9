/* Timeouts of the states of a connection: deadlines, and what happens when they expire. */
#ifndef FRONT_TIMEOUTS_H
#define FRONT_TIMEOUTS_H

#include "front/client.h"
#include "settings/settings.h"

/* Sets the deadline of the client's state. `is_new`: it just entered the state, or is in it for another
 * request; false: it made progress in the state. */
void timeouts_entered(struct front_client *client, bool is_new);

/* Whether the connection may be closed to make room for another: not while its client receives a response or
 * sends a request at a reasonable rate. If it made progress, its measurement restarts now. */
bool timeouts_may_be_spared(struct front_client *client);

/* The settings have changed; `former` are the previous timeouts. Deadlines that are set stay. A measurement
 * of progress that has begun uses the most generous of the settings in force since its begin, so that no
 * client is cut off that complies with the settings its wait began with. Waits that begin later use the new
 * settings. */
void timeouts_change(struct front *front, const struct timeouts *former);

/* The callback of a client's timer. */
void timeouts_fire(struct timer *timer);

#endif
