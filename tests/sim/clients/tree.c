/* The tree, as a table: each kind of file that vif treats in a way of its own is there at least once. */
#include "tree.h"

#include <stdio.h>

#define PUBLIC SIM_SITE "/public"
#define DOCS   SIM_SITE "/docs"
#define MOVED  SIM_SITE "/moved"

#define DAY_NS INT64_C(86400000000000)

/* Sizes that are chosen when the file is made; see size_of. */
enum size_kind {
    SIZE_ANY,
    SIZE_EMPTY,
    SIZE_ONE,
    SIZE_SMALL,
    SIZE_CACHE_LESS, /* around what is kept in memory */
    SIZE_CACHE,
    SIZE_CACHE_MORE,
    SIZE_LARGE,
};

enum area_number { IN_PUBLIC, IN_DOCS };

static const struct entry {
    const char *name; /* beneath the area's root */
    enum area_number area;
    enum size_kind size;
    const char *type;
    enum change_kind change;
    bool is_negotiated;
} entries[] = {
    {"index.html", IN_PUBLIC, SIZE_SMALL, "text/html; charset=utf-8", CHANGE_REPLACE, false},
    {"empty.txt", IN_PUBLIC, SIZE_EMPTY, "text/plain; charset=utf-8", CHANGE_NEVER, false},
    {"one.txt", IN_PUBLIC, SIZE_ONE, "text/plain; charset=utf-8", CHANGE_NEVER, false},
    {"less.bin", IN_PUBLIC, SIZE_CACHE_LESS, "application/octet-stream", CHANGE_NEVER, false},
    {"edge.bin", IN_PUBLIC, SIZE_CACHE, "application/octet-stream", CHANGE_NEVER, false},
    {"more.bin", IN_PUBLIC, SIZE_CACHE_MORE, "application/octet-stream", CHANGE_NEVER, false},
    {"style.css", IN_PUBLIC, SIZE_SMALL, "text/css; charset=utf-8", CHANGE_NEVER, true},
    {"script.js", IN_PUBLIC, SIZE_ANY, "text/javascript; charset=utf-8", CHANGE_REPLACE, true},
    {"data.json", IN_PUBLIC, SIZE_ANY, "application/json", CHANGE_REPLACE, false},
    {"large.bin", IN_PUBLIC, SIZE_LARGE, "application/octet-stream", CHANGE_REPLACE, false},
    {"video.png", IN_PUBLIC, SIZE_LARGE, "image/png", CHANGE_NEVER, false},
    {"written.txt", IN_PUBLIC, SIZE_ANY, "text/plain; charset=utf-8", CHANGE_WRITE, false},
    {"written.bin", IN_PUBLIC, SIZE_LARGE, "application/octet-stream", CHANGE_WRITE, false},
    {"growing.txt", IN_PUBLIC, SIZE_ANY, "text/plain; charset=utf-8", CHANGE_APPEND, false},
    {"growing.bin", IN_PUBLIC, SIZE_LARGE, "application/octet-stream", CHANGE_APPEND, false},
    {"restless.html", IN_PUBLIC, SIZE_SMALL, "text/html; charset=utf-8", CHANGE_VANISH, false},
    {"restless.bin", IN_PUBLIC, SIZE_LARGE, "application/octet-stream", CHANGE_VANISH, false},
    {"deep/er/page.html", IN_PUBLIC, SIZE_ANY, "text/html; charset=utf-8", CHANGE_REPLACE, false},
    {"deep/er/index.html", IN_PUBLIC, SIZE_SMALL, "text/html; charset=utf-8", CHANGE_NEVER, false},
    {".well-known/x.json", IN_PUBLIC, SIZE_SMALL, "application/json", CHANGE_NEVER, false},
    {".hidden/secret.txt", IN_PUBLIC, SIZE_SMALL, "text/plain; charset=utf-8", CHANGE_NEVER, false},
    {"missing.html", IN_PUBLIC, SIZE_SMALL, "text/html; charset=utf-8", CHANGE_NEVER, true},
    {"a.txt", IN_DOCS, SIZE_SMALL, "text/plain; charset=utf-8", CHANGE_REPLACE, false},
    {"b%C3%A9.txt", IN_DOCS, SIZE_ANY, "text/plain; charset=utf-8", CHANGE_NEVER, false},
    {"sub/c.svg", IN_DOCS, SIZE_ANY, "image/svg+xml", CHANGE_NEVER, true},
};

