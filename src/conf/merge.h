/* YAML's rules for the keys of a map: no duplicates, and "<<" merges other maps. */
#ifndef CONF_MERGE_H
#define CONF_MERGE_H

#include "conf/document.h"

/* Completes a map whose entries have all been added. A duplicate key is reported as a mistake, and the first
 * one is used. "<<: *other", or a list of such maps, adds their entries to the map, except keys that it has
 * already; of two merged maps with the same key the first one counts. Returns 0, ERROR_LIMIT as node_add, or
 * -ENOMEM. */
int merge_complete_map(struct document *document, struct node *map,
                       struct diagnostics *diagnostics) MUST_CHECK;

#endif
