/* What a good configuration becomes. */
#include "loading.h"

#include <stdlib.h>

#define ROUTE(text) "sites: [{routes: {/: {" text "}}}]"

static const struct route *only_route(const struct loading *loading)
{
    assert_int_equal(loading->config->settings->site_count, 1);
    assert_int_equal(loading->config->settings->sites[0].route_count, 1);
    return &loading->config->settings->sites[0].routes[0];
}

/* Waits that the documents promise where nothing is configured. */
static void waits_as_long_as_is_promised(void **state)
{
    (void)state;
    struct settings settings = {0};
    settings_set_defaults(&settings);
    assert_int_equal(settings.timeouts.handshake_ms, 10000);
    assert_int_equal(settings.timeouts.head_ms, 10000);
    assert_int_equal(settings.timeouts.body_ms, 20000);
    assert_int_equal(settings.timeouts.idle_ms, 60000);
    assert_int_equal(settings.timeouts.write_ms, 20000);
    assert_int_equal(settings.timeouts.linger_ms, 5000);
    assert_int_equal(settings.timeouts.drain_ms, 30000);
}

static void fills_in_defaults(void **state)
{
    (void)state;
    struct loading loading = load_good(ROUTE("files: tmp"));
    const struct config *config = loading.config;
    struct settings pristine = {0};
    settings_set_defaults(&pristine);
    assert_int_equal(config->listener_count, 1);
    assert_slice(config->listeners[0].address, ":8080");
    assert_slice(config->unix_socket.mode, "");
    assert_slice(config->unix_socket.owner, "");
    assert_slice(config->unix_socket.group, "");
    assert_int_equal(config->workers, 0);
    assert_slice(config->access_log.path, "");
    assert_int_equal(config->access_log.format, ACCESS_LOG_COMBINED);
    assert_slice(config->error_log.path, "-");
    assert_int_equal(config->error_log.level, LOG_LEVEL_INFO);
    assert_memory_equal(&config->settings->limits, &pristine.limits, sizeof(pristine.limits));
    assert_memory_equal(&config->settings->timeouts, &pristine.timeouts, sizeof(pristine.timeouts));
    assert_true(config->settings->server_field);
    assert_int_equal(config->settings->sites[0].host_count, 1);
    assert_slice(config->settings->sites[0].hosts[0], "*");

    const struct route *route = only_route(&loading);
    assert_slice(route->prefix, "/");
    assert_int_equal(route->kind, ROUTE_FILES);
    assert_slice(route->files.root, "/tmp");
    assert_int_equal(route->files.root.data[route->files.root.length], 0);
    assert_int_equal(route->files.index_count, 1);
    assert_slice(route->files.indexes[0], "index.html");
    assert_false(route->files.listing);
    assert_false(route->files.hidden);
    assert_true(route->files.precompressed);
    assert_slice(route->files.fallback, "");
    assert_int_equal(route->cors_origin_count, 0);
    assert_int_equal(route->files.cache_rule_count, 0);
    assert_int_equal(route->files.error_page_count, 0);
    assert_int_equal(route->field_edit_count, 0);
    unload(&loading);
}

static const char *const site_files[] = {"root/app.html", "root/nf.html.br", "root/sorry", NULL};

/* The path of something in the site's folder. Good until the next call. */
static const char *in_site(const char *scheme, const char *name)
{
    static char path[128];
    snprintf(path, sizeof(path), "%s%s/%s", scheme, site_folder(), name);
    return path;
}

