/* A family for each row of SHIELD_TABLE. */
#include "admin/shield_metrics.h"

#include <inttypes.h>
#include <stdio.h>

static void put_shield_figure(const struct metrics_writer *metrics, const char *name, const char *type,
                              const char *help, uint64_t value)
{
    char family[64];
    snprintf(family, sizeof(family), "shield_%s", name);
    metrics_put_family(metrics, family, type, help);
    buffer_printf(metrics->out, "vif_%s%s %" PRIu64 "\n", family,
                  strcmp(type, "counter") == 0 ? "_total" : "", value);
}

void shield_metrics_write(const struct shield_figures *figures, enum metrics_format format,
                          struct buffer *out)
{
    const struct metrics_writer metrics = {.format = format, .out = out};
    if (figures == NULL)
        return;
#define X(name, type, text) put_shield_figure(&metrics, #name, type, text, figures->name);
    SHIELD_TABLE(X)
#undef X
}

void shield_metrics_write_json(const struct shield_figures *figures, struct json *json)
{
    json_key(json, "shield");
    if (figures == NULL || !figures->is_on) {
        json_raw(json, SLICE("null"));
        return;
    }
    json_begin_line(json, '{');
#define X(name, type, text) json_put_number(json, #name, figures->name);
    SHIELD_TABLE(X)
#undef X
    json_end(json, '}');
}
