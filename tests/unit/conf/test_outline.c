/* What is said of two editions of a configuration. */
#include "../test.h"

#include "conf/load.h"
#include "conf/outline.h"
#include "conf/yaml.h"

static void outline_of(const char *text, struct buffer *out)
{
    struct diagnostics diagnostics;
    struct document document;
    diagnostics_init(&diagnostics);
    buffer_init(out, OUTLINE_BYTES_MAX);
    assert_int_equal(document_init(&document), 0);
    const struct source_text *source =
        diagnostics_add_source(&diagnostics, SLICE("a.yaml"), slice_from(text), true);
    assert_non_null(source);
    assert_int_equal(yaml_read(source, &diagnostics, &document), 0);
    outline_write(&document, out);
    document_finish(&document);
    diagnostics_finish(&diagnostics);
}

static void expect_changes(const char *former, const char *now, const char *expected)
{
    struct buffer old_outline, new_outline, changes;
    outline_of(former, &old_outline);
    outline_of(now, &new_outline);
    buffer_init(&changes, 1u << 16);
    outline_compare(buffer_slice(&old_outline), buffer_slice(&new_outline), &changes);
    buffer_append_byte(&changes, '\0');
    assert_string_equal(changes.data, expected);
    buffer_finish(&old_outline);
    buffer_finish(&new_outline);
    buffer_finish(&changes);
}

static void values_that_differ_are_named_with_both(void **state)
{
    (void)state;
    expect_changes("limits: {uri: 8KiB}\n", "\nlimits: {uri: 4KiB}\n",
                   "~ limits.uri: 8KiB -> 4KiB (a.yaml:2)\n");
    expect_changes("a: 1\nb: 2\n", "b: 2\na: 1\n", "");
    expect_changes("sites: [{hosts: [a, b], routes: {/: {respond: x}}}]\n",
                   "sites: [{hosts: [a, b], routes: {/: {respond: y}}}]\n",
                   "~ sites[a, b].routes./.respond: x -> y (a.yaml:1)\n");
}

static void of_what_is_new_or_gone_only_the_whole_is_named(void **state)
{
    (void)state;
    expect_changes("sites:\n- {hosts: a, routes: {/: {respond: x}}}\n",
                   "sites:\n- {hosts: a, routes: {/: {respond: x}, /new: {respond: z, cors: '*'}}}\n"
                   "- {hosts: b, routes: {/: {respond: y}}}\n",
                   "+ sites[a].routes./new (a.yaml:2)\n+ sites[b] (a.yaml:3)\n");
    expect_changes("listen: [8080, {address: 8443, tls: true}]\n", "listen: [8080]\n",
                   "- listen[8443] (a.yaml:1)\n");
}

static void an_order_that_changes_is_no_change(void **state)
{
    (void)state;
    expect_changes("listen: [8080, 9090]\n", "listen: [9090, 8080]\n", "");
}

static void there_is_an_end_of_telling(void **state)
{
    (void)state;
    struct buffer text, outline, changes;
    buffer_init(&text, 1u << 16);
    for (int i = 0; i < 60; i++)
        buffer_printf(&text, "key%02d: 1\n", i);
    buffer_append_byte(&text, '\0');
    outline_of(text.data, &outline);
    buffer_init(&changes, 1u << 16);
    assert_int_equal(outline_compare(SLICE(""), buffer_slice(&outline), &changes), 60);
    assert_true(slice_ends_with(buffer_slice(&changes), SLICE("and 10 more changes\n")));
    buffer_finish(&text);
    buffer_finish(&outline);
    buffer_finish(&changes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_that_differ_are_named_with_both),
        cmocka_unit_test(of_what_is_new_or_gone_only_the_whole_is_named),
        cmocka_unit_test(an_order_that_changes_is_no_change),
        cmocka_unit_test(there_is_an_end_of_telling),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
