/* Cookies are read as clients send them (RFC 6265 section 4.2.1): pairs with "; " between, in one header or,
 * over HTTP/2, in several. */
#include "proxy/affinity.h"

#include <stdio.h>

#define COOKIE_ATTRIBUTES_BYTES 64

/* Keys must be the same in every worker, and on every machine. */
static const struct hash_key affinity_key = {0};

/* The first cookie of that name; data is NULL if there is none. */
static struct slice cookie_value(const struct http_request *request, struct slice name)
{
    for (unsigned i = 0; i < request->field_count; i++) {
        struct slice rest = request->fields[i].value, pair;
        if (!slice_equal_nocase(request->fields[i].name_text, SLICE("Cookie")))
            continue;
        while (slice_next(&rest, ';', &pair)) {
            size_t equals = slice_find(pair, '=');
            if (equals < pair.length && slice_equal(slice_take(pair, equals), name))
                return slice_skip(pair, equals + 1);
        }
    }
    return (struct slice){0};
}

static struct slice header_value(const struct http_request *request, struct slice name)
{
    for (unsigned i = 0; i < request->field_count; i++) {
        if (slice_equal_nocase(request->fields[i].name_text, name))
            return request->fields[i].value;
    }
    return (struct slice){0};
}

/* Data is NULL if the request does not have it. */
static struct slice hashed_value(const struct http_request *request, struct slice hash)
{
    static const struct slice header = {"header:", 7}, cookie = {"cookie:", 7};
    if (slice_starts_with(hash, header))
        return header_value(request, slice_skip(hash, header.length));
    if (slice_starts_with(hash, cookie))
        return cookie_value(request, slice_skip(hash, cookie.length));
    return (struct slice){0};
}

static uint64_t hash_of_request(const struct upstream_group *group, const struct http_request *request,
                                const struct peer *peer)
{
    struct slice value = hashed_value(request, group->route->proxy.hash);
    struct peer client = peer_client(peer);
    if (value.data == NULL)
        value = slice_make((const char *)client.bytes, sizeof(client.bytes));
    return hash_bytes(&affinity_key, value);
}

static int sticky_server(const struct upstream_group *group, const struct http_request *request)
{
    struct slice value = cookie_value(request, group->route->proxy.sticky.cookie);
    for (unsigned i = 0; i < group->count; i++) {
        if (slice_equal(value, slice_make(group->members[i].token, SERVER_TOKEN_BYTES)))
            return (int)i;
    }
    return -1;
}

struct upstream_wish affinity_wish(const struct upstream_group *group, const struct http_request *request,
                                   const struct peer *peer)
{
    const struct proxy_settings *proxy = &group->route->proxy;
    return (struct upstream_wish){
        .key = proxy->balance == PROXY_HASH ? hash_of_request(group, request, peer) : 0,
        .sticky = proxy->sticky.is_on ? sticky_server(group, request) : -1,
    };
}

struct slice affinity_cookie(const struct upstream_group *group, unsigned index, bool is_secure,
                             struct arena *arena)
{
    struct slice name = group->route->proxy.sticky.cookie;
    struct slice path = group->route->prefix;
    size_t size = name.length + path.length + SERVER_TOKEN_BYTES + COOKIE_ATTRIBUTES_BYTES;
    char *text = arena_alloc(arena, size);
    if (text == NULL)
        return (struct slice){0};
    int length = snprintf(text, size, "%.*s=%.*s; Path=%.*s; HttpOnly; SameSite=Lax%s", SLICE_ARGS(name),
                          SERVER_TOKEN_BYTES, group->members[index].token, SLICE_ARGS(path),
                          is_secure ? "; Secure" : "");
    return slice_make(text, (size_t)length);
}
