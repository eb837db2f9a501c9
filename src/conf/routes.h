/* The last steps of building routes for the router: their order and their header edits. */
#ifndef CONF_ROUTES_H
#define CONF_ROUTES_H

#include "conf/options.h"

/* A prefix without its final '/', by which two prefixes of the same route may differ; "/" stays. */
struct slice route_bare_prefix(struct slice prefix);

/* Longest prefix first. */
void routes_sort(struct site *site);

/* Sets the route's header edits: of several for the same name, in any case, only the last. `room` has space
 * for all edits and becomes the route's array. */
void route_set_fields(struct route *route, const struct field_edits *edits, struct field_edit *room);

#endif