static const char *const folders[] = {
    PUBLIC,         PUBLIC "/deep", PUBLIC "/deep/er", PUBLIC "/.well-known", PUBLIC "/.hidden",
    PUBLIC "/bare", DOCS,           DOCS "/sub",       DOCS "/void",          MOVED,
    MOVED "/sub",   MOVED "/void",
};

static const char *const docs_members[] = {"a.txt", "b%C3%A9.txt", "sub/", "void/", NULL};
static const char *const sub_members[] = {"c.svg", NULL};
static const char *const no_members[] = {NULL};

/* What a plain name stands for on the disk: "%C3%A9" in the tables is how the URL has it. */
static void decode(char *text)
{
    char *out = text;
    for (const char *from = text; *from; out++) {
        unsigned value;
        if (*from == '%' && sscanf(from + 1, "%2x", &value) == 1) {
            *out = (char)value;
            from += 3;
        } else {
            *out = *from++;
        }
    }
    *out = '\0';
}

uint64_t tree_size(const struct website *website, struct sim_chance *chance)
{
    uint64_t cache = website->limits->cache_file_bytes;
    switch (sim_below(chance, 8)) {
    case 0: return 0;
    case 1: return sim_between(chance, cache > 2 ? cache - 2 : 0, cache + 2);
    case 2: return sim_between(chance, 65534, 65538);
    case 3: return sim_size(chance, 400000);
    default: return sim_size(chance, 20000);
    }
}

static uint64_t size_of(const struct website *website, enum size_kind kind, struct sim_chance *chance)
{
    uint64_t cache = website->limits->cache_file_bytes;
    switch (kind) {
    case SIZE_ANY: return tree_size(website, chance);
    case SIZE_EMPTY: return 0;
    case SIZE_ONE: return 1;
    case SIZE_SMALL: return sim_between(chance, 1, 3000);
    case SIZE_CACHE_LESS: return MAX(cache, 1u) - 1;
    case SIZE_CACHE: return cache;
    case SIZE_CACHE_MORE: return cache + 1;
    case SIZE_LARGE:
        return sim_one_in(chance, 6) ? sim_between(chance, 1, 1400000) : sim_size(chance, 400000);
    }
    UNREACHABLE();
}

/* Long ago, a moment ago, now, or in the future, as a clock that was wrong would have it. */
static int64_t modified_of(struct sim_chance *chance)
{
    int64_t now = sim_wall_ns();
    switch (sim_below(chance, 6)) {
    case 0: return now - (int64_t)sim_below(chance, 30000000);
    case 1: return now + DAY_NS + (int64_t)sim_below(chance, 1000000000);
    case 2: return now - (int64_t)sim_below(chance, 40000000000);
    default: return now - DAY_NS - (int64_t)sim_below(chance, 1u << 30) * 1000000;
    }
}

/* As old as its file, newer, or older, and so not to count. */
static int64_t sibling_age(struct sim_chance *chance)
{
    int64_t age = (int64_t)sim_below(chance, 4000000000);
    switch (sim_below(chance, 3)) {
    case 0: return 0;
    case 1: return -age;
    default: return 1 + age;
    }
}

static void put_siblings(struct website *website, struct site_file *file)
{
    int64_t modified = form_now(&file->forms[FORM_PLAIN])->modified_ns;
    for (unsigned kind = FORM_GZIP; kind < FORM_COUNT; kind++) {
        if (!sim_one_in(&website->chance, 3))
            website_put(file, (enum form_kind)kind, tree_size(website, &website->chance),
                        modified - sibling_age(&website->chance));
    }
}

static struct site_file *make_file(struct website *website, const struct entry *entry, const char *root,
                                   struct arena *arena)
{
    const struct area *area = &website->areas[entry->area];
    assert(website->file_count < WEBSITE_FILES_MAX);
    struct site_file *file = &website->files[website->file_count++];
    char path[256];
    snprintf(path, sizeof(path), "%s/%s", root, entry->name);
    decode(path);
    *file = (struct site_file){
        .path = arena_string(arena, slice_from(path)),
        .type = entry->type,
        .cache_control = strstr(entry->type, "css") ? "max-age=60" : NULL,
        .area = area,
        .change = entry->change,
        .is_negotiated = entry->is_negotiated,
    };
    int64_t modified = entry->change == CHANGE_WRITE ? sim_wall_ns() : modified_of(&website->chance);
    website_put(file, FORM_PLAIN, size_of(website, entry->size, &website->chance), modified);
    if (entry->is_negotiated)
        put_siblings(website, file);
    if (sim_one_in(&website->chance, 3))
        sim_file_chill(file->path);
    return file;
}

