/* Reads a document by the table of options. Sections are read in the order of the table, not of the file, so
 * that a site's headers are known before its routes. After a mistake reading continues, so that all mistakes
 * are reported; the result is discarded then. Read load_section first. */
#include "conf/load.h"

#include "base/error.h"
#include "conf/checks.h"
#include "conf/quantity.h"
#include "conf/routes.h"
#include "conf/server_file.h"
#include "conf/unknown.h"
#include "conf/yaml.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static void load_section(struct loader *loader, enum option_section section, const struct node *node);

static void load_site(struct loader *loader, const struct node *node, struct site *site)
{
    struct field_edits fields = {0};
    const struct node *outer = loader->scope;
    loader->scope = node;
    loader->objects[OBJECT_SITE] = site;
    loader->objects[OBJECT_HTTPS] = &site->https;
    loader->objects[OBJECT_FIELD_EDITS] = &fields;
    load_section(loader, SECTION_SITE, node);
    loader->scope = outer;
}

static void load_listener(struct loader *loader, const struct node *node, struct listener_settings *listener)
{
    loader->objects[OBJECT_LISTENER] = listener;
    loader->objects[OBJECT_HTTPS] = &listener->https;
    load_section(loader, SECTION_LISTENER, node);
}

static void load_item(struct loader *loader, enum option_section section, const struct node *node, void *item)
{
    switch (section) {
    case SECTION_SITE: load_site(loader, node, item); break;
    case SECTION_LISTENER: load_listener(loader, node, item); break;
    case SECTION_SERVER:
        loader->objects[OBJECT_SERVER] = item;
        load_section(loader, section, node);
        break;
    default: loader->objects[OBJECT_CERTIFICATE] = item; load_section(loader, section, node);
    }
}

/* Whether the node can be a list of sections; reports it if not. */
static bool check_sections(struct loader *loader, const struct option *option, const struct node *node)
{
    bool takes_lone = sections[option->child].short_key != NULL && node->kind == NODE_TEXT;
    if (option->child == SECTION_SITE && (node->kind != NODE_LIST || node->entry_count == 0))
        loader_report_kind(loader, option, node,
                           node->kind == NODE_MAP ? "a list of sites, each beginning with \"- \""
                                                  : "a list of at least one site");
    else if (node->kind == NODE_MAP)
        loader_report_kind(loader, option, node, "a list");
    else
        return option->max == 0 || takes_lone || loader_check_count(loader, option, node, "list");
    return false;
}

void loader_read_sections(struct loader *loader, const struct option *option, const struct node *node)
{
    if (!check_sections(loader, option, node))
        return;
    bool is_lone = node->kind == NODE_TEXT;
    char *item = loader_grow(loader, option, is_lone ? 1 : node->entry_count);
    if (item && is_lone)
        load_item(loader, option->child, node, item);
    for (struct entry *entry = is_lone || !item ? NULL : node->first; entry; entry = entry->next) {
        load_item(loader, option->child, entry->value, item);
        item += option->item_size;
    }
}

static void load_route(struct loader *loader, const struct node *node, struct route *route)
{
    struct field_edits *outer = loader->objects[OBJECT_FIELD_EDITS];
    struct field_edits fields = *outer;
    loader->objects[OBJECT_ROUTE] = route;
    loader->objects[OBJECT_FIELD_EDITS] = &fields;
    load_section(loader, SECTION_ROUTE, node);
    struct field_edit *room = loader_allocate(loader, fields.count, sizeof(*room));
    if (room)
        route_set_fields(route, &fields, room);
    check_early_hints(loader, node);
    loader->objects[OBJECT_FIELD_EDITS] = outer;
}

static void load_routes(struct loader *loader, const struct option *option, const struct node *node)
{
    size_t count = 0;
    NODE_FOREACH(entry, node)
    count += entry->key && !key_is_extension(entry->key);
    if (count == 0) {
        loader_report_kind(loader, option, node,
                           "a map of at least one path, such as \"/\", and what answers there");
        return;
    }
    struct route *route = (struct route *)loader_grow(loader, option, count);
    for (struct entry *entry = route ? node->first : NULL; entry; entry = entry->next) {
        struct slice prefix;
        if (key_is_extension(entry->key))
            continue;
        if (loader_read_text(loader, option, option->key_rule, entry->key, &prefix)) {
            option->put(route, prefix, (struct slice){0});
            loader_claim(loader, option, route_bare_prefix(prefix), entry->key);
        }
        load_route(loader, entry->value, route++);
    }
    if (route)
        check_redirects(loader, node);
    routes_sort(loader->objects[OBJECT_SITE]);
}

