/* A compact form of mime_table.h: all types are in one text, found by offsets, so that no relocations are
 * needed at start; an extension takes 16 bytes and is found by binary search. It is used once per file,
 * not once per request. */
#include "http/mime.h"

#include "http/mime_table.h"

#include <stdlib.h>

#define EXTENSION_MAX 12

/* All types one after the other, each with its NUL; the offset of a member is where its type begins. */
struct type_text {
#define X(name, text, is_compressible) char name[sizeof(text)];
    MIME_TYPE_TABLE(X)
#undef X
};

static const struct type_text type_text = {
#define X(name, text, is_compressible) .name = text,
    MIME_TYPE_TABLE(X)
#undef X
};

enum {
#define X(name, text, is_compressible) IS_COMPRESSIBLE_##name = is_compressible,
    MIME_TYPE_TABLE(X)
#undef X
};

struct media_type {
    uint16_t offset; /* in type_text */
    uint8_t length;
    bool is_compressible;
};

static_assert(sizeof(struct type_text) <= UINT16_MAX, "an offset fits");

#define MEDIA_TYPE(name)                                                                                    \
    {                                                                                                       \
        offsetof(struct type_text, name), sizeof(((struct type_text *)0)->name) - 1, IS_COMPRESSIBLE_##name \
    }

struct extension {
    char text[EXTENSION_MAX]; /* lower case, padded with NULs */
    struct media_type type;
};

static const struct extension extensions[] = {
#define X(extension, name) {extension, MEDIA_TYPE(name)},
    MIME_EXTENSION_TABLE(X)
#undef X
};

static const struct media_type unknown_type = MEDIA_TYPE(application_octet_stream);
static const struct media_type text_type = MEDIA_TYPE(text_plain);
static const struct media_type json_type = MEDIA_TYPE(application_json);

static int compare_extensions(const void *a, const void *b)
{
    return memcmp(((const struct extension *)a)->text, ((const struct extension *)b)->text, EXTENSION_MAX);
}

static const struct media_type *find_extension(struct slice text)
{
    struct extension wanted = {0};
    if (text.length > EXTENSION_MAX)
        return &unknown_type;
    for (size_t i = 0; i < text.length; i++)
        wanted.text[i] = ascii_lower(text.data[i]);
    const struct extension *found =
        bsearch(&wanted, extensions, ARRAY_LENGTH(extensions), sizeof(*extensions), compare_extensions);
    return found ? &found->type : &unknown_type;
}

static const struct media_type *find_whole_name(struct slice name)
{
    static const struct slice text_names[] = {
        SLICE("AUTHORS"),  SLICE("CHANGELOG"),  SLICE("CHANGES"),     SLICE("CONTRIBUTING"),
        SLICE("COPYING"),  SLICE("Dockerfile"), SLICE("HISTORY"),     SLICE("INSTALL"),
        SLICE("LICENCE"),  SLICE("LICENSE"),    SLICE("MAINTAINERS"), SLICE("Makefile"),
        SLICE("MD5SUMS"),  SLICE("NEWS"),       SLICE("NOTICE"),      SLICE("README"),
        SLICE("SHA1SUMS"), SLICE("SHA256SUMS"), SLICE("SHA512SUMS"),  SLICE("THANKS"),
        SLICE("TODO"),     SLICE("VERSION"),
    };
    for (size_t i = 0; i < ARRAY_LENGTH(text_names); i++) {
        if (slice_equal_nocase(name, text_names[i]))
            return &text_type;
    }
    /* Apple's devices request it under .well-known and expect JSON. */
    return slice_equal(name, SLICE("apple-app-site-association")) ? &json_type : &unknown_type;
}

/* The index after the last `byte`; 0 if there is none. */
static size_t behind_last(struct slice slice, char byte)
{
    size_t end = slice.length;
    while (end > 0 && slice.data[end - 1] != byte)
        end--;
    return end;
}

static const struct media_type *find_type(struct slice path)
{
    struct slice name = slice_skip(path, behind_last(path, '/'));
    size_t extension = behind_last(name, '.');
    if (extension <= 1) /* no dot, or only that of a hidden file */
        return find_whole_name(name);
    return find_extension(slice_skip(name, extension));
}

bool http_mime_is_known(struct slice path)
{
    struct slice name = slice_skip(path, behind_last(path, '/'));
    size_t extension = behind_last(name, '.');
    return extension > 1 && find_extension(slice_skip(name, extension)) != &unknown_type;
}

struct slice http_mime_type(struct slice path)
{
    const struct media_type *type = find_type(path);
    assert(type->offset + type->length < sizeof(type_text));
    return slice_make((const char *)&type_text + type->offset, type->length);
}

bool http_mime_is_compressible(struct slice path)
{
    return find_type(path)->is_compressible;
}
