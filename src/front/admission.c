/* Admission. Accepting says no in two ways: a client past a limit is answered 503 in one write, without a
 * connection to answer with; and where there is room only at the cost of an idle connection, that one goes.
 */
#include "front/admission.h"

#include "server/server_internal.h"

#include <errno.h>
#include <stdlib.h>

struct server_listener {
    struct listener listener;
    struct server *server;
    struct server_listener *next;
};

/* ---- connections per address ---- */

struct address_count {
    struct map_link link;
    struct peer peer;
    uint32_t count;
};

/* One household has an IPv6 /64: its addresses count as one. */
static struct peer counted_part(const struct peer *peer)
{
    struct peer part = *peer;
    bool is_mapped_v4 = memcmp(part.bytes, "\0\0\0\0\0\0\0\0\0\0\xff\xff", 12) == 0;
    if (part.family == AF_INET6 && !is_mapped_v4)
        memset(part.bytes + 8, 0, 8);
    return part;
}

static struct address_count *find_address(const struct server *server, const struct peer *part, uint64_t hash)
{
    for (struct map_link *link = map_find(&server->addresses, hash); link; link = map_find_next(link)) {
        struct address_count *entry = CONTAINER_OF(link, struct address_count, link);
        if (memcmp(&entry->peer, part, sizeof(*part)) == 0)
            return entry;
    }
    return NULL;
}

static uint64_t address_hash(const struct server *server, const struct peer *part)
{
    return hash_bytes(&server->address_key, slice_make((const char *)part, sizeof(*part)));
}

enum admission admission_of(struct server *server, const struct peer *peer)
{
    uint32_t count_max = server_settings(server)->limits.connections_per_address;
    if (count_max == 0 || peer->family == AF_UNIX)
        return ADMISSION_FREE;
    struct peer part = counted_part(peer);
    uint64_t hash = address_hash(server, &part);
    struct address_count *entry = find_address(server, &part, hash);
    if (entry == NULL) {
        entry = calloc(1, sizeof(*entry));
        if (entry == NULL || map_insert(&server->addresses, &entry->link, hash) < 0) {
            free(entry);
            return ADMISSION_REFUSED;
        }
        entry->peer = part;
    }
    if (entry->count >= count_max)
        return ADMISSION_REFUSED;
    entry->count++;
    return ADMISSION_COUNTED;
}

void admission_release(struct server *server, const struct peer *peer)
{
    struct peer part = counted_part(peer);
    struct address_count *entry = find_address(server, &part, address_hash(server, &part));
    assert(entry && entry->count > 0);
    if (--entry->count > 0)
        return;
    map_remove(&server->addresses, &entry->link);
    free(entry);
}

/* ---- accepting ---- */

/* A head that takes longer than this to arrive is worth less than a client that was here before. */
#define SLOW_HEAD_MS 1000

/* What a client that is near needs to take the last bytes of its answer. */
#define LAST_ANSWER_MS 1000

/* Idle connections that are looked at to find one that can go. */
#define IDLE_LOOKS_MAX 32

static bool shed_slow_head(struct server *server)
{
    if (list_is_empty(&server->reading))
        return false;
    struct connection *oldest = CONTAINER_OF(server->reading.next, struct connection, link);
    uint64_t began_ms = oldest->deadline_ms - server_settings(server)->timeouts.head_ms;
    if (!list_is_empty(&oldest->exchanges) || loop_now_ms(server_loop(server)) < began_ms + SLOW_HEAD_MS)
        return false;
    connection_abort(oldest, OUTCOME_SHED);
    return true;
}

/* Idle for us, but the client may be taking its last answer still, and writing its next request: to close now
 * would answer that with RST, which takes the rest of the answer with it. Who takes long is not waited for.
 */
static bool may_lack_answer(struct server *server, const struct connection *connection)
{
    uint64_t began_ms = connection->deadline_ms - server_settings(server)->timeouts.idle_ms;
    return loop_now_ms(server_loop(server)) < began_ms + LAST_ANSWER_MS && connection->request_count > 0 &&
           stream_unacknowledged(&connection->stream) > 0;
}

