/* YAML as people write it: byte order marks, merged maps, variables of the environment, and what is said
 * about mistakes that libyaml names in its own words. */
#include "loading.h"

#include <stdio.h>
#include <stdlib.h>

#define GOOD "\nsites: [{routes: {/: {respond: a}}}]"

/* Each with the position and the words that it must have. */
static const struct {
    const char *text;
    const char *told;
} faults[] = {
    /* tabs */
    {"sites:\n\t- routes: {}", "2:1: error: a tab cannot indent a line in YAML: use spaces"},
    {"a: 1\n\tb: 2", "2:1: error: a tab cannot indent a line in YAML: use spaces"},
    /* brackets */
    {"a: 1\r\r\xc2\x85"
     "b: %x",
     "4:4: error: a value that begins with \"%\" needs quotes in YAML: \"%x\"\n    4 | b: %x"},
    {"sites: [", "1:8: error: this \"[\" is never closed"},
    {"a: {b: 1, c: 2\n\n", "1:4: error: this \"{\" is never closed"},
    {"sites: [{routes: {/: {respond: a}}]",
     "1:35: error: expected \"}\" before this: the \"{\" in line 1 is not closed yet"},
    {"a: [b}", "1:6: error: expected \"]\" before this: the \"[\" in line 1 is not closed yet"},
    {"a: {x: 1\nb: {y: 2}", "2:2: error: expected \",\" or \"}\" before this: the \"{\" in line 1 is not "
                            "closed yet; a value with \": \""},
    {"a: [x]]", "1:7: error: \"]\" closes nothing"},
    {"a: }", "1:4: error: \"}\" closes nothing"},
    {"a: {b: [1, 2], c: 3", "1:4: error: this \"{\" is never closed"},
    /* indentation */
    {"a:\n    b: 1\n  c: 2",
     "3:3: error: wrong indentation, or a missing \":\": expected a name, as in line 1 at column 1"},
    {"sites:\n  - hosts: a\n  routes: {}",
     "3:3: error: wrong indentation: expected \"- \", as in line 2 at column 3"},
    {"workers: 4\n  limits: {}", "2:9: error: wrong indentation: the line above has a value already"},
    {"sites:\n  - hosts: a\n     routes: {}", "3:12: error: wrong indentation"},
    {"a: - b", "1:4: error: a list begins on a line of its own"},
    /* colons */
    {"workers: 4\nlisten", "2:1: error: expected \"name: value\", with a space behind the colon"},
    {"a: {b:}", "1:6: error: expected a space behind the colon, or quotes around the value"},
    {"a: b: c", "1:5: error: a value with \": \" in it needs quotes"},
    {"workers 4", "1:1: error: expected options, each as \"name: value\""},
    /* quotes */
    {"a: \"b\nc: d", "1:4: error: this quote is never closed"},
    {"a: 'it's'", "1:8: error: text after the closing quote"},
    {"a: \"\\d\"", "1:5: error: unknown escape"},
    {"cors: *", "1:7: error: a value that begins with \"*\" needs quotes in YAML: \"*\""},
    {"hosts: [*.example.com, b]",
     "1:9: error: a value that begins with \"*\" needs quotes in YAML: \"*.example.com\""},
    {"hosts: [*example]", "1:9: error: \"*example\" needs quotes, unless it is an alias of \"&example\""},
    {"a: @b", "1:4: error: a value that begins with \"@\" needs quotes in YAML: \"@b\""},
    {"a: %b", "1:4: error: a value that begins with \"%\" needs quotes"},
    {"a: !b c", "1:4: error: a value that begins with \"!\" needs quotes"},
    {"a: {listen: ${PORT}}", "1:14: error: inside braces or brackets a variable needs quotes: \"${NAME}\""},
    /* encodings */
    {"a: \xff", "1:4: error: not UTF-8: save the file as UTF-8"},
    {"\xff\xfe"
     "a",
     "1:1: error: the file is UTF-16: save it as UTF-8"},
    {"a: \x01", "1:4: error: a control character"},
    /* the rest */
    {"workers: 1\nworkers: 2" GOOD, "2:1: error: duplicate key \"workers\" (first in line 1)"},
    {"a: b\n---\nc: d", "3:1: error: a second YAML document begins here"},
    {"[a]: b", "a key must be a text, not a list or a map"},
    {"a: |x\n", "1:5: error: not valid YAML: did not find expected comment or line break"},
    {"", "vif.yaml: error: the file is empty"},
    {"# nothing\n\n", "vif.yaml: error: the file is empty"},
    {"---\n...\n", "vif.yaml: error: the file is empty"},
};