/* Those of the documents are there a second time, behind all others. */
static void make_files(struct website *website, struct arena *arena)
{
    for (size_t i = 0; i < ARRAY_LENGTH(entries); i++)
        make_file(website, &entries[i], website->areas[entries[i].area].root, arena);
    for (size_t i = 0; i < ARRAY_LENGTH(entries); i++) {
        if (entries[i].area == IN_DOCS)
            website->files[i].moved = make_file(website, &entries[i], MOVED, arena);
    }
}

struct site_file *tree_find(struct website *website, const char *name)
{
    for (size_t i = 0; i < ARRAY_LENGTH(entries); i++) {
        if (strcmp(entries[i].name, name) == 0)
            return &website->files[i];
    }
    UNREACHABLE();
}

static struct target *add_target(struct website *website, enum target_kind kind, const char *url)
{
    assert(website->target_count < WEBSITE_TARGETS_MAX);
    struct target *target = &website->targets[website->target_count++];
    bool is_docs = strncmp(url, "/docs/", 6) == 0;
    *target = (struct target){
        .kind = kind,
        .url = url,
        .area = kind == TARGET_FILE || kind == TARGET_LISTING || kind == TARGET_NOTHING
                    ? &website->areas[is_docs ? IN_DOCS : IN_PUBLIC]
                    : NULL,
    };
    return target;
}

static struct target *add_redirect(struct website *website, const char *url, int status, const char *location)
{
    struct target *target = add_target(website, TARGET_REDIRECT, url);
    target->status = status;
    target->location = location;
    return target;
}

/* A folder that was asked for without the slash at its end. */
static struct target *add_folder(struct website *website, const char *url)
{
    struct target *target = add_redirect(website, url, 301, "");
    target->area = &website->areas[strncmp(url, "/docs", 5) == 0 ? IN_DOCS : IN_PUBLIC];
    target->adds_slash = true;
    target->takes_query = true;
    return target;
}

static struct target *add_fixed(struct website *website, const char *url, int status, const char *type,
                                const char *body)
{
    struct target *target = add_target(website, TARGET_FIXED, url);
    target->status = status;
    target->type = type;
    target->body = body;
    return target;
}

/* Another way to a file: the folder that it is the index of, a link. */
static void add_alias(struct website *website, const char *url, const char *name, const char *type)
{
    struct target *target = add_target(website, TARGET_FILE, url);
    target->file = tree_find(website, name);
    target->type = type;
}

static void add_file_targets(struct website *website, struct arena *arena)
{
    for (size_t i = 0; i < ARRAY_LENGTH(entries); i++) {
        char url[256];
        snprintf(url, sizeof(url), "%s%s", website->areas[entries[i].area].prefix, entries[i].name);
        bool is_served = strncmp(entries[i].name, ".hidden", 7) != 0 || website->areas[IN_PUBLIC].hidden;
        struct target *target = add_target(website, is_served ? TARGET_FILE : TARGET_NOTHING,
                                           arena_string(arena, slice_from(url)));
        target->file = is_served ? &website->files[i] : NULL;
        target->type = entries[i].type;
    }
    add_alias(website, "/", "index.html", "text/html; charset=utf-8");
    add_alias(website, "/deep/er/", "deep/er/index.html", "text/html; charset=utf-8");
    add_alias(website, "/link.txt", "data.json", "text/plain; charset=utf-8");
    add_alias(website, "/inner.txt", "data.json", "text/plain; charset=utf-8");
    add_alias(website, "/shallow/page.html", "deep/er/page.html", "text/html; charset=utf-8");
}

