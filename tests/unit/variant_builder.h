/* Settings beside those of a world, for the same tree or another one, and a page to ask for. */
#ifndef TESTS_UNIT_VARIANT_BUILDER_H
#define TESTS_UNIT_VARIANT_BUILDER_H

#include "tests/unit/server_builder.h"

#define ASK "GET /page.txt HTTP/1.1\r\nHost: x\r\nOrigin: https://a.example\r\n\r\n"

struct variant {
    struct settings *settings;
    struct slice host;
    struct site site;
    struct route routes[2];
    struct slice origin;
    struct media_type_rule type;
    struct cache_rule cache_rule;
    struct field_edit edit;
};

static inline struct slice variant_keep(struct variant *variant, const char *text)
{
    struct slice copy = arena_copy(&variant->settings->arena, slice_from(text));
    assert_non_null(copy.data);
    return copy;
}

/* One route at "/". The second is there for whoever counts it in. */
static inline void variant_init(struct variant *variant, const char *root)
{
    *variant = (struct variant){.settings = settings_create(), .host = SLICE("*")};
    assert_non_null(variant->settings);
    variant->site =
        (struct site){.hosts = &variant->host, .host_count = 1, .routes = variant->routes, .route_count = 1};
    for (size_t i = 0; i < ARRAY_LENGTH(variant->routes); i++) {
        variant->routes[i] = (struct route){
            .prefix = i ? SLICE("/other") : SLICE("/"),
            .kind = ROUTE_FILES,
            .files = {.root = variant_keep(variant, root), .listing = true, .precompressed = true},
        };
    }
    variant->settings->sites = &variant->site;
    variant->settings->site_count = 1;
}

static inline void variant_finish(struct variant *variant)
{
    settings_unref(variant->settings);
}

/* Sends the request and waits for the response, whose content is "content" at its end; "Date" is cut out. */
static inline void variant_ask(struct world *world, const char *request, char out[2048])
{
    struct client client;
    client_connect(&client, world, 0);
    client_say(&client, request);
    client_await(&client, "content", 1);
    assert_true(client.received.length < 2000);
    memcpy(out, client.received.data, client.received.length);
    out[client.received.length] = '\0';
    char *date = strstr(out, "\r\nDate: ");
    assert_non_null(date);
    memmove(date, date + strlen("\r\nDate: ") + 29, strlen(date + strlen("\r\nDate: ") + 29) + 1);
    client_close(&client);
}

static inline void variant_add_text(struct world *world, const char *name, const char *text)
{
    int fd = openat(world->tree.fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
    tree_date(&world->tree, name, 1000000000);
}

/* A world with the page. */
static inline void variant_world(struct world *world)
{
    world_init(world);
    variant_add_text(world, "page.txt", "content");
    variant_add_text(world, "page.html", "content");
    world_start(world);
}

#endif
