/* Finding a connection for a request. Read upstream_join first.
 *
 * Users wait for the addresses of a name, and for a connection that others may share. A task at the end of
 * the turn serves them, so that nobody gets a connection inside a callback of somebody else's. */
#include "proxy/upstream.h"

#include "base/hash.h"
#include "proxy/upstream_connection.h"
#include "proxy/upstream_h2.h"
#ifdef HAVE_TLS
#include "proxy/upstream_tls.h"
#endif
#include "sys/address.h"
#include "sys/clock.h"
#ifdef HAVE_TLS
#include "tls/remotes.h"
#endif

#include <stdio.h>
#include <stdlib.h>

#define URL_BYTES_MAX 1024

static bool upstream_close_idle(struct upstream *upstream);

/* ---- addresses ---- */

static bool upstream_add_address(struct upstream *upstream, struct slice text)
{
    struct listen_address parsed;
    if (address_parse(text, &parsed) != ADDRESS_OK)
        return false;
    assert(upstream->address_count < ARRAY_LENGTH(upstream->addresses));
    upstream->addresses[upstream->address_count++] = parsed.address;
    return true;
}

/* Addresses that need no name server. "localhost" is both loopback addresses, since servers differ about
 * which one they listen on. */
static bool upstream_knows_addresses(struct upstream *upstream)
{
    const struct server_url *parts = &upstream->parts;
    char text[SERVER_HOST_BYTES_MAX + sizeof("[]:65535")];
    if (parts->path.length > 0)
        return upstream_add_address(upstream, upstream->url);
    bool is_local = slice_equal_nocase(parts->host, SLICE("localhost"));
    bool is_v6 = slice_find(parts->host, ':') < parts->host.length;
    int length = snprintf(text, sizeof(text), "%s%.*s%s:%u", is_v6 ? "[" : "", SLICE_ARGS(parts->host),
                          is_v6 ? "]" : "", parts->port);
    if (!upstream_add_address(upstream, slice_make(text, (size_t)length)))
        return false;
    length = snprintf(text, sizeof(text), "[::1]:%u", parts->port);
    return !is_local || upstream_add_address(upstream, slice_make(text, (size_t)length));
}

/* A slot of the array that addresses are taken from may now be another server's. */
void upstream_renew_connections(struct upstream *upstream)
{
    upstream->address_set++;
    upstream->chose_h1 = false;
    (void)upstream_close_idle(upstream);
}

/* ---- life ---- */

void upstreams_init(struct upstreams *all, struct loop *loop, struct log *log, struct counters *counters)
{
    *all = (struct upstreams){.loop = loop, .log = log, .counters = counters};
    sys_random(&all->hash_key, sizeof(all->hash_key));
    pool_init(&all->connections, sizeof(struct upstream_connection), SIZE_MAX);
    job_queue_init(&all->lookups, UPSTREAM_LOOKUPS_MAX);
}

void upstreams_set_name_servers(struct upstreams *all, const struct slice *servers, size_t count)
{
    size_t length = 0;
    all->name_servers[0] = '\0';
    for (size_t i = 0; i < count && length < sizeof(all->name_servers); i++)
        length += (size_t)snprintf(all->name_servers + length, sizeof(all->name_servers) - length, "%s%.*s",
                                   i > 0 ? "," : "", SLICE_ARGS(servers[i]));
}

/* ---- TLS ---- */

static void upstream_take_remote(struct upstream *upstream, struct tls_remote *remote)
{
#ifdef HAVE_TLS
    upstream->remote = remote ? tls_remote_ref(remote) : NULL;
#else
    (void)upstream, (void)remote;
#endif
}

static void upstream_finish_tls(struct upstream *upstream)
{
#ifdef HAVE_TLS
    upstream_tls_forget(upstream);
    tls_remote_unref(upstream->remote);
#else
    (void)upstream;
#endif
}

static void upstreams_finish_tls(struct upstreams *all)
{
#ifdef HAVE_TLS
    upstream_tls_finish(all);
#else
    (void)all;
#endif
}

void upstreams_finish(struct upstreams *all)
{
    assert(all->count == 0);
    upstreams_finish_tls(all);
    upstream_h2_finish(all);
    job_queue_finish(&all->lookups);
    map_finish(&all->by_url);
    pool_finish(&all->connections);
    free(all->head);
    free(all->recent);
}

