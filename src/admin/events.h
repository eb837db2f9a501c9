/* The status as server-sent events: one each second, for as long as the client stays. */
#ifndef ADMIN_EVENTS_H
#define ADMIN_EVENTS_H

struct exchange;

void events_respond(struct exchange *exchange);

#endif
