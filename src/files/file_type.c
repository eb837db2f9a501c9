/* Rules first, then the table of http/mime.h; for text types, the settings may replace the charset. */
#include "files/file_type.h"

#include "disk/file.h"
#include "http/mime.h"

/* Extensions of files that web applications load in coded form, for instance those of Unity and
 * Emscripten. */
static const struct slice coded_endings[] = {
    SLICE(".wasm"), SLICE(".js"), SLICE(".mjs"), SLICE(".data"), SLICE(".symbols.json"),
};

static bool ends_with_nocase(struct slice text, struct slice end)
{
    return text.length >= end.length && slice_equal_nocase(slice_skip(text, text.length - end.length), end);
}

/* The path without the suffix of its coding, if that is part of the name. */
static struct slice without_coding(struct slice path, enum http_coding *ret_coding)
{
    *ret_coding = HTTP_CODING_IDENTITY;
    for (unsigned coding = HTTP_CODING_IDENTITY + 1; coding < HTTP_CODING_COUNT; coding++) {
        struct slice suffix = file_coding_suffix((enum http_coding)coding);
        if (!slice_ends_with(path, suffix))
            continue;
        struct slice inner = slice_take(path, path.length - suffix.length);
        for (size_t i = 0; i < ARRAY_LENGTH(coded_endings); i++) {
            if (!ends_with_nocase(inner, coded_endings[i]))
                continue;
            *ret_coding = (enum http_coding)coding;
            return inner;
        }
    }
    return path;
}

enum http_coding file_type_coding(struct slice path)
{
    enum http_coding coding;
    without_coding(path, &coding);
    return ends_with_nocase(path, SLICE(".svgz")) ? HTTP_CODING_GZIP : coding;
}

static const struct media_type_rule *find_rule(const struct files_settings *settings, struct slice path)
{
    for (size_t i = 0; i < settings->type_count; i++) {
        if (ends_with_nocase(path, settings->types[i].extension))
            return &settings->types[i];
    }
    return NULL;
}

static struct slice with_charset(struct slice type, struct slice charset, struct arena *arena)
{
    struct slice between = SLICE("; charset=");
    if (slice_equal(charset, SLICE("none")))
        return type;
    char *text = arena_alloc(arena, type.length + between.length + charset.length);
    if (text == NULL)
        return type;
    memcpy(text, type.data, type.length);
    memcpy(text + type.length, between.data, between.length);
    memcpy(text + type.length + between.length, charset.data, charset.length);
    return slice_make(text, type.length + between.length + charset.length);
}

/* Text types get the charset of the settings, unless a rule gives the type. */
struct slice file_type_of(const struct files_settings *settings, struct slice path, struct arena *arena)
{
    struct slice charset = settings->charset.length > 0 ? settings->charset : SLICE("utf-8");
    bool is_usual = slice_equal_nocase(charset, SLICE("utf-8"));
    const struct media_type_rule *rule = find_rule(settings, path);
    enum http_coding coding;
    struct slice type = rule ? rule->type : http_mime_type(without_coding(path, &coding));
    struct slice standard = SLICE("; charset=utf-8");
    if (rule == NULL && !is_usual && slice_ends_with(type, standard))
        return with_charset(slice_take(type, type.length - standard.length), charset, arena);
    bool is_bare_text = slice_starts_with(type, SLICE("text/")) && slice_find(type, ';') == type.length;
    return rule && is_bare_text ? with_charset(type, charset, arena) : type;
}
