/* What each state of a connection may take: deadlines, and what happens when they pass. */
#ifndef FRONT_TIMEOUTS_H
#define FRONT_TIMEOUTS_H

#include "front/client.h"
#include "settings/settings.h"

/* The connection is in a state now: sets its deadline. `is_new`: it was in another before, or in the same for
 * another request; else it only got on in it. */
void timeouts_entered(struct front_client *client, bool is_new);

/* Whether the connection may be closed to make room for another: nobody loses an answer that he is taking at
 * a reasonable speed, or a request that he is sending so. A connection that gets on is measured anew from
 * here.
 */
bool timeouts_may_be_spared(struct front_client *client);

/* The service has other settings than `former` now. A deadline that was set stays, and a window of progress
 * that has begun is measured by the more patient of the settings that were in force since: so nobody is cut
 * off who keeps to those that his wait began with. What begins from now on goes by the new ones. */
void timeouts_change(struct front *front, const struct timeouts *former);

/* The timer of a connection. */
void timeouts_fire(struct timer *timer);

#endif
