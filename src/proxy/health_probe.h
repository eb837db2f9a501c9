/* One check of a server's health: opens a connection of its own, never one of the pool, and asks for a path
 * if the settings name one. So it waits for nobody's request. */
#ifndef PROXY_HEALTH_PROBE_H
#define PROXY_HEALTH_PROBE_H

#include "proxy/upstream.h"

struct health_probe;

/* `fault` is NULL if the server is well; otherwise text for people, valid during the call. */
typedef void health_probe_done(void *context, const char *fault);

/* Begins a check. `done` is called once, perhaps before this returns; `settings` must live until then.
 * Returns the check, or NULL if it is over already. */
struct health_probe *health_probe_begin(struct upstream *upstream, const struct proxy_settings *settings,
                                        health_probe_done *done, void *context);

/* `done` gets this context from now on. */
void health_probe_hand_over(struct health_probe *probe, void *context);

/* Gives up; `done` is not called. */
void health_probe_cancel(struct health_probe *probe);

/* Whether a response's status is among the good ones of the settings. */
bool health_is_good_status(struct slice range, unsigned status);

/* Whether a response has the header that the settings want: "NAME" or "NAME: VALUE". */
bool health_has_header(const struct http_field *fields, unsigned count, struct slice wanted);

#endif