static void says_what_to_do(void **state)
{
    (void)state;
    TABLE_ROWS(i, faults, faults[i].text) {
        struct loading loading = load(slice_from(faults[i].text));
        assert_int_equal(loading.error, ERROR_SYNTAX);
        if (strstr(loading.printed.data, faults[i].told) == NULL)
            fail_msg("%s\nshould say: %s\nbut says:\n%s", faults[i].text, faults[i].told,
                     loading.printed.data);
        unload(&loading);
    }
}

static void takes_a_byte_order_mark(void **state)
{
    (void)state;
    struct loading loading = load_good("\xef\xbb\xbfworkers: 3" GOOD);
    assert_int_equal(loading.config->workers, 3);
    unload(&loading);
    loading = load(SLICE("\xef\xbb\xbfworkers: x" GOOD));
    assert_non_null(strstr(loading.printed.data, "vif.yaml:1:10: error: "));
    assert_non_null(strstr(loading.printed.data, "    1 | workers: x\n      |          ^\n"));
    unload(&loading);
}

static void merges_maps(void **state)
{
    (void)state;
    struct loading loading = load_good("x-one: &one {status: 201, body: one}\n"
                                       "x-two: &two {body: two, type: a/b}\n"
                                       "sites: [{routes: {\n"
                                       "  /a: {respond: {<<: *one}},\n"
                                       "  /b: {respond: {body: own, <<: *one}},\n"
                                       "  /c: {respond: {<<: [*two, *one]}},\n"
                                       "  /d: {respond: {<<: {<<: *two, status: 202}}}}}]");
    const struct route *routes = loading.config->settings->sites[0].routes;
    static const struct {
        int status;
        const char *body;
        const char *type;
    } expected[] = {
        {201, "one", "text/plain; charset=utf-8"},
        {201, "own", "text/plain; charset=utf-8"},
        {201, "two", "a/b"},
        {202, "two", "a/b"},
    };
    TABLE_ROWS(i, expected, expected[i].body) {
        assert_int_equal(routes[i].respond.status, expected[i].status);
        assert_slice(routes[i].respond.body, expected[i].body);
        assert_slice(routes[i].respond.type, expected[i].type);
    }
    unload(&loading);
    loading = load_good("x-a: &a {/: {respond: a}}\nsites: [{routes: {<<: *a, x-b: 1, /b: {respond: b}}}]");
    assert_int_equal(loading.config->settings->sites[0].route_count, 2);
    unload(&loading);
    loading = load(SLICE("limits: {<<: 5, head: 1KiB}\ntimeouts: {<<: [{}, x]}\n\"<<\": {}" GOOD));
    assert_int_equal(loading.diagnostics.errors, 3);
    assert_non_null(
        strstr(loading.printed.data, "1:14: error: \"<<\" takes a map, such as *name, or a list of maps"));
    assert_non_null(strstr(loading.printed.data, "2:21: error: \"<<\" takes maps only"));
    assert_non_null(strstr(loading.printed.data, "3:1: error: unknown option \"<<\""));
    unload(&loading);
}

