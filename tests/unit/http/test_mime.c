/* Media types: the names that the web is made of, names that are nothing, and the whole table once. */
#include "../test.h"

#include "http/mime.h"
#include "http/mime_table.h"

#include <stdio.h>
#include <stdlib.h>

#define UNKNOWN "application/octet-stream"
#define TEXT    "text/plain; charset=utf-8"

static void knows_names(void **state)
{
    (void)state;
    static const struct {
        const char *path, *type;
        bool is_compressible;
    } cases[] = {
        {"/index.html", "text/html; charset=utf-8", true},
        {"/INDEX.HTM", "text/html; charset=utf-8", true},
        {"a.css", "text/css; charset=utf-8", true},
        {"a.js", "text/javascript; charset=utf-8", true},
        {"a.mjs", "text/javascript; charset=utf-8", true},
        {"a.json", "application/json", true},
        {"a.js.map", "application/json", true},
        {"a.webmanifest", "application/manifest+json", true},
        {"a.xml", "application/xml", true},
        {"a.svg", "image/svg+xml", true},
        {"a.svgz", "image/svg+xml", true},
        {"a.png", "image/png", false},
        {"a.jpg", "image/jpeg", false},
        {"a.JPEG", "image/jpeg", false},
        {"a.gif", "image/gif", false},
        {"a.webp", "image/webp", false},
        {"a.avif", "image/avif", false},
        {"favicon.ico", "image/vnd.microsoft.icon", true},
        {"a.woff2", "font/woff2", false},
        {"a.ttf", "font/ttf", true},
        {"a.wasm", "application/wasm", true},
        {"a.mp4", "video/mp4", false},
        {"a.webm", "video/webm", false},
        {"a.mp3", "audio/mpeg", false},
        {"a.ts", "video/mp2t", false},
        {"a.m3u8", "application/vnd.apple.mpegurl", false},
        {"a.pdf", "application/pdf", false},
        {"a.zip", "application/zip", false},
        {"a.tar.gz", "application/gzip", false},
        {"a.tgz", "application/gzip", false},
        {"a.txt", TEXT, true},
        {"a.md", "text/markdown; charset=utf-8", true},
        {"a.py", TEXT, true},
        {"a.c", "text/x-c; charset=utf-8", true},
        {"a.exe", UNKNOWN, false},
        {"a.bin", UNKNOWN, false},
        {"/docs/README", TEXT, true},
        {"license", TEXT, true},
        {"SHA256SUMS", TEXT, true},
        {"/.well-known/apple-app-site-association", "application/json", true},
        {"", UNKNOWN, false},
        {"/", UNKNOWN, false},
        {".", UNKNOWN, false},
        {"..", UNKNOWN, false},
        {"a", UNKNOWN, false},
        {"a.", UNKNOWN, false},
        {".html", UNKNOWN, false}, /* a hidden file without an extension */
        {".a.html", "text/html; charset=utf-8", true},
        {"/a.html/b", UNKNOWN, false},
        {"/a.html/", UNKNOWN, false},
        {"html", UNKNOWN, false},
        {"a.htmlx", UNKNOWN, false},
        {"a.ht ml", UNKNOWN, false},
        {"a.appinstaller", "application/appinstaller", false}, /* the longest that fits */
        {"a.appinstallerx", UNKNOWN, false},
        {"a.\xff\xff", UNKNOWN, false},
    };
    TABLE_ROWS(i, cases, cases[i].path) {
        size_t length = strlen(cases[i].path);
        char *copy = malloc(length);
        memcpy(copy, cases[i].path, length);
        struct slice path = slice_make(copy, length);
        struct slice type = http_mime_type(path);
        if (!slice_equal(type, slice_from(cases[i].type)) ||
            http_mime_is_compressible(path) != cases[i].is_compressible)
            fail_msg("%s is %.*s", cases[i].path, SLICE_ARGS(type));
        free(copy);
    }
}

/* Would fail for a table that is not sorted or names a type that is cut short. */
static void finds_every_extension(void **state)
{
    (void)state;
    static const struct {
        const char *name, *text;
        bool is_compressible;
    } types[] = {
#define X(name, text, is_compressible) {#name, text, is_compressible},
        MIME_TYPE_TABLE(X)
#undef X
    };
    static const struct {
        const char *extension, *type_name;
    } extensions[] = {
#define X(extension, name) {extension, #name},
        MIME_EXTENSION_TABLE(X)
#undef X
    };
    TABLE_ROWS(i, extensions, extensions[i].extension) {
        char path[32];
        int length = snprintf(path, sizeof(path), "x.%s", extensions[i].extension);
        size_t type = 0;
        while (strcmp(types[type].name, extensions[i].type_name) != 0)
            type++;
        assert_slice(http_mime_type(slice_make(path, (size_t)length)), types[type].text);
        assert_int_equal(http_mime_is_compressible(slice_from(path)), types[type].is_compressible);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_names),
        cmocka_unit_test(finds_every_extension),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