/* The alternatives share the route's memory: clears what another one left there (a mistake that is reported
 * later), so that it is not taken for a value of this one. */
static void clear_alternatives(struct route *route)
{
    *route = (struct route){
        .prefix = route->prefix,
        .cors_origins = route->cors_origins,
        .cors_origin_count = route->cors_origin_count,
        .early_hints = route->early_hints,
        .field_edits = route->field_edits,
        .field_edit_count = route->field_edit_count,
    };
}

/* "tls: true", and "tls: false". */
static bool is_truth(const struct node *node, bool *ret_truth)
{
    return node->kind == NODE_TEXT && node->is_plain && quantity_read_bool(node->text, ret_truth);
}

/* The common access log and those of sites have the same options. */
static void choose_access_log(struct loader *loader, const struct option *option)
{
    struct config *config = loader->objects[OBJECT_CONFIG];
    struct site *site = loader->objects[OBJECT_SITE];
    if (option->child == SECTION_ACCESS_LOG)
        loader->objects[OBJECT_ACCESS_LOG] =
            option->section == SECTION_SITE ? &site->log : &config->access_log;
}

static void load_child(struct loader *loader, const struct option *option, const struct node *node)
{
    bool is_on = true;
    bool is_all = option->is_switch && is_truth(node, &is_on);
    if (option->is_alternative)
        clear_alternatives(loader->objects[OBJECT_ROUTE]);
    choose_access_log(loader, option);
    if (option->is_alternative || (option->is_switch && is_on))
        loader_store(loader, option, (uint64_t)option->constant);
    if (!is_all)
        load_section(loader, option->child, node);
    else if (is_on && (option->child == SECTION_HEALTH || option->child == SECTION_STICKY ||
                       option->child == SECTION_ROTATE)) /* its defaults hold; those of TLS come later */
        load_section(loader, option->child, &(struct node){.kind = NODE_MAP, .position = node->position});
}

static void load_option(struct loader *loader, const struct option *option, const struct node *node)
{
    switch (option->kind) {
    case OPTION_BOOL:
    case OPTION_NUMBER:
    case OPTION_BYTES:
    case OPTION_DURATION:
    case OPTION_WORD:
    case OPTION_TEXT:
    case OPTION_TEXTS:
    case OPTION_PAIRS: loader_read_value(loader, option, node); break;
    case OPTION_SECTION: load_child(loader, option, node); break;
    case OPTION_SECTIONS: loader_read_sections(loader, option, node); break;
    case OPTION_SECTION_MAP: load_routes(loader, option, node); break;
    }
}

/* An option that is not there: its default, which is right by itself, or a section of defaults. */
static void load_default(struct loader *loader, const struct option *option, const struct node *map)
{
    struct source_position position = map->position;
    struct node text = {.kind = NODE_TEXT, .position = position, .text = slice_from(option->fallback)};
    struct node empty = {.kind = NODE_MAP, .position = position};
    char name[OPTION_TEXT_MAX];
    if (option->is_required && !unknown_explains(option->section, map, option))
        diagnostics_add(loader->diagnostics, position, "%s is missing", loader_option_name(option, name));
    else if (option->fallback && !option->is_switch)
        load_option(loader, option, &text);
    else if (option->kind == OPTION_SECTION && !option->is_alternative && !option->is_switch)
        load_child(loader, option, &empty);
}

/* "files, redirect, respond". */
static const char *list_alternatives(enum option_section section, char text[OPTION_TEXT_MAX])
{
    size_t length = 0;
    text[0] = '\0';
    for (const struct option *option = NULL; (option = option_next(section, option)) != NULL;) {
        if (option->is_alternative && length < OPTION_TEXT_MAX)
            length += (size_t)snprintf(text + length, OPTION_TEXT_MAX - length, "%s%s", length ? ", " : "",
                                       option->key);
    }
    return text;
}