static bool shed_idle(struct server *server)
{
    unsigned looks = 0;
    LIST_FOREACH(link, &server->idle) {
        struct connection *oldest = CONTAINER_OF(link, struct connection, link);
        /* The one whose request needs the room is in the list still, until it settles. */
        if (!list_is_empty(&oldest->exchanges))
            continue;
        if (looks++ == IDLE_LOOKS_MAX)
            return false;
        if (may_lack_answer(server, oldest))
            continue;
        connection_abort(oldest, OUTCOME_SHED);
        return true;
    }
    return false;
}

bool admission_shed(struct server *server)
{
    bool has_shed = shed_slow_head(server) || shed_idle(server);
    server_counters(server)->connections_shed += has_shed;
    return has_shed;
}

static const char refusal_text[] =
    "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nConnection: close\r\n"
    "Content-Type: text/plain\r\nContent-Length: 32\r\n\r\n"
    "Too many connections, try again\n";

/* Says no in one write, without a connection to say it with. */
static void turn_away(struct server *server, int fd)
{
    struct iovec piece = {.iov_base = (char *)refusal_text, .iov_len = sizeof(refusal_text) - 1};
    char request[2048];
    server_counters(server)->connections_refused++;
    /* What the client sent already is taken out of the socket: closing over it would send RST, and RST would
     * take the answer out of the client's hands. */
    ssize_t received = sys_recv(fd, request, sizeof(request));
    ssize_t sent = sys_send(fd, &piece, 1, false);
    (void)received, (void)sent;
    sys_shutdown_send(fd);
}

/* Whether the loop can wait for the connection: select(2) has an end. */
static bool can_wait_for(struct server *server, int fd)
{
    bool is_taken = loop_accepts_fd(server_loop(server), fd);
    if (!is_taken && !server->has_told_of_backend)
        log_warning(server->options.log,
                    "%s cannot wait for so many connections: further ones are answered 503",
                    loop_backend_name(server_loop(server)));
    server->has_told_of_backend |= !is_taken;
    return is_taken;
}

static void on_accept(struct listener *listener, int fd, const struct address *address)
{
    struct server *server = CONTAINER_OF(listener, struct server_listener, listener)->server;
    const struct limits *limits = &server_settings(server)->limits;
    struct counters *counters = server_counters(server);
    counters->connections_accepted++;
    bool has_room = counters->connections_open < limits->connections || admission_shed(server);
    if (has_room && can_wait_for(server, fd) && connection_open(server, fd, address))
        return;
    turn_away(server, fd);
    sys_close(fd);
}

static bool on_exhausted(struct listener *listener, int error)
{
    struct server *server = CONTAINER_OF(listener, struct server_listener, listener)->server;
    if (server_counters(server)->accept_failures++ == 0)
        log_warning(server->options.log, "accept: %s; idle connections are closed to make room",
                    strerror(-error));
    return file_cache_shrink(server->files) || admission_shed(server);
}

static void on_turned_away(struct listener *listener, int fd)
{
    turn_away(CONTAINER_OF(listener, struct server_listener, listener)->server, fd);
}

static const struct listener_events server_listener_events = {
    .on_accept = on_accept,
    .on_exhausted = on_exhausted,
    .on_turned_away = on_turned_away,
};

int admission_listen(struct server *server, int listening_fd)
{
    struct server_listener *listener = calloc(1, sizeof(*listener));
    if (listener == NULL)
        return -ENOMEM;
    listener->server = server;
    int error =
        listener_start(&listener->listener, server_loop(server), listening_fd, &server_listener_events);
    if (error < 0) {
        free(listener);
        return error;
    }
    listener->next = server->listeners;
    server->listeners = listener;
    return 0;
}

void admission_end(struct server *server)
{
    for (struct server_listener *listener = server->listeners; listener; listener = listener->next) {
        listener_accept(&listener->listener);
        listener_stop(&listener->listener);
    }
}

void admission_finish(struct server *server)
{
    while (server->listeners) {
        struct server_listener *listener = server->listeners;
        server->listeners = listener->next;
        listener_stop(&listener->listener);
        free(listener);
    }
}
