/* Finding rows of the table of options, and showing their defaults and ranges. */
#include "conf/options.h"
#include "conf/quantity.h"

#include <stdio.h>

const struct option *option_next(enum option_section section, const struct option *option)
{
    const struct option *end = options + option_count;
    for (option = option ? option + 1 : options; option < end; option++) {
        if (option->section == section)
            return option;
    }
    return NULL;
}

const struct option *option_find(enum option_section section, struct slice key)
{
    const struct option *option = NULL;
    while ((option = option_next(section, option)) != NULL) {
        if (slice_equal(slice_from(option->key), key) || option_has_old_key(option, key))
            return option;
    }
    return NULL;
}

bool option_has_old_key(const struct option *option, struct slice key)
{
    return option->old_key && slice_equal(slice_from(option->old_key), key);
}

const struct option *option_at(struct slice path)
{
    const struct option *option = NULL;
    struct slice step;
    while (slice_next(&path, '.', &step)) {
        bool has_items = option && option->kind != OPTION_SECTION;
        if (has_items && !slice_next(&path, '.', &step))
            break;
        option = option_find(option ? option->child : SECTION_TOP, step);
        assert(option != NULL);
    }
    return option;
}

bool option_takes_zero(const struct option *option)
{
    return option->min == 0 || (option->zero && strcmp(option->zero, "none") == 0);
}

static const char *show_quantity(const struct option *option, uint64_t value, char *buffer)
{
    if (option->kind == OPTION_BYTES)
        return quantity_show_bytes(value, buffer);
    if (option->kind == OPTION_DURATION)
        return quantity_show_duration(value, buffer);
    snprintf(buffer, QUANTITY_TEXT_MAX, "%llu", (unsigned long long)value);
    return buffer;
}

static_assert(OPTION_TEXT_MAX >= 2 * QUANTITY_TEXT_MAX, "two quantities fit");

const char *option_range(const struct option *option, char buffer[OPTION_TEXT_MAX])
{
    char min[QUANTITY_TEXT_MAX];
    char max[QUANTITY_TEXT_MAX];
    snprintf(buffer, OPTION_TEXT_MAX, "%.24s to %.24s", show_quantity(option, option->min, min),
             show_quantity(option, option->max, max));
    return buffer;
}

/* Rows of the settings show what settings_set_defaults says; all of them are quantities or truth values. */
static const char *default_of_settings(const struct option *option, char buffer[OPTION_TEXT_MAX])
{
    struct settings pristine = {0};
    settings_set_defaults(&pristine);
    const char *member = (const char *)&pristine + option->offset;
    uint32_t narrow;
    uint64_t value;
    if (option->kind == OPTION_BOOL)
        return *(const bool *)member ? "true" : "false";
    if (option->size == sizeof(narrow)) {
        memcpy(&narrow, member, sizeof(narrow));
        value = narrow;
    } else {
        assert(option->size == sizeof(value));
        memcpy(&value, member, sizeof(value));
    }
    return value == 0 && option->zero ? option->zero : show_quantity(option, value, buffer);
}

const char *option_default(const struct option *option, char buffer[OPTION_TEXT_MAX])
{
    if (option->object == OBJECT_SETTINGS && option->size > 0 && option->kind <= OPTION_DURATION)
        return default_of_settings(option, buffer);
    return option->fallback;
}
