/* What YAML says about the keys of one map: none twice, and "<<" brings those of other maps. */
#ifndef CONF_MERGE_H
#define CONF_MERGE_H

#include "conf/document.h"

/* Completes a map whose entries have all been added. A key that is there twice is a mistake, reported; the
 * first one counts. "<<: *other", or a list of such maps, gives its entries to the map, but for keys that it
 * has; of two that bring the same key the first counts. Returns 0, ERROR_LIMIT as node_add, or -ENOMEM. */
int merge_complete_map(struct document *document, struct node *map,
                       struct diagnostics *diagnostics) MUST_CHECK;

#endif