static void add_targets(struct website *website, struct arena *arena)
{
    add_file_targets(website, arena);
    add_target(website, TARGET_LISTING, "/docs/")->members = docs_members;
    add_target(website, TARGET_LISTING, "/docs/sub/")->members = sub_members;
    add_target(website, TARGET_LISTING, "/docs/void/")->members = no_members;
    static const char *const nothing[] = {
        "/nothing", "/bare/",        "/deep/nothing/at/all",  "/docs/nothing.txt", "/out",          "/away",
        "/loop",    "/one.txt/more", "/deep%2fer/index.html", "/old%2Fx",          "/docs/%2f..%2F"};
    for (size_t i = 0; i < ARRAY_LENGTH(nothing); i++)
        add_target(website, TARGET_NOTHING, nothing[i]);
    add_folder(website, "/deep");
    add_folder(website, "/docs/sub");
    add_folder(website, "/docs")->is_bare_prefix = true;
    add_redirect(website, "/old/thing/x.html", 308, "/new")->left_out = 1;
    add_redirect(website, "/old/a:b@c;d=e/%2F%3a!$&'()*+,[|]/", 308, "/new")->left_out = 1;
    add_redirect(website, "/go", 302, "https://example.com")->takes_query = true;
    add_fixed(website, "/fixed", 200, "text/plain", "")->takes_edition = true;
    add_fixed(website, "/gone", 410, "text/html", "<p>Gone\n");
    add_fixed(website, "/none", 204, "", "");
    add_target(website, TARGET_SERVER, "*");
}

/* ---- the settings ---- */

static struct slice keep(struct settings *settings, const char *text)
{
    struct slice copy = arena_copy(&settings->arena, slice_from(text));
    assert(copy.data);
    return copy;
}

/* The path beneath its root. */
static struct slice keep_path(struct settings *settings, const struct site_file *file)
{
    return keep(settings, file->path + strlen(file->area->root) + 1);
}

static void set_cors(struct settings *settings, const struct area *area, struct route *route)
{
    if (area->cors == CORS_NONE)
        return;
    route->cors_origins = arena_alloc(&settings->arena, 2 * sizeof(struct slice));
    route->cors_origins[0] = keep(settings, area->cors == CORS_OF_ALL ? "*" : WEBSITE_ORIGIN);
    route->cors_origins[1] = keep(settings, WEBSITE_WILD_ORIGINS);
    route->cors_origin_count = area->cors == CORS_OF_ALL ? 1 : 2;
}

static void set_error_pages(struct settings *settings, const struct area *area, struct files_settings *files)
{
    if (area->error_page == NULL)
        return;
    files->error_pages =
        arena_alloc(&settings->arena, ARRAY_LENGTH(area->has_page_for) * sizeof(struct error_page));
    for (unsigned i = 0; i < ARRAY_LENGTH(area->has_page_for); i++) {
        if (area->has_page_for[i])
            files->error_pages[files->error_page_count++] =
                (struct error_page){(int)i + 400, keep_path(settings, area->error_page)};
    }
}

static void set_files(struct settings *settings, const struct area *area, const char *root,
                      struct route *route)
{
    struct files_settings *files = &route->files;
    *route = (struct route){.prefix = keep(settings, area->prefix), .kind = ROUTE_FILES};
    files->root = keep(settings, root);
    files->indexes = arena_alloc(&settings->arena, 2 * sizeof(struct slice));
    files->indexes[0] = keep(settings, "index.htm");
    files->indexes[1] = keep(settings, "index.html");
    files->index_count = 2;
    files->listing = area->listing;
    files->hidden = area->hidden;
    files->precompressed = true;
    if (area->fallback)
        files->fallback = keep_path(settings, area->fallback);
    set_cors(settings, area, route);
    files->cache_rules = arena_alloc(&settings->arena, sizeof(struct cache_rule));
    files->cache_rules[0] = (struct cache_rule){keep(settings, "*.css"), keep(settings, "max-age=60")};
    files->cache_rule_count = 1;
    set_error_pages(settings, area, files);
}

static void set_redirect(struct settings *settings, struct route *route, const char *prefix, int status,
                         const char *location)
{
    *route = (struct route){.prefix = keep(settings, prefix), .kind = ROUTE_REDIRECT};
    route->redirect = (struct redirect_settings){status, keep(settings, location)};
}

static void set_respond(struct settings *settings, struct route *route, const struct target *target,
                        const char *body)
{
    *route = (struct route){.prefix = keep(settings, target->url), .kind = ROUTE_RESPOND};
    route->respond =
        (struct respond_settings){target->status, keep(settings, target->type), keep(settings, body)};
}

static void set_mark(struct settings *settings, const char *mark, struct route *route)
{
    if (mark == NULL)
        return;
    route->field_edits = arena_alloc(&settings->arena, sizeof(struct field_edit));
    route->field_edits[0] = (struct field_edit){keep(settings, "X-Edition"), keep(settings, mark)};
    route->field_edit_count = 1;
}

#define ROUTES_MAX 8

