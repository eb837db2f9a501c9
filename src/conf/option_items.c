/* Items of arrays, filled from texts that are good by the rules of their option. */
#include "conf/option_items.h"

#include "settings/settings.h"

void option_item_text(void *item, struct slice key, struct slice value)
{
    (void)key;
    *(struct slice *)item = value;
}

void option_item_prefix(void *item, struct slice key, struct slice value)
{
    (void)value;
    ((struct route *)item)->prefix = key;
}

void option_item_field(void *item, struct slice key, struct slice value)
{
    *(struct field_edit *)item = (struct field_edit){.name = key, .value = value};
}

void option_item_removed_field(void *item, struct slice key, struct slice value)
{
    (void)key;
    *(struct field_edit *)item = (struct field_edit){.name = value};
}

void option_item_network(void *item, struct slice key, struct slice value)
{
    (void)key;
    enum network_fault fault = network_read(value, item);
    assert(fault == NETWORK_OK);
}

void option_item_cache_rule(void *item, struct slice key, struct slice value)
{
    *(struct cache_rule *)item = (struct cache_rule){.pattern = key, .value = value};
}

void option_item_media_type(void *item, struct slice key, struct slice value)
{
    *(struct media_type_rule *)item = (struct media_type_rule){.extension = key, .type = value};
}

void option_item_error_page(void *item, struct slice key, struct slice value)
{
    uint64_t status = 0;
    bool is_number = slice_to_u64(key, &status);
    assert(is_number);
    *(struct error_page *)item = (struct error_page){.status = (int)status, .path = value};
}