static void upstream_on_idle_timer(struct timer *timer);
static void upstream_serve_waiting(struct task *task);

static bool upstreams_have_heads(struct upstreams *all)
{
    if (all->head == NULL)
        all->head = malloc(sizeof(*all->head));
    if (all->recent == NULL)
        all->recent = calloc(1, sizeof(*all->recent));
    return all->head && all->recent;
}

/* The URL is stored behind the struct; `text` begins with it. */
static struct upstream *upstream_create(struct upstreams *all, struct slice text, size_t url_length)
{
    if (!upstreams_have_heads(all))
        return NULL;
    struct upstream *upstream = calloc(1, sizeof(*upstream) + text.length + 1);
    if (upstream == NULL)
        return NULL;
    char *copy = (char *)(upstream + 1);
    memcpy(copy, text.data, text.length);
    upstream->all = all;
    upstream->url = slice_make(copy, text.length);
    const char *fault = server_url_parse(slice_take(upstream->url, url_length), &upstream->parts);
    assert(fault == NULL);
    list_init(&upstream->idle);
    list_init(&upstream->shared);
    list_init(&upstream->waiting);
    timer_init(&upstream->idle_timer, upstream_on_idle_timer);
    task_init(&upstream->serve_waiting, upstream_serve_waiting);
    return upstream;
}

/* What one is known by, besides its URL. */
struct upstream_kind {
    struct tls_remote *remote;
    enum proxy_http http; /* as the route wants it */
};

static struct upstream *upstreams_find(struct upstreams *all, struct slice url, struct upstream_kind kind,
                                       uint64_t hash)
{
    for (struct map_link *link = map_find(&all->by_url, hash); link; link = map_find_next(link)) {
        struct upstream *upstream = CONTAINER_OF(link, struct upstream, link);
        if (slice_equal(upstream->url, url) && upstream->remote == kind.remote &&
            upstream->http == server_url_http(&upstream->parts, kind.http))
            return upstream;
    }
    return NULL;
}

/* With a reference. `ret_is_new`: it has no addresses yet. */
static struct upstream *upstreams_find_or_make(struct upstreams *all, struct slice text, size_t url_length,
                                               struct upstream_kind kind, bool *ret_is_new)
{
    uint64_t hash = hash_bytes(&all->hash_key, text);
    struct upstream *upstream = upstreams_find(all, text, kind, hash);
    *ret_is_new = upstream == NULL;
    if (upstream) {
        upstream->references++;
        return upstream;
    }
    upstream = upstream_create(all, text, url_length);
    if (upstream == NULL || map_insert(&all->by_url, &upstream->link, hash) < 0) {
        free(upstream);
        return NULL;
    }
    all->count++;
    upstream->references = 1;
    upstream->http = server_url_http(&upstream->parts, kind.http);
    upstream_take_remote(upstream, kind.remote);
    return upstream;
}

struct upstream *upstreams_get(struct upstreams *all, struct slice url, struct tls_remote *remote,
                               enum proxy_http http)
{
    bool is_new;
    struct upstream_kind kind = {.remote = remote, .http = http};
    struct upstream *upstream = upstreams_find_or_make(all, url, url.length, kind, &is_new);
    if (upstream == NULL || !is_new || upstream_knows_addresses(upstream) || upstream_name_begin(upstream))
        return upstream;
    upstream_unref(upstream);
    return NULL;
}

/* "http://name:80 (10.0.0.1:3000)". Servers of SRV records have no name that a client could ask for. */
struct upstream *upstreams_get_found(struct upstream *named, size_t index)
{
    char text[URL_BYTES_MAX], address[ADDRESS_TEXT_BYTES_MAX];
    bool is_new, is_service = lookup_is_service(named->parts.host);
    address_format(&named->name->found[index].address, address);
    int length = snprintf(text, sizeof(text), "%.*s (%s)", SLICE_ARGS(named->url), address);
    if ((size_t)length >= sizeof(text))
        return NULL;
    struct upstream_kind kind = {.remote = named->remote, .http = named->http};
    struct upstream *upstream = upstreams_find_or_make(named->all, slice_make(text, (size_t)length),
                                                       named->url.length, kind, &is_new);
    if (upstream == NULL || !is_new)
        return upstream;
    named->references++;
    upstream->named = named;
    upstream->addresses[0] = named->name->found[index].address;
    upstream->address_count = 1;
    if (is_service)
        upstream->parts.authority = slice_make(upstream->url.data + named->url.length + 2, strlen(address));
    return upstream;
}

