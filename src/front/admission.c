/* Admission. Accepting says no in two ways: a client past a limit is answered 503 in one write, without a
 * connection to answer with; and where there is room only at the cost of a connection that can be spared
 * (timeouts.c says which can), that one goes. */
#include "front/admission.h"

#include "front/timeouts.h"
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

static struct address_count *find_part(const struct server *server, const struct peer *part, uint64_t hash)
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

static struct address_count *find_address(const struct server *server, const struct peer *part)
{
    return find_part(server, part, address_hash(server, part));
}

enum admission admission_of(struct server *server, const struct peer *peer)
{
    uint32_t count_max = server_settings(server)->limits.connections_per_address;
    if (count_max == 0 || peer->family == AF_UNIX)
        return ADMISSION_FREE;
    struct peer part = counted_part(peer);
    uint64_t hash = address_hash(server, &part);
    struct address_count *entry = find_part(server, &part, hash);
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
    struct address_count *entry = find_address(server, &part);
    assert(entry && entry->count > 0);
    if (--entry->count > 0)
        return;
    map_remove(&server->addresses, &entry->link);
    free(entry);
}

/* ---- accepting ---- */

/* Connections of each state that are looked at to find one that can go. */
#define LOOKS_MAX 64

/* Who goes first: those who never asked for anything, or who have all that they asked for; then content that
 * does not come, and responses that are not taken. A connection that waits for us is never among them. */
static const enum connection_state shed_order[] = {
    CONNECTION_HEAD, CONNECTION_LINGER, CONNECTION_IDLE, CONNECTION_BODY, CONNECTION_SEND,
};

static struct connection *find_spare(struct server *server, enum connection_state state, const void *kept)
{
    unsigned looks = 0;
    LIST_FOREACH(link, &server->by_state[state]) {
        struct connection *connection = CONTAINER_OF(link, struct connection, link);
        if (looks++ == LOOKS_MAX)
            return NULL;
        if (connection != kept && timeouts_may_be_spared(connection))
            return connection;
    }
    return NULL;
}

bool admission_shed(struct server *server, const void *kept)
{
    for (size_t i = 0; i < ARRAY_LENGTH(shed_order); i++) {
        struct connection *connection = find_spare(server, shed_order[i], kept);
        if (connection == NULL)
            continue;
        server_counters(server)->connections_shed++;
        connection_abort(connection, OUTCOME_SHED);
        return true;
    }
    return false;
}

/* More than any head that would be taken. */
#define REFUSED_READS_MAX 32

static const char refusal_text[] =
    "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nConnection: close\r\n"
    "Content-Type: text/plain\r\nContent-Length: 32\r\n\r\n"
    "Too many connections, try again\n";

/* What the client sent already is taken out of the socket: closing over it would send RST, and RST would take
 * the answer out of the client's hands. */
static void drop_request(int fd)
{
    char bytes[8192];
    size_t reads = 0;
    while (sys_recv(fd, bytes, sizeof(bytes)) == sizeof(bytes) && ++reads < REFUSED_READS_MAX)
        continue;
}

/* Says no in one write, without a connection to say it with. */
static void turn_away(struct server *server, int fd)
{
    struct iovec piece = {.iov_base = (char *)refusal_text, .iov_len = sizeof(refusal_text) - 1};
    server_counters(server)->connections_refused++;
    drop_request(fd);
    ssize_t sent = sys_send(fd, &piece, 1, false);
    (void)sent;
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
    bool has_room = counters->connections_open < limits->connections || admission_shed(server, NULL);
    if (has_room && can_wait_for(server, fd) && connection_open(server, fd, address))
        return;
    turn_away(server, fd);
    sys_close(fd);
}

static bool on_exhausted(struct listener *listener, int error)
{
    struct server *server = CONTAINER_OF(listener, struct server_listener, listener)->server;
    if (server_counters(server)->accept_failures++ == 0)
        log_warning(server->options.log, "accept: %s; idle and slow connections are closed to make room",
                    strerror(-error));
    return file_cache_shrink(server->files) || admission_shed(server, NULL);
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

/* ---- for tests ---- */

static const char *validate_member(const struct server *server, const struct connection *connection,
                                   size_t state)
{
    if (connection->state != state)
        return "a connection is in the list of another state";
    if (connection->server != server)
        return "a connection is in the list of another server";
    if (connection->stream.flags & STREAM_CLOSED)
        return "a closed connection is in a list";
    if (state != CONNECTION_HANDLE && connection->timer.expiry_ms > connection->deadline_ms)
        return "a connection's timer is later than its deadline";
    struct peer part = counted_part(&connection->peer);
    if (connection->is_counted && find_address(server, &part) == NULL)
        return "a counted connection has no count of its address";
    return NULL;
}

/* The counted connections of an address, as the lists have them. */
static size_t count_of_address(const struct server *server, const struct peer *part)
{
    size_t count = 0;
    for (size_t state = 0; state < ARRAY_LENGTH(server->by_state); state++) {
        LIST_FOREACH(link, &server->by_state[state]) {
            const struct connection *connection = CONTAINER_OF(link, struct connection, link);
            struct peer other = counted_part(&connection->peer);
            count += connection->is_counted && memcmp(&other, part, sizeof(*part)) == 0;
        }
    }
    return count;
}

/* Connections that are closed and not gone yet are in no list. */
static const char *validate_address(const struct server *server, const struct connection *connection,
                                    size_t closing)
{
    if (!connection->is_counted)
        return NULL;
    struct peer part = counted_part(&connection->peer);
    size_t listed = count_of_address(server, &part);
    size_t counted = find_address(server, &part)->count;
    return counted < listed || counted > listed + closing ? "an address has a wrong count" : NULL;
}

const char *admission_validate(const struct server *server)
{
    size_t listed = 0, idle = 0;
    size_t closing = server->connections.count - server_counters(server)->connections_open;
    const char *fault = NULL;
    for (size_t state = 0; state < ARRAY_LENGTH(server->by_state); state++) {
        LIST_FOREACH(link, &server->by_state[state]) {
            const struct connection *connection = CONTAINER_OF(link, struct connection, link);
            fault = fault ? fault : validate_member(server, connection, state);
            fault = fault ? fault : validate_address(server, connection, closing);
            listed++;
            idle += state == CONNECTION_IDLE;
        }
    }
    if (fault)
        return fault;
    if (listed != server_counters(server)->connections_open)
        return "not as many connections are counted as open as are in lists";
    if (idle != server_counters(server)->connections_idle)
        return "not as many connections are counted as idle as are in the list of those";
    return NULL;
}