static void reads_every_option(void **state)
{
    (void)state;
    make_site(site_files);
    struct loading loading = load_good_in(
        site_folder(),
        "listen: [80, \"[::1]:81\", \"unix:vif.sock\"]\n"
        "unix_socket: {mode: 0660, owner: root, group: 12}\n"
        "workers: 3\n"
        "log: {access: {path: log-a, format: json}, error: {path: /tmp/e, level: debug}}\n"
        "limits: {connections: 1, connections_per_address: 2, head: 1KiB, uri: 512,\n"
        "  headers: 5, body: 6MiB, requests_per_connection: 7, cache: 8GiB,\n"
        "  cache_file: 9KiB, cache_entries: 10}\n"
        "timeouts: {handshake: 9s, head: 1ms, body: 2s, idle: 3m, write: 4h, linger: 0, drain: 1m6s,\n"
        "  min_rate: none}\n"
        "server_header: no\n" ROUTE("files: {root: ./root, index: [a, b], "
                                    "listing: yes, hidden: on, precompressed: off, "
                                    "fallback: /app.html, cors: '*', cache: {'*.css': x, "
                                    "/a/*: y}, error_pages: {404: /nf.html, 503: sorry}}"));
    const struct config *config = loading.config;
    assert_int_equal(config->listener_count, 3);
    assert_slice(config->listeners[0].address, ":80");
    assert_slice(config->listeners[1].address, "[::1]:81");
    assert_slice(config->listeners[2].address, in_site("unix:", "vif.sock"));
    assert_slice(config->unix_socket.mode, "432");
    assert_slice(config->unix_socket.owner, "0");
    assert_slice(config->unix_socket.group, "12");
    assert_int_equal(config->workers, 3);
    assert_slice(config->access_log.path, in_site("", "log-a"));
    assert_int_equal(config->access_log.format, ACCESS_LOG_JSON);
    assert_slice(config->error_log.path, "/tmp/e");
    assert_int_equal(config->error_log.level, LOG_LEVEL_DEBUG);
    assert_false(config->settings->server_field);

    const struct limits limits = {1, 2, 1024, 512, 5, 6u << 20, 7, (uint64_t)8 << 30, 9u << 10, 10};
    assert_int_equal(config->settings->limits.connections, limits.connections);
    assert_int_equal(config->settings->limits.connections_per_address, limits.connections_per_address);
    assert_int_equal(config->settings->limits.head_bytes, limits.head_bytes);
    assert_int_equal(config->settings->limits.uri_bytes, limits.uri_bytes);
    assert_int_equal(config->settings->limits.fields, limits.fields);
    assert_int_equal(config->settings->limits.body_bytes, limits.body_bytes);
    assert_int_equal(config->settings->limits.requests_per_connection, limits.requests_per_connection);
    assert_int_equal(config->settings->limits.cache_bytes, limits.cache_bytes);
    assert_int_equal(config->settings->limits.cache_file_bytes, limits.cache_file_bytes);
    assert_int_equal(config->settings->limits.cache_entries, limits.cache_entries);

    const struct timeouts timeouts = {9000, 1, 2000, 180000, 14400000, 0, 66000, 0};
    assert_memory_equal(&config->settings->timeouts, &timeouts, sizeof(timeouts));

    const struct files_settings *files = &only_route(&loading)->files;
    assert_slice(files->root, in_site("", "root"));
    assert_int_equal(files->index_count, 2);
    assert_slice(files->indexes[1], "b");
    assert_true(files->listing && files->hidden && !files->precompressed);
    assert_slice(files->fallback, "app.html");
    assert_int_equal(only_route(&loading)->cors_origin_count, 1);
    assert_slice(only_route(&loading)->cors_origins[0], "*");
    assert_int_equal(files->cache_rule_count, 2);
    assert_slice(files->cache_rules[0].pattern, "*.css");
    assert_slice(files->cache_rules[1].value, "y");
    assert_int_equal(files->error_page_count, 2);
    assert_int_equal(files->error_pages[0].status, 404);
    assert_slice(files->error_pages[0].path, "nf.html");
    assert_slice(files->error_pages[1].path, "sorry");
    unload(&loading);
    remove_site(site_files);
}

static void origins_add_up(void **state)
{
    (void)state;
    struct loading loading = load_good(ROUTE("files: {root: /tmp, cors: 'HTTPS://A.example'}, "
                                             "cors: ['null', 'https://*.b.example:8443', 'app://[::1]']"));
    static const char *const expected[] = {"https://a.example", "null", "https://*.b.example:8443",
                                           "app://[::1]"};
    const struct route *route = only_route(&loading);
    assert_int_equal(route->cors_origin_count, ARRAY_LENGTH(expected));
    TABLE_ROWS(i, expected, expected[i])
        assert_slice(route->cors_origins[i], expected[i]);
    unload(&loading);
    loading = load_good(ROUTE("redirect: 'https://b/', cors: no"));
    assert_int_equal(only_route(&loading)->cors_origin_count, 0);
    unload(&loading);
}

static void relative_logs_lie_in_the_units_log_folder(void **state)
{
    (void)state;
    static const struct {
        const char *folders, *expected;
    } cases[] = {
        {"/tmp", "/tmp/a.log"},
        {"/tmp:/var/log/other", "/tmp/a.log"},
        {"", "/dev/shm/a.log"},
        {"relative", "/dev/shm/a.log"},
    };
    TABLE_ROWS(i, cases, cases[i].folders) {
        setenv("LOGS_DIRECTORY", cases[i].folders, 1);
        struct loading loading =
            load_good_in("/dev/shm", "log: {access: a.log, error: /tmp/e}\n" ROUTE("files: /tmp"));
        assert_slice(loading.config->access_log.path, cases[i].expected);
        assert_slice(loading.config->error_log.path, "/tmp/e");
        assert_slice(only_route(&loading)->files.root, "/tmp");
        unload(&loading);
    }
    unsetenv("LOGS_DIRECTORY");
}

