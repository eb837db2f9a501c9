/* What names of files say: the settings before the table, and codings that are part of a name. */
#include "tests/unit/test.h"

#include "files/file_type.h"

static struct media_type_rule rules[] = {
    {SLICE(".foo"), SLICE("application/x-foo")},       {SLICE(".md"), SLICE("text/plain")},
    {SLICE(".tar.foo"), SLICE("application/x-never")}, /* the first that matches wins */
    {SLICE(".log.gz"), SLICE("text/x-log")},           {SLICE(".txt"), SLICE("text/plain; format=flowed")},
    {SLICE("README"), SLICE("text/markdown")},
};

static void types_and_charsets(void **state)
{
    (void)state;
    static const struct {
        const char *path, *usual, *latin, *none; /* by charset; latin and none NULL: as usual */
    } cases[] = {
        {"a.html", "text/html; charset=utf-8", "text/html; charset=iso-8859-1", "text/html"},
        {"dir/a.CSS", "text/css; charset=utf-8", "text/css; charset=iso-8859-1", "text/css"},
        {"a.js", "text/javascript; charset=utf-8", "text/javascript; charset=iso-8859-1", "text/javascript"},
        {"a.json", "application/json", NULL, NULL},
        {"a.png", "image/png", NULL, NULL},
        {"a.svg", "image/svg+xml", NULL, NULL},
        {"a.svgz", "image/svg+xml", NULL, NULL},
        {"unknown", "application/octet-stream", NULL, NULL},
        {"a.wasm.gz", "application/wasm", NULL, NULL},
        {"a.WASM.gz", "application/wasm", NULL, NULL},
        {"a.js.br", "text/javascript; charset=utf-8", "text/javascript; charset=iso-8859-1",
         "text/javascript"},
        {"a.symbols.json.zst", "application/json", NULL, NULL},
        {"a.data.br", "application/octet-stream", NULL, NULL},
        {"a.tar.gz", "application/gzip", NULL, NULL},
        {"a.json.gz", "application/gzip", NULL, NULL},
        {"a.css.gz", "application/gzip", NULL, NULL},
        /* rules */
        {"a.foo", "application/x-foo", NULL, NULL},
        {"a.tar.FOO", "application/x-foo", NULL, NULL},
        {"a.md", "text/plain; charset=utf-8", "text/plain; charset=iso-8859-1", "text/plain"},
        {"a.txt", "text/plain; format=flowed", NULL, NULL},
        {"a.log.gz", "text/x-log; charset=utf-8", "text/x-log; charset=iso-8859-1", "text/x-log"},
        {"sub/readme", "text/markdown; charset=utf-8", "text/markdown; charset=iso-8859-1", "text/markdown"},
    };
    static const struct slice charsets[] = {{0}, SLICE("UTF-8"), SLICE("iso-8859-1"), SLICE("none")};
    for (size_t i = 0; i < 4 * ARRAY_LENGTH(cases); i++) {
        struct files_settings settings = {
            .types = rules, .type_count = ARRAY_LENGTH(rules), .charset = charsets[i % 4]};
        const char *expected = i % 4 == 2 ? cases[i / 4].latin : i % 4 == 3 ? cases[i / 4].none : NULL;
        struct slice path = slice_from(cases[i / 4].path);
        struct arena arena;
        arena_init(&arena, 4096);
        struct slice type = file_type_of(&settings, path, &arena);
        if (!slice_equal_nocase(type, slice_from(expected ? expected : cases[i / 4].usual)))
            fail_msg("%s: %.*s", cases[i / 4].path, SLICE_ARGS(type));
        arena_finish(&arena);
    }
}

static void codings_that_are_part_of_the_name(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        enum http_coding coding;
    } cases[] = {
        {"a.svgz", HTTP_CODING_GZIP},          {"a.SVGZ", HTTP_CODING_GZIP},
        {"Build/a.wasm.gz", HTTP_CODING_GZIP}, {"a.wasm.br", HTTP_CODING_BR},
        {"a.js.zst", HTTP_CODING_ZSTD},        {"a.mjs.gz", HTTP_CODING_GZIP},
        {"a.data.gz", HTTP_CODING_GZIP},       {"a.symbols.json.gz", HTTP_CODING_GZIP},
        {"a.json.gz", HTTP_CODING_IDENTITY},   {"a.tar.gz", HTTP_CODING_IDENTITY},
        {"a.gz", HTTP_CODING_IDENTITY},        {"a.wasm", HTTP_CODING_IDENTITY},
        {"a.html.br", HTTP_CODING_IDENTITY},   {"wasm.gz", HTTP_CODING_IDENTITY},
        {".gz", HTTP_CODING_IDENTITY},         {"", HTTP_CODING_IDENTITY},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        if (file_type_coding(slice_from(cases[i].path)) != cases[i].coding)
            fail_msg("%s", cases[i].path);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(types_and_charsets),
        cmocka_unit_test(codings_that_are_part_of_the_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
