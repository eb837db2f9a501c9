/* The status in JSON, for scripts, for the dashboard, and for people with curl. */
#include "admin/status.h"

#include "admin/route_metrics.h"
#include "admin/server_metrics.h"
#include "admin/shield_metrics.h"
#include "http/json.h"
#include "log/reload_history.h"

#include <stdio.h>

/* The sum of the rows of COUNTER_TABLE over the workers from `first` to before `end`. */
static void put_sums(struct json *json, const struct counters_view *workers, size_t first, size_t end)
{
    json_begin(json, '{');
#define X(name, text)                          \
    uint64_t name = 0;                         \
    for (size_t i = first; i < end; i++)       \
        name += counters_at(workers, i)->name; \
    json_put_number(json, #name, name);
    COUNTER_TABLE(X)
#undef X
    json_end(json, '}');
}

static void put_workers(struct json *json, const struct counters_view *workers)
{
    json_key(json, "total");
    put_sums(json, workers, 0, workers->count);
    json_key(json, "workers");
    json_begin(json, '[');
    for (size_t i = 0; i < workers->count; i++)
        put_sums(json, workers, i, i + 1);
    json_end(json, ']');
}

static void put_durations_of(struct json *json, const struct counters_view *workers, size_t class)
{
    struct duration_histogram sum = counters_durations(workers, class);
    char name[8];
    snprintf(name, sizeof(name), "%zuxx", class + 2);
    json_key(json, name);
    json_begin_line(json, '[');
    for (size_t i = 0; i < DURATION_BUCKETS; i++)
        json_number(json, sum.counts[i]);
    json_end(json, ']');
}

static void put_durations(struct json *json, const struct counters_view *workers)
{
    static const uint32_t bounds_us[] = {DURATION_BOUNDS_US};
    json_key(json, "durations");
    json_begin(json, '{');
    json_key(json, "bounds_us");
    json_begin_line(json, '[');
    for (size_t i = 0; i < ARRAY_LENGTH(bounds_us); i++)
        json_number(json, bounds_us[i]);
    json_end(json, ']');
    for (size_t class = 0; class < STATUS_CLASSES; class ++)
        put_durations_of(json, workers, class);
    json_end(json, '}');
}

static void status_put_certificates(struct json *json, const struct admin *admin)
{
    struct admin_certificate one;
    json_key(json, "certificates");
    json_begin(json, '[');
    for (size_t i = 0; admin_certificate(admin, i, &one); i++) {
        if (one.file == NULL)
            continue;
        json_begin_line(json, '{');
        json_key(json, "file");
        json_string(json, slice_from(one.file));
        json_put_number(json, "expires", (uint64_t)MAX(one.expires, (int64_t)0));
        json_end(json, '}');
    }
    json_end(json, ']');
}

static void put_reload(struct json *json, const struct reload_record *record)
{
    json_begin_line(json, '{');
    json_put_number(json, "time", (uint64_t)record->when_seconds);
    json_put_number(json, "generation", record->generation);
    json_key(json, "result");
    json_string(json, slice_from(record->result));
    json_key(json, "text");
    json_string(json, slice_from(record->text));
    json_end(json, '}');
}

/* The newest first. */
static void put_reloads(struct json *json, const struct reload_history *history)
{
    struct reload_record list[RELOADS_KEPT];
    bool is_read = history && shared_copy(&history->version, history->list, list, sizeof(list));
    json_key(json, "reloads");
    json_begin(json, '[');
    for (size_t i = 0; is_read && i < RELOADS_KEPT && list[i].when_seconds > 0; i++)
        put_reload(json, &list[i]);
    json_end(json, ']');
}

void status_write(const struct admin *admin, int64_t now_seconds, enum status_layout layout,
                  struct buffer *out)
{
    struct json json = {.out = out};
    if (layout == STATUS_ON_ONE_LINE)
        json_begin_line(&json, '{');
    else
        json_begin(&json, '{');
    json_key(&json, "version");
    json_string(&json, SLICE(VIF_VERSION));
    json_put_bool(&json, "ready", !admin->is_draining(admin->context));
    json_put_number(&json, "uptime_seconds", (uint64_t)MAX(now_seconds - admin->began_seconds, (int64_t)0));
    put_workers(&json, &admin->workers);
    put_durations(&json, &admin->workers);
    route_metrics_write_json(&admin->workers, now_seconds, &json);
    server_metrics_write_json(admin->board, &json);
    shield_metrics_write_json(admin->shield, &json);
    status_put_certificates(&json, admin);
    put_reloads(&json, admin->reloads);
    json_end(&json, '}');
    buffer_append_byte(out, '\n');
}
