/* What is kept of reloads: the last ones, and of each what people who look at the page may see. */
#include "../test.h"

#include "log/reload_history.h"

#include <stdio.h>
#include <string.h>

static void only_changes_and_mistakes_are_kept(void **state)
{
    (void)state;
    static struct reload_history history;
    reload_history_add(&history, 100, 2, "in force",
                       SLICE("vif.yaml:7:10: warning: tls: cert.pem: expires\n"
                             "    7 |     tls: {key: secret + error}\n"
                             "      |          ^\n"
                             "+ sites[new.example.com] (vif.yaml:17)\n"
                             "~ limits.body: 1MiB -> 2MiB (vif.yaml:3)\n"));
    reload_history_add(&history, 200, 2, "refused",
                       SLICE("vif.yaml:2:1: error: unknown option \"workres\"\n"
                             "    2 | workres: 2: error: 3\n"
                             "      | ^~~~~~~\n"));
    assert_string_equal(history.list[0].result, "refused");
    assert_string_equal(history.list[0].text, "vif.yaml:2:1: error: unknown option \"workres\"\n");
    assert_int_equal(history.list[1].when_seconds, 100);
    assert_int_equal(history.list[1].generation, 2);
    assert_string_equal(history.list[1].text, "+ sites[new.example.com] (vif.yaml:17)\n"
                                              "~ limits.body: 1MiB -> 2MiB (vif.yaml:3)\n");
    assert_int_equal(history.version % 2, 0);
}

static void the_last_ones_are_kept(void **state)
{
    (void)state;
    static struct reload_history history;
    for (unsigned i = 1; i <= RELOADS_KEPT + 3; i++)
        reload_history_add(&history, i, i, "in force", (struct slice){0});
    for (unsigned i = 0; i < RELOADS_KEPT; i++)
        assert_int_equal(history.list[i].generation, RELOADS_KEPT + 3 - i);
    assert_string_equal(history.list[0].text, "");
}

static void what_finds_no_room_is_left_out_by_lines(void **state)
{
    (void)state;
    static struct reload_history history;
    char text[100 * 40], *end = text;
    for (int i = 0; i < 100; i++)
        end += sprintf(end, "+ sites[%d].a.name.that.is.not.short\n", i);
    reload_history_add(&history, 1, 2, "in force", slice_make(text, (size_t)(end - text)));
    size_t length = strlen(history.list[0].text);
    assert_true(length < RELOAD_TEXT_BYTES && length > RELOAD_TEXT_BYTES - 60);
    assert_string_equal(history.list[0].text + length - 11, ".short\n...\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_changes_and_mistakes_are_kept),
        cmocka_unit_test(the_last_ones_are_kept),
        cmocka_unit_test(what_finds_no_room_is_left_out_by_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