/* Exactly one of the section's alternatives must be present. */
static void check_alternatives(struct loader *loader, enum option_section section, const struct node *node)
{
    bool has_alternatives = false;
    bool is_explained = false;
    unsigned given = 0;
    const struct node *last = node;
    for (const struct option *option = NULL; (option = option_next(section, option)) != NULL;) {
        const struct node *value = option->is_alternative ? node_get(node, slice_from(option->key)) : NULL;
        has_alternatives |= option->is_alternative;
        is_explained |= option->is_alternative && unknown_explains(section, node, option);
        given += value != NULL;
        last = value ? value : last;
    }
    char text[OPTION_TEXT_MAX];
    const char *name = section == SECTION_ROUTE ? "this route" : section_name(section);
    if (has_alternatives && given == 0 && !is_explained)
        diagnostics_add(loader->diagnostics, node->position, "%s needs one of %s", name,
                        list_alternatives(section, text));
    if (given > 1)
        diagnostics_add(loader->diagnostics, last->position, "%s can have only one of %s",
                        section == SECTION_ROUTE ? "a route" : name, list_alternatives(section, text));
}

/* A former key means the same as the new one, with a warning; both together are a mistake. */
static void config_check_key(struct loader *loader, enum option_section section, const struct node *node,
                             const struct node *key)
{
    const struct option *option = option_find(section, key->text);
    if (key_is_extension(key))
        return;
    if (option == NULL)
        unknown_report(loader->diagnostics, section, key);
    else if (option_has_old_key(option, key->text) && node_get(node, slice_from(option->key)))
        diagnostics_add(loader->diagnostics, key->position,
                        "\"%s\" is the old name of \"%s\", which is there too", option->old_key, option->key);
    else if (option_has_old_key(option, key->text))
        diagnostics_warn(loader->diagnostics, key->position,
                         "\"%s\" is called \"%s\" now; the next release will not know the old name",
                         option->old_key, option->key);
}

static const struct node *option_value(const struct option *option, const struct node *node)
{
    const struct node *value = node_get(node, slice_from(option->key));
    return value || option->old_key == NULL ? value : node_get(node, slice_from(option->old_key));
}

static void load_map(struct loader *loader, enum option_section section, const struct node *node)
{
    NODE_FOREACH(entry, node)
    config_check_key(loader, section, node, entry->key);
    for (const struct option *option = NULL; (option = option_next(section, option)) != NULL;) {
        const struct node *value = option_value(option, node);
        if (value)
            load_option(loader, option, value);
        else
            load_default(loader, option, node);
    }
    check_alternatives(loader, section, node);
    if (section == SECTION_RESPOND)
        check_respond(loader, node);
    if (section == SECTION_FILES)
        check_files(loader, node);
    if (section == SECTION_TLS)
        check_tls(loader, node);
    if (section == SECTION_PROXY) {
        server_file_load(loader, node);
        check_proxy_tls(loader, node);
        check_proxy_protocol(loader, node);
    }
    if (section == SECTION_HSTS)
        check_hsts(loader, node);
    if (section == SECTION_ROTATE)
        check_rotation(loader, node);
    if (section == SECTION_SHIELD)
        check_shield(loader, node);
}

/* What to write in place of a single text. */
static const char *text_hint(enum option_section section)
{
    return section == SECTION_ROUTE  ? "; to serve a folder, write {files: FOLDER}"
           : section == SECTION_SITE ? "; each site is a map with `routes`"
                                     : "";
}

/* Creates the map with one entry that a single value stands for. */
static void load_lone(struct loader *loader, enum option_section section, const char *key_text,
                      const struct node *node)
{
    struct node key = {.kind = NODE_TEXT, .text = slice_from(key_text)};
    struct entry entry = {.key = &key, .value = (struct node *)node};
    load_map(loader, section,
             &(struct node){.kind = NODE_MAP, .position = node->position, .first = &entry, .entry_count = 1});
}