static void reads_redirects_and_responses(void **state)
{
    (void)state;
    struct loading loading = load_good(ROUTE("redirect: 'https://example.com{uri}'"));
    assert_int_equal(only_route(&loading)->kind, ROUTE_REDIRECT);
    assert_slice(only_route(&loading)->redirect.location, "https://example.com{uri}");
    assert_int_equal(only_route(&loading)->redirect.status, 308);
    unload(&loading);

    loading = load_good(ROUTE("redirect: {to: 'https://b/', status: 302}"));
    assert_int_equal(only_route(&loading)->redirect.status, 302);
    unload(&loading);

    loading = load_good(ROUTE("respond: hello"));
    assert_int_equal(only_route(&loading)->kind, ROUTE_RESPOND);
    assert_int_equal(only_route(&loading)->respond.status, 200);
    assert_slice(only_route(&loading)->respond.type, "text/plain; charset=utf-8");
    assert_slice(only_route(&loading)->respond.body, "hello");
    unload(&loading);

    loading = load_good(ROUTE("respond: {status: 204}"));
    assert_int_equal(only_route(&loading)->respond.status, 204);
    assert_slice(only_route(&loading)->respond.body, "");
    unload(&loading);

    loading = load_good(ROUTE("respond: {status: 205, body: ''}"));
    assert_slice(only_route(&loading)->respond.body, "");
    unload(&loading);
}

static void puts_longer_prefixes_first(void **state)
{
    (void)state;
    struct loading loading =
        load_good("sites: [{routes: {/: {respond: a}, /long/er/: {respond: b}, /long: {respond: c}}}]");
    const struct site *site = &loading.config->settings->sites[0];
    assert_slice(site->routes[0].prefix, "/long/er/");
    assert_slice(site->routes[1].prefix, "/long");
    assert_slice(site->routes[2].prefix, "/");
    unload(&loading);
}

/* A route's edit replaces its site's for the same field, whatever the case, and does not touch other routes.
 */
static void merges_fields_of_site_and_route(void **state)
{
    (void)state;
    struct loading loading =
        load_good("sites:\n"
                  "  - headers: {set: {X-A: site, X-B: site}, remove: [Server]}\n"
                  "    routes:\n"
                  "      /: {respond: a}\n"
                  "      /own: {respond: b, headers: {set: {x-a: route, server: ''}}}\n");
    const struct route *own = &loading.config->settings->sites[0].routes[0];
    const struct route *plain = &loading.config->settings->sites[0].routes[1];
    assert_int_equal(plain->field_edit_count, 3);
    assert_slice(plain->field_edits[0].value, "site");
    assert_slice(plain->field_edits[2].name, "Server");
    assert_null(plain->field_edits[2].value.data);

    assert_int_equal(own->field_edit_count, 3);
    assert_slice(own->field_edits[0].name, "X-B");
    assert_slice(own->field_edits[1].name, "x-a");
    assert_slice(own->field_edits[1].value, "route");
    assert_slice(own->field_edits[2].name, "server");
    assert_non_null(own->field_edits[2].value.data);
    unload(&loading);
}

static void takes_false_for_no_access_log(void **state)
{
    (void)state;
    struct loading loading = load_good("log: {access: false}\n" ROUTE("respond: a"));
    assert_slice(loading.config->access_log.path, "");
    unload(&loading);
    loading = load_good("log: {access: '-', error: tmp/a.log}\n" ROUTE("respond: a"));
    assert_slice(loading.config->access_log.path, "-");
    assert_slice(loading.config->error_log.path, "/tmp/a.log");
    unload(&loading);
}

static void lower_cases_hosts(void **state)
{
    (void)state;
    struct loading loading =
        load_good("sites: [{hosts: [Example.COM, '*.B.c', '[::1]', 127.0.0.1], routes: {/: {respond: a}}}]");
    const struct site *site = &loading.config->settings->sites[0];
    assert_int_equal(site->host_count, 4);
    assert_slice(site->hosts[0], "example.com");
    assert_slice(site->hosts[1], "*.b.c");
    unload(&loading);
}

static void shares_what_aliases_name(void **state)
{
    (void)state;
    struct loading loading = load_good("sites:\n"
                                       "  - {hosts: a.com, routes: &r {/: {respond: a}}}\n"
                                       "  - {hosts: b.com, routes: *r}\n");
    assert_int_equal(loading.config->settings->site_count, 2);
    assert_int_equal(loading.config->settings->sites[1].route_count, 1);
    unload(&loading);
}

static void takes_sections_with_nothing_in_them(void **state)
{
    (void)state;
    struct loading loading = load_good("limits:\ntimeouts:\n" ROUTE("respond: a"));
    assert_int_equal(loading.config->settings->timeouts.idle_ms, 60000);
    unload(&loading);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waits_as_long_as_is_promised),
        cmocka_unit_test(fills_in_defaults),
        cmocka_unit_test(reads_every_option),
        cmocka_unit_test(origins_add_up),
        cmocka_unit_test(relative_logs_lie_in_the_units_log_folder),
        cmocka_unit_test(reads_redirects_and_responses),
        cmocka_unit_test(puts_longer_prefixes_first),
        cmocka_unit_test(merges_fields_of_site_and_route),
        cmocka_unit_test(takes_false_for_no_access_log),
        cmocka_unit_test(lower_cases_hosts),
        cmocka_unit_test(shares_what_aliases_name),
        cmocka_unit_test(takes_sections_with_nothing_in_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