void upstream_check_end(struct upstream *upstream)
{
    if (upstream->references > 0 || upstream->object_count > 0)
        return;
    assert(upstream->waiting_count == 0);
    assert(upstream->idle_count == 0 && upstream->user_count == 0 && upstream->connection_count == 0);
    upstream_name_end(upstream);
    timer_disarm(&upstream->idle_timer);
    task_cancel(&upstream->serve_waiting);
    map_remove(&upstream->all->by_url, &upstream->link);
    upstream->all->count--;
    upstream_finish_tls(upstream);
    struct upstream *named = upstream->named;
    free(upstream);
    upstream_unref(named);
}

static bool upstream_close_idle(struct upstream *upstream)
{
    bool is_any = upstream->idle_count > 0;
    while (upstream->idle_count > 0)
        upstream_connection_close(CONTAINER_OF(upstream->idle.next, struct upstream_connection, link));
    return is_any;
}

void upstream_unref(struct upstream *upstream)
{
    if (upstream == NULL)
        return;
    assert(upstream->references > 0);
    if (--upstream->references > 0)
        return;
    upstream_close_idle(upstream);
    upstream_check_end(upstream);
}

bool upstreams_close_idle(struct upstreams *all)
{
    bool is_any = false;
    for (struct map_link *link = NULL; (link = map_next(&all->by_url, link)) != NULL;)
        is_any |= upstream_close_idle(CONTAINER_OF(link, struct upstream, link));
    return is_any;
}

/* Closes those whose time is over. */
static void upstream_on_idle_timer(struct timer *timer)
{
    struct upstream *upstream = CONTAINER_OF(timer, struct upstream, idle_timer);
    uint64_t now = loop_now_ms(upstream->all->loop);
    while (upstream->idle_count > 0) {
        struct upstream_connection *oldest =
            CONTAINER_OF(upstream->idle.next, struct upstream_connection, link);
        if (oldest->expiry_ms > now) {
            wheel_arm(loop_wheel(upstream->all->loop), timer, oldest->expiry_ms - now);
            return;
        }
        upstream_connection_close(oldest);
    }
}

/* ---- users ---- */

static void upstream_on_queue_timer(struct timer *timer)
{
    struct upstream_user *user = CONTAINER_OF(timer, struct upstream_user, deadline);
    enum proxy_fault fault =
        user->upstream->address_count == 0 ? PROXY_FAULT_NO_ADDRESS : PROXY_FAULT_CONNECT_TIMEOUT;
    upstream_leave(user);
    user->events->on_failed(user, fault, NULL);
    user->events->on_turn(user);
}

void upstream_user_init(struct upstream_user *user, const struct upstream_user_events *events,
                        const struct proxy_settings *settings, enum http_method method)
{
    *user = (struct upstream_user){.events = events, .settings = settings, .method = method};
    list_init(&user->link);
    timer_init(&user->deadline, upstream_on_queue_timer);
}

/* The connection used last is the most likely one to be still open. Only with PROXY_HTTP_AUTO there are both
 * kinds, and then few of HTTP/2. */
struct upstream_connection *upstream_newest_idle(const struct upstream *upstream, bool is_h2)
{
    for (struct list *link = upstream->idle.previous; link != &upstream->idle; link = link->previous) {
        struct upstream_connection *connection = CONTAINER_OF(link, struct upstream_connection, link);
        if ((connection->h2 != NULL) == is_h2)
            return connection;
    }
    return NULL;
}

enum upstream_joined upstream_join_alone(struct upstream *upstream, struct upstream_user *user,
                                         enum proxy_fault *ret_fault)
{
    struct upstream_connection *idle = user->needs_new ? NULL : upstream_newest_idle(upstream, false);
    if (idle == NULL)
        return upstream_connection_open(upstream, user, ret_fault);
    upstream_connection_take(idle, user);
    return UPSTREAM_OPEN;
}

