/* `include`: what is merged, and what mistakes say, in folders of the test's own. */
#include "loading.h"

#define SITE(host) "sites: [{hosts: " host ", routes: {/: {respond: a}}}]\n"

struct written {
    struct document document;
    struct loading loading;
};

/* A folder with pairs of a name and a text; the current one from then on. */
static void enter_folder(void)
{
    make_site((const char *const[]){NULL});
    assert_int_equal(mkdir("sites", 0700), 0);
}

static void write_file(const char *name, const char *text)
{
    FILE *file = fopen(name, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void leave_folder(void)
{
    char command[128];
    snprintf(command, sizeof(command), "rm -r %s", site_folder());
    assert_int_equal(system(command), 0);
}

static struct written load_path(const char *path)
{
    struct written written = {0};
    struct loading *loading = &written.loading;
    struct slice folder;
    diagnostics_init(&loading->diagnostics);
    buffer_init(&loading->printed, 1u << 20);
    assert_int_equal(document_init(&written.document), 0);
    loading->error = document_load_file(path, &loading->diagnostics, &written.document, &folder);
    if (loading->error == 0)
        loading->error = config_build(&written.document, folder, &loading->diagnostics, &loading->config);
    diagnostics_print(&loading->diagnostics, false, &loading->printed);
    buffer_append_byte(&loading->printed, '\0');
    return written;
}

static void finish(struct written *written)
{
    unload(&written->loading);
    document_finish(&written->document);
}

static struct written load_good_path(const char *path)
{
    struct written written = load_path(path);
    if (written.loading.error)
        fail_msg("%s", written.loading.printed.data);
    return written;
}

static void expect_mistake(const char *message)
{
    struct written written = load_path("vif.yaml");
    assert_int_equal(written.loading.error, ERROR_SYNTAX);
    if (strstr(written.loading.printed.data, message) == NULL)
        fail_msg("%s instead of %s", written.loading.printed.data, message);
    finish(&written);
}

static void lists_are_appended_and_maps_become_one(void **state)
{
    (void)state;
    enter_folder();
    write_file("vif.yaml", "listen: \":1\"\n"
                           "include: sites/*.yaml\n"
                           "limits: {head: 9KiB}\n" SITE("main"));
    write_file("sites/b.yaml", SITE("b") "listen: [\":2\", \":3\"]\ntimeouts: {idle: 7s}\n");
    write_file("sites/a.yaml", SITE("a") "limits: {body: 5KiB}\nx-note: a\nlisten: \":4\"\n");
    write_file("sites/c.txt", "nonsense");
    write_file("sites/empty.yaml", "");
    struct written written = load_good_path("vif.yaml");
    const struct config *config = written.loading.config;
    const char *const hosts[] = {"main", "a", "b"};
    assert_int_equal(config->settings->site_count, 3);
    for (size_t i = 0; i < 3; i++)
        assert_string_equal(config->settings->sites[i].hosts[0].data, hosts[i]);
    const char *const addresses[] = {":1", ":4", ":2", ":3"};
    assert_int_equal(config->listener_count, 4);
    for (size_t i = 0; i < 4; i++)
        assert_string_equal(config->listeners[i].address.data, addresses[i]);
    assert_int_equal(config->settings->limits.head_bytes, 9 << 10);
    assert_int_equal(config->settings->limits.body_bytes, 5 << 10);
    assert_int_equal(config->settings->timeouts.idle_ms, 7000);
    finish(&written);
    leave_folder();
}

/* Whatever the current folder is, and although its name has wildcards in it. */
static void paths_begin_where_they_are_written(void **state)
{
    (void)state;
    enter_folder();
    assert_int_equal(mkdir("sites/[a]*", 0700), 0);
    assert_int_equal(mkdir("sites/[a]*/more", 0700), 0);
    write_file("sites/[a]*/vif.yaml", "include: [mo*/s.yaml]\nlog: {access: main.log}\n");
    write_file("sites/[a]*/more/s.yaml", "sites: [{routes: {/: {files: .}}}]\nlog: {error: other.log}\n");
    struct written written = load_good_path("sites/[a]*/vif.yaml");
    const struct config *config = written.loading.config;
    char expected[256];
    snprintf(expected, sizeof(expected), "%s/sites/[a]*/more", site_folder());
    assert_string_equal(config->settings->sites[0].routes[0].files.root.data, expected);
    snprintf(expected, sizeof(expected), "%s/sites/[a]*/more/other.log", site_folder());
    assert_string_equal(config->error_log.path.data, expected);
    snprintf(expected, sizeof(expected), "%s/sites/[a]*/main.log", site_folder());
    assert_string_equal(config->access_log.path.data, expected);
    finish(&written);
    leave_folder();
}

static void each_file_is_included_once_and_never_itself(void **state)
{
    (void)state;
    enter_folder();
    write_file("vif.yaml", "include: [a.yaml, \"*.yaml\", ./a.yaml]\n" SITE("main"));
    write_file("a.yaml", SITE("a"));
    struct written written = load_good_path("vif.yaml");
    assert_int_equal(written.loading.config->settings->site_count, 2);
    finish(&written);
    write_file("vif.yaml", "include: vif.yaml\n" SITE("main"));
    expect_mistake("vif.yaml:1:10: error: include: vif.yaml: this is the file itself");
    leave_folder();
}

/* An alias in the including file stands for the same node in two places: only one of them grows. */
static void aliases_stay_what_they_were(void **state)
{
    (void)state;
    enter_folder();
    write_file("vif.yaml", "x-t: &t {idle: 3s}\ntimeouts: *t\nx-u: *t\ninclude: a.yaml\n" SITE("main"));
    write_file("a.yaml", "timeouts: {head: 4s}\n");
    struct written written = load_good_path("vif.yaml");
    assert_int_equal(written.loading.config->settings->timeouts.idle_ms, 3000);
    assert_int_equal(written.loading.config->settings->timeouts.head_ms, 4000);
    assert_null(document_find(&written.document, SLICE("x-t.head")));
    assert_non_null(document_find(&written.document, SLICE("timeouts.head")));
    finish(&written);
    leave_folder();
}

static void what_is_not_there(void **state)
{
    (void)state;
    enter_folder();
    write_file("vif.yaml", "include: [none/*.yaml, \"sites/*\"]\n" SITE("main"));
    struct written written = load_good_path("vif.yaml");
    finish(&written);
    write_file("vif.yaml", "include:\n  - sites/a.yaml\n" SITE("main"));
    expect_mistake("vif.yaml:2:5: error: include: sites/a.yaml: No such file or directory");
    write_file("vif.yaml", "include: sites\n" SITE("main"));
    expect_mistake("vif.yaml:1:10: error: sites: Is a directory");
    write_file("vif.yaml", "include: /dev/zero\n" SITE("main"));
    expect_mistake("vif.yaml:1:10: error: /dev/zero: no regular file");
    write_file("vif.yaml", "include: {a: b}\n" SITE("main"));
    expect_mistake("vif.yaml:1:10: error: include: expected a list");
    write_file("vif.yaml", "include: [\"\"]\n" SITE("main"));
    expect_mistake("vif.yaml:1:11: error: include: ");
    write_file("vif.yaml", "include: sites/*.yaml\n");
    expect_mistake("sites is missing");
    leave_folder();
}

static void mistakes_are_told_where_they_are(void **state)
{
    (void)state;
    enter_folder();
    write_file("vif.yaml", "workers: 2\ninclude: sites/*.yaml\nlimits: {head: 9KiB}\n" SITE("main"));
    write_file("sites/a.yaml", "listenn: \":1\"\n");
    expect_mistake("sites/a.yaml:1:1: error: unknown option \"listenn\"");
    write_file("sites/a.yaml", "\nworkers: 3\n");
    expect_mistake("sites/a.yaml:2:1: error: \"workers\" is there twice (first in vif.yaml:1)");
    write_file("sites/a.yaml", "limits:\n  head: 8KiB\n");
    expect_mistake("sites/a.yaml:2:3: error: \"head\" is there twice (first in vif.yaml:3)");
    write_file("sites/a.yaml", "limits: [1]\n");
    expect_mistake("sites/a.yaml:1:1: error: \"limits\" is there twice (first in vif.yaml:3)");
    write_file("sites/a.yaml", SITE("main"));
    expect_mistake("sites/a.yaml:1:17: error: ");
    write_file("sites/a.yaml", "include: b.yaml\n");
    expect_mistake("sites/a.yaml:1:1: error: an included file cannot include others");
    write_file("sites/a.yaml", "a: [b\n");
    write_file("sites/b.yaml", "c: {d\n");
    expect_mistake("sites/b.yaml:"); /* both are told */
    expect_mistake("sites/a.yaml:");
    leave_folder();
}

static void everything_is_bounded(void **state)
{
    (void)state;
    enter_folder();
    write_file("vif.yaml", "include: sites/*\n" SITE("main"));
    for (unsigned i = 0; i < 1001; i++) {
        char name[32];
        snprintf(name, sizeof(name), "sites/%u", i);
        write_file(name, "# nothing\n");
    }
    expect_mistake("vif.yaml:1:10: error: include: sites/*: more than 1000 files");
    assert_int_equal(unlink("sites/1000"), 0);
    struct written written = load_good_path("vif.yaml");
    finish(&written);
    write_file("vif.yaml", "include: a*\n" SITE("main"));
    static char large[1000001];
    memset(large, '#', sizeof(large) - 1);
    for (unsigned i = 0; i < 5; i++) {
        char name[32];
        snprintf(name, sizeof(name), "a%u", i);
        write_file(name, large);
    }
    expect_mistake("longer than 4 MiB, all files together");
    leave_folder();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_are_appended_and_maps_become_one),
        cmocka_unit_test(paths_begin_where_they_are_written),
        cmocka_unit_test(each_file_is_included_once_and_never_itself),
        cmocka_unit_test(aliases_stay_what_they_were),
        cmocka_unit_test(what_is_not_there),
        cmocka_unit_test(mistakes_are_told_where_they_are),
        cmocka_unit_test(everything_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
