/* Tags are compared, never made: what they are made of is vif's business. */
#include "tags.h"

#include "content.h"

#include <stdio.h>

bool tag_is_weak(const char *tag)
{
    return strncmp(tag, "W/", 2) == 0;
}

static const char *opaque(const char *tag)
{
    return tag_is_weak(tag) ? tag + 2 : tag;
}

bool tags_match(const char *a, const char *b, bool is_strong)
{
    return strcmp(opaque(a), opaque(b)) == 0 && !(is_strong && (tag_is_weak(a) || tag_is_weak(b)));
}

bool tag_read(struct slice field, char out[ETAG_TEXT_MAX])
{
    if (field.length == 0 || field.length >= ETAG_TEXT_MAX)
        return false;
    memcpy(out, field.data, field.length);
    out[field.length] = '\0';
    const char *text = opaque(out);
    size_t length = strlen(text);
    return length >= 2 && text[0] == '"' && strcspn(text + 1, "\" \t") == length - 2;
}

/* By the beginning, as far as it goes: contents are drawn at random. */
static bool have_same_bytes(const struct version *a, const struct version *b)
{
    char first[64], second[64];
    size_t length = (size_t)MIN(a->size, sizeof(first));
    content_fill(first, a->key, 0, length);
    content_fill(second, b->key, 0, length);
    return a->size == b->size && memcmp(first, second, length) == 0;
}

const char *tag_known(const struct form *form, const struct version *version)
{
    if (version->tag[0])
        return version->tag;
    for (size_t i = 0; i < form->count; i++) {
        if (form->versions[i].tag[0] && have_same_bytes(&form->versions[i], version))
            return form->versions[i].tag;
    }
    return "";
}

bool judge_tag(const struct form *form, const struct version *version, const char *tag,
               struct verdict *verdict)
{
    if (tag_is_weak(tag))
        return true;
    if (version->tag[0] && strcmp(version->tag, tag) != 0)
        return blame(verdict, "the ETag was %s and is %s", version->tag, tag);
    for (size_t i = 0; i < form->count; i++) {
        const struct version *other = &form->versions[i];
        if (strcmp(other->tag, tag) == 0 && !have_same_bytes(other, version))
            return blame(verdict, "the ETag %s is of two contents", tag);
    }
    return true;
}

void tag_note(struct version *version, const char *tag)
{
    if (!tag_is_weak(tag))
        snprintf(version->tag, ETAG_TEXT_MAX, "%s", tag);
}
