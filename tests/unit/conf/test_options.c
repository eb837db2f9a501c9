/* The table of options itself: every row is whole, and its default and example are good values of it. */
#include "loading.h"

#include "conf/manual.h"
#include "conf/options.h"

#include <stdio.h>

static bool is_section(const struct option *option)
{
    return option->kind >= OPTION_SECTION;
}

static bool is_quantity(const struct option *option)
{
    return option->kind == OPTION_NUMBER || option->kind == OPTION_BYTES || option->kind == OPTION_DURATION;
}

static void every_row_is_whole(void **state)
{
    (void)state;
    for (size_t i = 0; i < option_count; i++) {
        const struct option *option = &options[i];
        assert_ptr_equal(option_find(option->section, slice_from(option->key)), option);
        assert_int_equal(option->description[strlen(option->description) - 1], '.');
        assert_true(is_section(option) || option->size > 0);
        assert_true(!is_quantity(option) || option->min < option->max);
        assert_true(option->size != 4 || option->max <= UINT32_MAX);
        assert_int_equal(option->kind == OPTION_WORD, option->words != NULL);
        bool is_text =
            option->kind == OPTION_TEXT || option->kind == OPTION_TEXTS || option->kind == OPTION_PAIRS;
        assert_int_equal(is_text, option->rule != NULL);
        bool has_keys = option->kind == OPTION_PAIRS || option->kind == OPTION_SECTION_MAP;
        assert_int_equal(has_keys, option->key_rule != NULL);
        bool is_array = option->kind == OPTION_TEXTS || option->kind == OPTION_PAIRS ||
                        option->kind == OPTION_SECTIONS || option->kind == OPTION_SECTION_MAP;
        assert_int_equal(is_array, option->item_size > 0);
    }
}

/* The rest of what a section must have around an option under test. */
static const char *const surroundings[SECTION_COUNT] = {
    [SECTION_TOP] = "{%s, sites: [{routes: {/: {respond: a}}}]}",
    [SECTION_LISTENER] = "{listen: [{address: 8080, %s}], sites: [{routes: {/: {respond: a}}}]}",
    [SECTION_ADMIN] =
        "{listen: [{address: '127.0.0.1:9180', admin: {%s}}], sites: [{routes: {/: {respond: a}}}]}",
    [SECTION_UNIX_SOCKET] = "{unix_socket: {%s}, sites: [{routes: {/: {respond: a}}}]}",
    [SECTION_LOG] = "{log: {%s}, sites: [{routes: {/: {respond: a}}}]}",
    [SECTION_ACCESS_LOG] = "{log: {access: {%s}}, sites: [{routes: {/: {respond: a}}}]}",
    [SECTION_ERROR_LOG] = "{log: {error: {%s}}, sites: [{routes: {/: {respond: a}}}]}",
    [SECTION_ROTATE] = "{log: {rotate: {%s}}, sites: [{routes: {/: {respond: a}}}]}",
    [SECTION_LIMITS] = "{limits: {%s}, sites: [{routes: {/: {respond: a}}}]}",
    [SECTION_HTTP2] = "{http2: {%s}, sites: [{routes: {/: {respond: a}}}]}",
    [SECTION_TIMEOUTS] = "{timeouts: {%s}, sites: [{routes: {/: {respond: a}}}]}",
    [SECTION_TICKETS] = "{tickets: {%s}, sites: [{routes: {/: {respond: a}}}]}",
    [SECTION_REQUEST_ID] = "{request_id: {%s}, sites: [{routes: {/: {respond: a}}}]}",
    [SECTION_SHIELD] = "{shield: {%s}, sites: [{routes: {/: {respond: a}}}]}",
    [SECTION_TRUSTED] = "{trusted_proxies: {%s}, sites: [{routes: {/: {respond: a}}}]}",
    [SECTION_SITE] = "{sites: [{%s, routes: {/: {respond: a}}}]}",
    [SECTION_ROUTE] = "{sites: [{routes: {/: {respond: a, %s}}}]}",
    [SECTION_FILES] = "{sites: [{routes: {/: {files: {root: root, %s}}}}]}",
    [SECTION_REDIRECT] = "{sites: [{routes: {/r: {redirect: {to: /a, %s}}}}]}",
    [SECTION_RESPOND] = "{sites: [{routes: {/: {respond: {%s}}}}]}",
    [SECTION_PROXY] = "{sites: [{routes: {/: {proxy: {to: 3000, %s}}}}]}",
    [SECTION_SERVER] = "{sites: [{routes: {/: {proxy: {to: [{server: 3000, %s}]}}}}]}",
    [SECTION_STICKY] = "{sites: [{routes: {/: {proxy: {to: 3000, sticky: {%s}}}}}]}",
    [SECTION_HEALTH] = "{sites: [{routes: {/: {proxy: {to: 3000, health: {%s}}}}}]}",
    [SECTION_PROXY_TLS] = "{sites: [{routes: {/: {proxy: {to: 'https://a', tls: {%s}}}}}]}",
    [SECTION_HEADERS] = "{sites: [{routes: {/: {respond: a, headers: {%s}}}}]}",
    [SECTION_HSTS] = "{sites: [{hsts: {%s}, routes: {/: {respond: a}}}]}",
    [SECTION_TLS] = "{sites: [{tls: {%s}, routes: {/: {respond: a}}}]}",
    [SECTION_CERTIFICATE] = "{sites: [{tls: [{certificate: /a, %s}], routes: {/: {respond: a}}}]}",
};

