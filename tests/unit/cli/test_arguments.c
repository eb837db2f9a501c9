/* Command lines, and what they become when they are put over a document. */
#include "../test.h"

#include "base/error.h"
#include "cli/arguments.h"
#include "conf/load.h"

#include <stdio.h>

struct line {
    struct diagnostics diagnostics;
    struct document document;
    struct arguments arguments;
    struct config *config;
    struct buffer printed;
    int error;
};

static struct line line; /* too large for some stacks */

/* Reads words over a site that answers everything, as `vif serve` would read them. */
static void read_words(char *const *words)
{
    line = (struct line){0};
    diagnostics_init(&line.diagnostics);
    buffer_init(&line.printed, 1u << 16);
    assert_int_equal(document_init(&line.document), 0);
    arguments_read(&line.arguments, FLAG_OF_SERVE, words, &line.diagnostics);
    struct argument root = {.text = SLICE("/tmp")};
    assert_int_equal(document_set(&line.document, SLICE("sites.0.routes./.files.root"), root), 0);
    line.error = arguments_apply(&line.arguments, &line.document);
    if (line.error == 0)
        line.error = config_build(&line.document, SLICE("/"), &line.diagnostics, &line.config);
    diagnostics_print(&line.diagnostics, false, &line.printed);
    buffer_append_byte(&line.printed, '\0');
}

static void finish(void)
{
    config_destroy(line.config);
    document_finish(&line.document);
    diagnostics_finish(&line.diagnostics);
    buffer_finish(&line.printed);
}

#define READ(...) read_words((char *const[]){__VA_ARGS__ __VA_OPT__(, ) NULL})
#define READ_GOOD(...)                         \
    do {                                       \
        READ(__VA_ARGS__);                     \
        if (line.error)                        \
            fail_msg("%s", line.printed.data); \
    } while (0)

static void refuses_no_workers(void **state)
{
    (void)state;
    READ("-w", "0");
    assert_int_equal(line.error, ERROR_SYNTAX);
    assert_non_null(
        strstr(line.printed.data, "workers: expected a number from 1 to 1024, or auto, not \"0\""));
    finish();
}

static void sets_options(void **state)
{
    (void)state;
    READ_GOOD("-w", "3", "--index=a,b", "-s", "--hidden", "--cors", "--log-format", "json", "--limit",
              "body=2MiB", "--timeout=idle=5s", "--cache", "*.css=max-age=60", "--cache=*=no-store",
              "--error-page", "404=404.html");
    const struct files_settings *files = &line.config->settings->sites[0].routes[0].files;
    assert_int_equal(line.config->workers, 3);
    assert_int_equal(files->index_count, 2);
    assert_slice(files->indexes[1], "b");
    assert_slice(files->fallback, "index.html");
    assert_true(files->hidden);
    assert_slice(line.config->settings->sites[0].routes[0].cors_origins[0], "*");
    assert_int_equal(line.config->access_log.format, ACCESS_LOG_JSON);
    assert_int_equal(line.config->settings->limits.body_bytes, 2u << 20);
    assert_int_equal(line.config->settings->timeouts.idle_ms, 5000);
    assert_int_equal(files->cache_rule_count, 2);
    assert_slice(files->cache_rules[0].pattern, "*.css");
    assert_slice(files->cache_rules[0].value, "max-age=60");
    assert_int_equal(files->error_pages[0].status, 404);
    finish();
}

static void takes_several_origins(void **state)
{
    (void)state;
    READ_GOOD("--cors=https://a.example,https://*.b.example", "--cors=https://c.example");
    const struct site *site = &line.config->settings->sites[0];
    assert_int_equal(site->routes[0].cors_origin_count, 3);
    assert_slice(site->routes[0].cors_origins[1], "https://*.b.example");
    assert_slice(site->routes[0].cors_origins[2], "https://c.example");
    finish();
}

static void takes_values_in_every_form(void **state)
{
    (void)state;
    READ_GOOD("-w2", "--log-level=debug", "-qs", "folder", "--no-listing");
    assert_int_equal(line.config->workers, 2);
    assert_int_equal(line.config->error_log.level, LOG_LEVEL_DEBUG);
    assert_true(line.arguments.quiet);
    assert_slice(line.config->access_log.path, "");
    assert_slice(line.arguments.operand.text, "folder");
    assert_slice(line.config->settings->sites[0].routes[0].files.fallback, "index.html");
    finish();
    READ_GOOD("-q");
    assert_int_equal(line.config->error_log.level, LOG_LEVEL_WARNING);
    finish();
    READ_GOOD("--", "-q");
    assert_slice(line.arguments.operand.text, "-q");
    assert_false(line.arguments.quiet);
    finish();
}

