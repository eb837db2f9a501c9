/* The last steps that make routes what the router expects: their order, and their fields. */
#ifndef CONF_ROUTES_H
#define CONF_ROUTES_H

#include "conf/options.h"

/* Without the final '/' that two prefixes of one route may differ by; "/" stays. */
struct slice route_bare_prefix(struct slice prefix);

/* Longest prefix first. */
void routes_sort(struct site *site);

/* Gives the route its edits: of several for one name, whatever its case, only the last. `room` is for as many
 * items as there are edits, and becomes the route's. */
void route_set_fields(struct route *route, const struct field_edits *edits, struct field_edit *room);

#endif