static void load_section(struct loader *loader, enum option_section section, const struct node *node)
{
    const char *short_key = sections[section].short_key;
    const char *list_key = sections[section].list_key;
    if (node->kind == NODE_MAP) {
        load_map(loader, section, node);
    } else if (node->kind == NODE_TEXT && node->text.length == 0 && short_key == NULL) {
        /* "limits:" with all its options commented out. */
        load_map(loader, section, &(struct node){.kind = NODE_MAP, .position = node->position});
    } else if (node->kind == NODE_TEXT && short_key) {
        load_lone(loader, section, short_key, node);
    } else if (node->kind == NODE_LIST && list_key) {
        load_lone(loader, section, list_key, node);
    } else {
        char text[OPTION_TEXT_MAX];
        diagnostics_add(loader->diagnostics, node->position, "%s: expected a map of options, not %s%s",
                        section_name(section), loader_found(node, text),
                        node->kind == NODE_TEXT ? text_hint(section) : "");
    }
}

static int load_all(struct loader *loader, const struct document *document)
{
    const struct node *listen = node_get(document->root, SLICE("listen"));
    const struct node *sites = node_get(document->root, SLICE("sites"));
    if (document->root->entry_count > 0)
        load_section(loader, SECTION_TOP, document->root);
    else
        diagnostics_add(loader->diagnostics, document->root->position,
                        "the file is empty; the least is \"sites: [{routes: {/: {files: FOLDER}}}]\"");
    if (listen)
        check_listeners(loader, listen);
    if (sites && sites->kind == NODE_LIST) {
        check_site_logs(loader, sites);
        check_https(loader, listen ? listen : document->root, sites);
        check_admin(loader, listen ? listen : document->root);
        check_proxied(loader, listen ? listen : document->root);
    }
    claims_check(&loader->claims, loader->diagnostics);
    claims_finish(&loader->claims);
    if (loader->out_of_memory)
        return -ENOMEM;
    return loader->diagnostics->errors > 0 ? ERROR_SYNTAX : 0;
}

/* systemd names the folder that it made for the logs of a unit (LogsDirectory=), of several the first. */
static struct slice log_folder(struct slice base_folder)
{
    const char *folders = getenv("LOGS_DIRECTORY");
    struct slice all = folders ? slice_from(folders) : (struct slice){0};
    return slice_starts_with(all, SLICE("/")) ? slice_take(all, slice_find(all, ':')) : base_folder;
}

int config_build(const struct document *document, struct slice base_folder, struct diagnostics *diagnostics,
                 struct config **ret_config)
{
    return config_build_within(document, base_folder, NULL, diagnostics, ret_config);
}

int config_build_within(const struct document *document, struct slice base_folder, const struct arena *within,
                        struct diagnostics *diagnostics, struct config **ret_config)
{
    assert(slice_starts_with(base_folder, SLICE("/")));
    struct config *config = calloc(1, sizeof(*config));
    if (config == NULL)
        return -ENOMEM;
    int error = -ENOMEM;
    config->settings = settings_create();
    if (config->settings) {
        struct arena *arena = &config->settings->arena;
        *arena = within ? *within : *arena;
        struct loader loader = {
            .diagnostics = diagnostics,
            .arena = arena,
            .rules = {.arena = arena, .base_folder = base_folder, .log_folder = log_folder(base_folder)},
            .objects = {[OBJECT_CONFIG] = config, [OBJECT_SETTINGS] = config->settings},
        };
        error = load_all(&loader, document);
    }
    if (error) {
        config_destroy(config);
        return error;
    }
    *ret_config = config;
    return 0;
}

int config_load(struct slice name, struct slice text, struct slice base_folder,
                struct diagnostics *diagnostics, struct config **ret_config)
{
    struct document document = {0};
    const struct source_text *source = diagnostics_add_source(diagnostics, name, text, true);
    int error = source ? document_init(&document) : -ENOMEM;
    if (error == 0)
        error = yaml_read(source, diagnostics, &document);
    if (error == 0)
        error = config_build(&document, base_folder, diagnostics, ret_config);
    document_finish(&document);
    return error;
}

void config_destroy(struct config *config)
{
    if (config == NULL)
        return;
    settings_unref(config->settings);
    free(config);
}