static void assert_listens(size_t index, const char *address)
{
    assert_true(index < line.config->listener_count);
    assert_slice(line.config->listeners[index].address, address);
}

static void puts_addresses_and_port_together(void **state)
{
    (void)state;
    READ_GOOD("-p", "9000");
    assert_int_equal(line.config->listener_count, 1);
    assert_listens(0, ":9000");
    finish();
    READ_GOOD("-a", "127.0.0.1", "-a", "::1", "-a", "[::2]", "-p", "9000", "-a", "127.0.0.2:9001", "-a",
              "[::1]:9002", "-a", "unix:/s");
    assert_int_equal(line.config->listener_count, 6);
    assert_listens(0, "127.0.0.1:9000");
    assert_listens(1, "[::1]:9000");
    assert_listens(2, "[::2]:9000");
    assert_listens(3, "127.0.0.2:9001");
    assert_listens(4, "[::1]:9002");
    assert_listens(5, "unix:/s");
    finish();
    READ_GOOD("-a", "127.0.0.1");
    assert_listens(0, "127.0.0.1:8080");
    finish();
    READ_GOOD(NULL);
    assert_listens(0, ":8080");
    finish();
}

static void tells_mistakes(void **state)
{
    (void)state;
    static const struct {
        const char *words[4];
        const char *told;
    } cases[] = {
        {{"--prot", "80"}, "unknown option --prot; did you mean --port?"},
        {{"-z"}, "unknown option -z"},
        {{"-w"}, "--workers needs a value: --workers N"},
        {{"--hidden=1"}, "--hidden=1: takes no value"},
        {{"a", "b"}, "unexpected argument \"b\" after \"a\": only one folder or file can be served"},
        {{"-p", "x"}, "--port: error: expected a port from 0 to 65535, not \"x\""},
        {{"-a", ""}, "--address: error: listen.address: nothing: it is empty"},
        {{"--limit", "body"}, "--limit: error: expected NAME=VALUE\n      | body\n      | ^~~~\n"},
        {{"--limit", "bdoy=1"}, "unknown option \"bdoy\" in limits; did you mean \"body\"?"},
        {{"--limit", "body=1x"}, "      | body=1x\n      |      ^~\n"},
        {{"--error-page", "99=x"}, "it is not the status of an error"},
        {{"--index", "a,,b"}, "it is not the name of a file"},
    };
    TABLE_ROWS(i, cases, cases[i].words[0]) {
        read_words((char *const *)cases[i].words);
        assert_int_equal(line.error, ERROR_SYNTAX);
        if (strstr(line.printed.data, cases[i].told) == NULL)
            fail_msg("%s should say: %s\nbut says:\n%s", cases[i].words[0], cases[i].told, line.printed.data);
        finish();
    }
}

/* A flag beside an option that the file gives as a lone text leaves that text alone. */
static void goes_before_a_file(void **state)
{
    (void)state;
    static char *const words[] = {"--log-format", "json", "-p", "1", NULL};
    struct document *document = &line.document;
    line = (struct line){0};
    diagnostics_init(&line.diagnostics);
    assert_int_equal(document_init(document), 0);
    arguments_read(&line.arguments, FLAG_OF_RUN, words, &line.diagnostics);
    struct node *log = document_reach(document, SLICE("log"), NODE_MAP, (struct source_position){0});
    struct node *key = node_text(document, SLICE("access"), (struct source_position){0});
    struct node *path = node_text(document, SLICE("/a.log"), (struct source_position){0});
    assert_int_equal(node_put(document, log, key, path), 0);
    assert_int_equal(arguments_apply(&line.arguments, document), 0);
    assert_slice(document_find(document, SLICE("log.access.path"))->text, "/a.log");
    assert_slice(document_find(document, SLICE("log.access.format"))->text, "json");
    finish();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_no_workers),
        cmocka_unit_test(sets_options),
        cmocka_unit_test(takes_several_origins),
        cmocka_unit_test(takes_values_in_every_form),
        cmocka_unit_test(puts_addresses_and_port_together),
        cmocka_unit_test(tells_mistakes),
        cmocka_unit_test(goes_before_a_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