#pragma GCC diagnostic ignored "-Wformat-nonliteral"

/* Files and folders of examples, such as /var/log/vif, are not on every machine; and some options are good
 * only beside others. */
static const char *const excuses[] = {
    "there is no folder \"/",
    "cannot make a file in \"/",
    ": No such file or directory",
    "`client_ca` is missing",
    "clients are not asked for a certificate",
    "hsts.max_age is missing",
    "this route sets no Link header",
    "listen.admin: strangers could reach",
    "listen.proxy_protocol: nobody may connect",
    "shield.interface: there is no interface",
    "vif was built without libbpf",
    "this vif was built without zstd",
    "proxy.tls.key: there is no `certificate` beside it",
    "this vif was built without TLS",
    "proxy can have only one of to, to_file",
};

static void check_value(const struct option *option, const char *value)
{
    char pair[512];
    char text[1024];
    snprintf(pair, sizeof(pair), "%s: %s", option->key, value);
    snprintf(text, sizeof(text), surroundings[option->section], pair);
    struct loading loading = load_in(site_folder(), slice_from(text));
    bool is_good = loading.error == 0;
    TABLE_ROWS(i, excuses, excuses[i])
        is_good |= strstr(loading.printed.data, excuses[i]) != NULL;
    if (!is_good)
        fail_msg("%s", loading.printed.data);
    unload(&loading);
}

static const char *const files[] = {"root/index.html", "root/404.html", NULL};

static void defaults_and_examples_are_good(void **state)
{
    (void)state;
    make_site(files);
    for (size_t i = 0; i < option_count; i++) {
        const struct option *option = &options[i];
        char buffer[OPTION_TEXT_MAX];
        const char *fallback = option_default(option, buffer);
        if (is_section(option) || option->is_required)
            continue;
        if (fallback) {
            char quoted[OPTION_TEXT_MAX + 2];
            snprintf(quoted, sizeof(quoted), "'%s'", fallback);
            check_value(option, quoted);
        }
        if (option->example)
            check_value(option, option->example);
    }
    remove_site(files);
}

static void finds_options_by_path(void **state)
{
    (void)state;
    assert_string_equal(option_at(SLICE("workers"))->key, "workers");
    assert_int_equal(option_at(SLICE("limits.head"))->section, SECTION_LIMITS);
    assert_int_equal(option_at(SLICE("sites.0.routes./.files.root"))->section, SECTION_FILES);
}

static void the_example_of_the_manual_is_good(void **state)
{
    (void)state;
    make_site(files);
    assert_int_equal(rename("root", "public"), 0);
    struct loading loading = load_good_in(site_folder(), manual_example);
    unload(&loading);
    assert_int_equal(rename("public", "root"), 0);
    remove_site(files);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_is_whole),
        cmocka_unit_test(defaults_and_examples_are_good),
        cmocka_unit_test(finds_options_by_path),
        cmocka_unit_test(the_example_of_the_manual_is_good),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
