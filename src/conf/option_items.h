/* For the member `put` of options with arrays: each fills one item with what stands in the configuration, a
 * value and, for pairs and maps, a key. */
#ifndef CONF_OPTION_ITEMS_H
#define CONF_OPTION_ITEMS_H

#include "base/slice.h"

void option_item_text(void *item, struct slice key, struct slice value);
void option_item_prefix(void *item, struct slice key, struct slice value);
void option_item_field(void *item, struct slice key, struct slice value);
void option_item_removed_field(void *item, struct slice key, struct slice value);
void option_item_network(void *item, struct slice key, struct slice value);
void option_item_cache_rule(void *item, struct slice key, struct slice value);
void option_item_media_type(void *item, struct slice key, struct slice value);
void option_item_error_page(void *item, struct slice key, struct slice value);

#endif
