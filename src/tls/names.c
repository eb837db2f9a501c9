/* Two hash maps: names, and names behind "*.". A look-up writes nothing and allocates nothing. */
#include "tls/names.h"

#include "sys/clock.h"
#include "tls/client_hello.h"

#include <errno.h>
#include <stdlib.h>

struct tls_name {
    struct map_link link;
    struct tls_context *context;
    uint8_t length;
    char text[]; /* lower case, no final dot, no "*." */
};

/* A name in the form in which it is looked up. */
struct lowered {
    size_t length;
    char text[CLIENT_HELLO_NAME_BYTES_MAX];
};

/* False where it is empty or longer than a name can be. */
static bool lower(struct slice name, struct lowered *out)
{
    if (slice_ends_with(name, SLICE(".")))
        name.length--;
    if (name.length == 0 || name.length > sizeof(out->text))
        return false;
    for (size_t i = 0; i < name.length; i++)
        out->text[i] = ascii_lower(name.data[i]);
    out->length = name.length;
    return true;
}

static struct slice lowered_slice(const struct lowered *name)
{
    return slice_make(name->text, name->length);
}

void tls_names_init(struct tls_names *names)
{
    *names = (struct tls_names){0};
    map_init(&names->exact);
    map_init(&names->wildcards);
    sys_random(&names->key, sizeof(names->key));
}

static void finish_map(struct map *map)
{
    struct map_link *link = map_next(map, NULL);
    while (link) {
        struct tls_name *name = CONTAINER_OF(link, struct tls_name, link);
        map_remove(map, link);
        tls_context_unref(name->context);
        free(name);
        link = map_next(map, NULL);
    }
    map_finish(map);
}

void tls_names_finish(struct tls_names *names)
{
    finish_map(&names->exact);
    finish_map(&names->wildcards);
    tls_context_unref(names->fallback);
    names->fallback = NULL;
}

static struct tls_name *tls_names_find_in(const struct map *map, const struct hash_key *key,
                                          struct slice text)
{
    struct map_link *link = map_find(map, hash_bytes(key, text));
    for (; link; link = map_find_next(link)) {
        struct tls_name *name = CONTAINER_OF(link, struct tls_name, link);
        if (slice_equal(text, slice_make(name->text, name->length)))
            return name;
    }
    return NULL;
}

static int tls_names_add_to(struct map *map, const struct hash_key *key, struct slice text,
                            struct tls_context *context)
{
    assert(text.length > 0 && text.length <= CLIENT_HELLO_NAME_BYTES_MAX);
    if (tls_names_find_in(map, key, text))
        return -EEXIST;
    struct tls_name *name = malloc(sizeof(*name) + text.length);
    if (name == NULL)
        return -ENOMEM;
    name->length = (uint8_t)text.length;
    memcpy(name->text, text.data, text.length);
    int error = map_insert(map, &name->link, hash_bytes(key, text));
    if (error) {
        free(name);
        return error;
    }
    name->context = tls_context_ref(context);
    return 0;
}

int tls_names_add(struct tls_names *names, struct slice host, struct tls_context *context)
{
    struct lowered name;
    bool is_wildcard = slice_starts_with(host, SLICE("*."));
    if (is_wildcard)
        host = slice_skip(host, 2);
    if (!lower(host, &name) || memchr(name.text, '*', name.length) != NULL)
        return -EINVAL;
    return tls_names_add_to(is_wildcard ? &names->wildcards : &names->exact, &names->key,
                            lowered_slice(&name), context);
}

void tls_names_set_default(struct tls_names *names, struct tls_context *context)
{
    if (context)
        tls_context_ref(context);
    tls_context_unref(names->fallback);
    names->fallback = context;
}

static struct tls_name *tls_names_find_wildcard(const struct tls_names *names, struct slice name)
{
    size_t dot = slice_find(name, '.');
    if (dot == 0 || dot + 1 >= name.length)
        return NULL;
    return tls_names_find_in(&names->wildcards, &names->key, slice_skip(name, dot + 1));
}

struct tls_context *tls_names_find(const struct tls_names *names, struct slice name)
{
    struct lowered lowered;
    if (!lower(name, &lowered))
        return names->fallback;
    struct tls_name *found = tls_names_find_in(&names->exact, &names->key, lowered_slice(&lowered));
    if (found == NULL)
        found = tls_names_find_wildcard(names, lowered_slice(&lowered));
    return found ? found->context : names->fallback;
}

static void replace(struct tls_context **place, struct tls_context *old, struct tls_context *context)
{
    if (*place != old)
        return;
    *place = tls_context_ref(context);
    tls_context_unref(old);
}

static void replace_in(struct map *map, struct tls_context *old, struct tls_context *context)
{
    for (struct map_link *link = map_next(map, NULL); link; link = map_next(map, link))
        replace(&CONTAINER_OF(link, struct tls_name, link)->context, old, context);
}

void tls_names_replace(struct tls_names *names, struct tls_context *old, struct tls_context *context)
{
    assert(old && context);
    tls_context_ref(old); /* until its last place is taken */
    replace_in(&names->exact, old, context);
    replace_in(&names->wildcards, old, context);
    replace(&names->fallback, old, context);
    tls_context_unref(old);
}