/* Each merge doubles: the bound on entries must end it. */
static void bounds_what_is_merged(void **state)
{
    (void)state;
    struct buffer text;
    buffer_init(&text, 1u << 20);
    buffer_printf(&text, "x-0: &a0 {");
    for (int i = 0; i < 20000; i++)
        buffer_printf(&text, "k%d: 1, ", i);
    buffer_printf(&text, "}\nx-1: &a1 {<<: *a0, k: 1}\nx-2: {<<: [*a0, *a1, *a1, *a1]}" GOOD);
    struct loading loading = load(buffer_slice(&text));
    assert_int_equal(loading.error, ERROR_SYNTAX);
    assert_non_null(strstr(loading.printed.data, "more than 50000 entries"));
    unload(&loading);
    buffer_finish(&text);
}

static void replaces_variables(void **state)
{
    (void)state;
    setenv("VIF_TEST_PORT", "8081", 1);
    setenv("VIF_TEST_EMPTY", "", 1);
    setenv("VIF_TEST_YAML", "a, b: [", 1);
    unsetenv("VIF_TEST_NONE");
    struct loading loading =
        load_good("listen: [\"127.0.0.1:${VIF_TEST_PORT}\"]\n"
                  "workers: ${VIF_TEST_NONE:-3}\n"
                  "limits: {head: \"${VIF_TEST_EMPTY:-2KiB}\"}\n"
                  "sites: [{routes: {/: {respond: '${VIF_TEST_YAML}|${VIF_TEST_EMPTY}|$${HOME}|"
                  "$HOME|$$|${VIF_TEST_NONE:-}|${VIF_TEST_NONE:-a b:-c}'}}}]");
    assert_slice(loading.config->listeners[0].address, "127.0.0.1:8081");
    assert_int_equal(loading.config->workers, 3);
    assert_int_equal(loading.config->settings->limits.head_bytes, 2048);
    assert_slice(loading.config->settings->sites[0].routes[0].respond.body,
                 "a, b: [||${HOME}|$HOME|$$||a b:-c");
    unload(&loading);

    loading =
        load(SLICE("workers: ${VIF_TEST_NONE}\nlisten: ${VIF_TEST_PORT:8}\nlimits: {head: \"${}\"}" GOOD));
    assert_int_equal(loading.diagnostics.errors, 3);
    assert_non_null(
        strstr(loading.printed.data,
               "1:10: error: the environment variable VIF_TEST_NONE is not set; ${VIF_TEST_NONE:-value} "
               "would give it a default"));
    assert_non_null(strstr(loading.printed.data, "2:9: error: \"${VIF_TEST_PORT:8}\" is no variable"));
    assert_non_null(strstr(loading.printed.data, "3:16: error: \"${}\" is no variable"));
    unload(&loading);
    unsetenv("VIF_TEST_PORT");
    unsetenv("VIF_TEST_EMPTY");
    unsetenv("VIF_TEST_YAML");
}

static void bounds_what_variables_hold(void **state)
{
    (void)state;
    static char large[100000];
    memset(large, 'x', sizeof(large) - 1);
    setenv("VIF_TEST_LARGE", large, 1);
    struct buffer text;
    buffer_init(&text, 1u << 20);
    for (int i = 0; i < 20; i++)
        buffer_printf(&text, "x-%d: ${VIF_TEST_LARGE}\n", i);
    struct loading loading = load(buffer_slice(&text));
    assert_int_equal(loading.error, ERROR_SYNTAX);
    assert_non_null(
        strstr(loading.printed.data, "vif.yaml:11:7: error: longer than 1 MiB when its variables"));
    unload(&loading);
    buffer_finish(&text);
    unsetenv("VIF_TEST_LARGE");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_what_to_do),    cmocka_unit_test(takes_a_byte_order_mark),
        cmocka_unit_test(merges_maps),        cmocka_unit_test(bounds_what_is_merged),
        cmocka_unit_test(replaces_variables), cmocka_unit_test(bounds_what_variables_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