static void set_routes(const struct website *website, const struct edition *edition,
                       struct settings *settings)
{
    const struct area *docs = &website->areas[IN_DOCS], *public = &website->areas[IN_PUBLIC];
    struct site *site = arena_zalloc(&settings->arena, sizeof(*site));
    struct route *routes = arena_zalloc(&settings->arena, ROUTES_MAX * sizeof(*routes));
    size_t count = 0;
    set_files(settings, docs, edition->docs_moved ? MOVED : docs->root, &routes[count++]);
    set_redirect(settings, &routes[count++], "/old", 308, "/new{path}");
    set_redirect(settings, &routes[count++], "/go", 302, "https://example.com{uri}");
    for (size_t i = 0; i < website->target_count; i++) {
        const struct target *target = &website->targets[i];
        if (target->kind == TARGET_FIXED)
            set_respond(settings, &routes[count++], target,
                        target->takes_edition ? edition->fixed_body : target->body);
    }
    set_files(settings, public, public->root, &routes[count++]);
    for (size_t i = 0; i < count; i++)
        set_mark(settings, edition->mark, &routes[i]);
    assert(count <= ROUTES_MAX);
    site->hosts = arena_alloc(&settings->arena, sizeof(struct slice));
    site->hosts[0] = keep(settings, website->host ? website->host : "*");
    site->host_count = 1;
    site->routes = routes;
    site->route_count = count;
    settings->sites = site;
    settings->site_count = 1;
}

static void set_areas(struct website *website)
{
    struct sim_chance *chance = &website->chance;
    website->areas[IN_PUBLIC] = (struct area){
        .prefix = "/",
        .root = PUBLIC,
        .hidden = sim_one_in(chance, 4),
        .fallback = sim_one_in(chance, 6) ? tree_find(website, "index.html") : NULL,
        .error_page = sim_one_in(chance, 2) ? tree_find(website, "missing.html") : NULL,
        .cors = sim_one_in(chance, 3)   ? CORS_OF_ALL
                : sim_one_in(chance, 2) ? CORS_OF_SOME
                                        : CORS_NONE,
    };
    for (unsigned i = 0; i < ARRAY_LENGTH(website->areas->has_page_for); i++)
        website->areas[IN_PUBLIC].has_page_for[i] = !sim_one_in(chance, 3);
    website->areas[IN_DOCS] = (struct area){.prefix = "/docs/", .root = DOCS, .listing = true};
}

/* Any file that changes, in half of the runs. */
static const struct target *choose_favourite(struct website *website)
{
    if (!website->is_changing || sim_one_in(&website->chance, 2))
        return NULL;
    for (;;) {
        struct target *target = &website->targets[sim_below(&website->chance, website->target_count)];
        if (target->kind == TARGET_FILE && target->file->change != CHANGE_NEVER)
            return target;
    }
}

void website_prepare(struct website *website, struct settings *settings)
{
    *website = (struct website){
        .limits = &settings->limits,
        .timeouts = &settings->timeouts,
        .longest = &settings->timeouts,
        .chance = sim_chance_for("website", 0),
    };
    editions_init(&website->editions, settings->server_field);
    website->is_changing = !sim_one_in(&website->chance, 3);
    website->host = sim_one_in(&website->chance, 3) ? "vif.test" : NULL;
    set_areas(website);
    for (size_t i = 0; i < ARRAY_LENGTH(folders); i++)
        sim_folder_make(folders[i]);
    make_files(website, &settings->arena);
    if (website->areas[IN_PUBLIC].fallback)
        website->areas[IN_PUBLIC].fallback->cache_control = "no-cache";
    sim_symlink_make(PUBLIC "/link.txt", "data.json");
    sim_symlink_make(PUBLIC "/inner.txt", PUBLIC "/deep/er/../../data.json");
    sim_symlink_make(PUBLIC "/shallow", PUBLIC "/deep/er");
    sim_symlink_make(PUBLIC "/out", "../docs/a.txt");
    sim_symlink_make(PUBLIC "/away", DOCS "/a.txt");
    sim_symlink_make(PUBLIC "/loop", "loop");
    add_targets(website, &settings->arena);
    website->favourite = choose_favourite(website);
    set_routes(website, &website->editions.all[0], settings);
}

void website_prepare_edition(struct website *website, size_t edition, struct settings *settings)
{
    settings->server_field = website->editions.all[edition].server_field;
    set_routes(website, &website->editions.all[edition], settings);
}

static_assert(ARRAY_LENGTH(entries) <= WEBSITE_FILES_MAX, "every file has its place");
