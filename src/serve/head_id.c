/* Each part is hashed under what came out of those before it, so that neither their order nor where one ends
 * is lost. Whoever adds something to the settings that shows in the head of a 200 with a file adds it here:
 * tests/unit/server/test_settings_cache.c goes through all of them. */
#include "serve/head_id.h"

#include "base/hash.h"
#include "serve/cors.h"

static void head_id_add(struct hash_key *id, struct slice part)
{
    /* Removing a header differs from setting an empty one. */
    id->k1 += part.data == NULL;
    id->k0 = hash_bytes(id, part);
}

static void add_number(struct hash_key *id, uint64_t number)
{
    head_id_add(id, slice_make((const char *)&number, sizeof(number)));
}

static void add_files(struct hash_key *id, const struct files_settings *files)
{
    head_id_add(id, files->fallback);
    head_id_add(id, files->charset);
    add_number(id, files->type_count);
    for (size_t i = 0; i < files->type_count; i++) {
        head_id_add(id, files->types[i].extension);
        head_id_add(id, files->types[i].type);
    }
    add_number(id, files->cache_rule_count);
    for (size_t i = 0; i < files->cache_rule_count; i++) {
        head_id_add(id, files->cache_rules[i].pattern);
        head_id_add(id, files->cache_rules[i].value);
    }
}

void head_ids_of(const struct settings *settings, const struct site *site, const struct route *route,
                 uint64_t ret_ids[2])
{
    struct hash_key id = {0};
    add_number(&id, settings->server_field);
    add_number(&id, cors_kind_of(route));
    add_number(&id, route->cors_origin_count);
    for (size_t i = 0; i < route->cors_origin_count; i++)
        head_id_add(&id, route->cors_origins[i]);
    for (size_t i = 0; i < route->field_edit_count; i++) {
        head_id_add(&id, route->field_edits[i].name);
        head_id_add(&id, route->field_edits[i].value);
    }
    add_files(&id, &route->files);
    ret_ids[0] = id.k0 | 1;
    if (site->hsts_value.length > 0)
        head_id_add(&id, site->hsts_value);
    ret_ids[1] = id.k0 | 1;
}
