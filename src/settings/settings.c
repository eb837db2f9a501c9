/* Life of the settings: created with defaults, filled by its builder, then shared by reference. */
#include "settings/settings.h"

#include <stdlib.h>

#define SETTINGS_BYTES_MAX (64u << 20)

void settings_set_defaults(struct settings *settings)
{
    settings->limits = (struct limits){
        .connections = 16384,
        .connections_per_address = 0,
        .head_bytes = 16384,
        .uri_bytes = 8192,
        .fields = 100,
        .body_bytes = 1u << 20,
        .requests_per_connection = 0,
        .cache_bytes = 64u << 20,
        .cache_file_bytes = 256u << 10,
        .cache_entries = 2048,
    };
    settings->timeouts = (struct timeouts){
        .handshake_ms = 10000,
        .head_ms = 10000,
        .body_ms = 20000,
        .idle_ms = 60000,
        .write_ms = 20000,
        .linger_ms = 5000,
        .drain_ms = 30000,
        .rate_bytes_min = 240,
    };
    settings->server_field = true;
}

struct settings *settings_create(void)
{
    struct settings *settings = calloc(1, sizeof(*settings));
    if (settings == NULL)
        return NULL;
    settings->references = 1;
    arena_init(&settings->arena, SETTINGS_BYTES_MAX);
    settings_set_defaults(settings);
    return settings;
}

void settings_unref(struct settings *settings)
{
    if (settings == NULL)
        return;
    assert(settings->references > 0);
    if (--settings->references > 0)
        return;
    arena_finish(&settings->arena);
    free(settings);
}