/* A request that wants to change to another protocol needs HTTP/1. */
static enum upstream_joined upstream_connect(struct upstream *upstream, struct upstream_user *user,
                                             enum proxy_fault *ret_fault)
{
#ifdef HAVE_HTTP2
    bool may_share = upstream->http == PROXY_HTTP_2 || !user->wants_upgrade;
    if (upstream->http != PROXY_HTTP_1 && may_share)
        return upstream_h2_join(upstream, user, ret_fault);
#endif
    return upstream_join_alone(upstream, user, ret_fault);
}

enum upstream_joined upstream_wait(struct upstream *upstream, struct upstream_user *user,
                                   enum proxy_fault *ret_fault)
{
    const struct proxy_settings *settings = user->settings;
    bool has_address = upstream->address_count > 0;
    if (upstream->waiting_count >= settings->waiting) {
        *ret_fault = has_address ? PROXY_FAULT_QUEUE_FULL : PROXY_FAULT_NO_ADDRESS;
        return UPSTREAM_REFUSED;
    }
    user->awaited_fault = PROXY_OK;
    user->is_reused = false;
    user->upstream = upstream;
    list_append(&upstream->waiting, &user->link);
    upstream->waiting_count++;
    wheel_arm(loop_wheel(upstream->all->loop), &user->deadline,
              has_address ? settings->connect_ms : settings->queue_ms);
    return UPSTREAM_WAITS;
}

enum upstream_joined upstream_join(struct upstream *upstream, struct upstream_user *user,
                                   enum proxy_fault *ret_fault)
{
    assert(user->upstream == NULL);
    if (upstream->address_count == 0) {
        upstream_name_look(upstream);
        if (!upstream_name_is_awaited(upstream->name)) {
            *ret_fault = PROXY_FAULT_NO_ADDRESS;
            return UPSTREAM_REFUSED;
        }
        return upstream_wait(upstream, user, ret_fault);
    }
    return upstream_connect(upstream, user, ret_fault);
}

static void upstream_stop_waiting(struct upstream_user *user)
{
    if (list_is_empty(&user->link))
        return;
    list_remove(&user->link);
    timer_disarm(&user->deadline);
    user->upstream->waiting_count--;
    user->upstream = NULL;
}

void upstream_leave(struct upstream_user *user)
{
    if (user->upstream == NULL)
        return;
    upstream_stop_waiting(user);
    if (user->carrier)
        user->carrier->type->leave(user->carrier);
    else if (user->opening)
        upstream_connection_close(user->opening);
    assert(user->upstream == NULL);
}

static void upstream_serve(struct upstream *upstream, struct upstream_user *user)
{
    enum proxy_fault fault = PROXY_FAULT_NO_ADDRESS;
    enum upstream_joined joined = UPSTREAM_REFUSED;
    upstream_stop_waiting(user);
    if (user->awaited_fault != PROXY_OK)
        fault = user->awaited_fault;
    else if (upstream->address_count > 0)
        joined = upstream_connect(upstream, user, &fault);
    if (joined == UPSTREAM_OPEN)
        user->events->on_open(user);
    else if (joined == UPSTREAM_REFUSED)
        user->events->on_failed(user, fault, NULL);
    user->events->on_turn(user);
}

/* While the addresses are looked up, only those are served whose attempt has failed: they came first. */
static bool upstream_may_serve(const struct upstream *upstream, const struct upstream_user *user)
{
    return user->awaited_fault != PROXY_OK || !upstream_name_is_awaited(upstream->name);
}

/* A callback may end the last reference: the upstream is held meanwhile. */
static void upstream_serve_waiting(struct task *task)
{
    struct upstream *upstream = CONTAINER_OF(task, struct upstream, serve_waiting);
    unsigned left = upstream->waiting_count;
    upstream->references++;
    for (; left > 0 && upstream->waiting_count > 0; left--) {
        struct upstream_user *user = CONTAINER_OF(upstream->waiting.next, struct upstream_user, link);
        if (!upstream_may_serve(upstream, user))
            break;
        upstream_serve(upstream, user);
    }
    upstream_unref(upstream);
}
