/* Admission. At a limit there are two cases: if a connection can be spared (timeouts.c decides which can), it
 * is closed in favour of the new client; otherwise the new client gets a 503 in one write, without a
 * connection object. */
#include "front/admission.h"

#include "base/buffer.h"
#include "front/front.h"
#include "front/timeouts.h"
#include "loop/listener.h"
#include "loop/wheel.h"
#include "serve/client_counts.h"
#include "serve/forwarded.h"
#include "serve/offences.h"

#include <errno.h>
#include <stdlib.h>

struct front_listener {
    struct listener listener;
    struct front *front;
    struct connection_origin origin;
    struct front_listener *next;
};

/* ---- connections per address ---- */

/* A trusted proxy has the connections of many clients: the limit is for each of these, see forwarded_count.
 */
enum admission admission_of(struct front *front, const struct peer *peer)
{
    const struct settings *settings = front_settings(front);
    uint32_t count_max = settings->limits.connections_per_address;
    if (count_max == 0 || peer->family == AF_UNIX || peer_is_trusted(settings, peer))
        return ADMISSION_FREE;
    return client_counts_add_connection(front->service, peer, count_max) ? ADMISSION_COUNTED
                                                                         : ADMISSION_REFUSED;
}

void admission_release(struct front *front, const struct peer *peer)
{
    client_counts_remove_connection(front->service, peer);
}

void admission_note_offence(struct front *front, const struct peer *peer)
{
    if (front->service->offences)
        offences_add(front->service->offences, front_settings(front), peer);
}

/* ---- accepting ---- */

/* How many connections of each state are checked to find one that can be closed. */
#define LOOKS_MAX 64

/* The order of shedding: first clients that never sent a request or have received all responses; then request
 * bodies that do not arrive and responses that are not read. Connections that wait for the server are never
 * closed. */
static const enum client_state shed_order[] = {
    CLIENT_HANDSHAKE, CLIENT_HEAD, CLIENT_LINGER, CLIENT_IDLE, CLIENT_BODY, CLIENT_SEND,
};

static struct front_client *find_spare(struct front *front, enum client_state state, const void *kept)
{
    unsigned looks = 0;
    LIST_FOREACH(link, &front->by_state[state]) {
        struct front_client *client = CONTAINER_OF(link, struct front_client, link);
        if (looks++ == LOOKS_MAX)
            return NULL;
        if (!client->kind->ops->owns(client, kept) && timeouts_may_be_spared(client))
            return client;
    }
    return NULL;
}

bool admission_shed(struct front *front, const void *kept)
{
    for (size_t i = 0; i < ARRAY_LENGTH(shed_order); i++) {
        struct front_client *client = find_spare(front, shed_order[i], kept);
        if (client == NULL)
            continue;
        front->counters->connections_shed++;
        client->kind->ops->abort(client, OUTCOME_SHED);
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

/* Reads and drops what the client has sent: closing with bytes unread makes the kernel send RST (see
 * h1_connection_finish). */
static void drop_request(int fd)
{
    char bytes[8192];
    size_t reads = 0;
    while (sys_recv(fd, bytes, sizeof(bytes)) == sizeof(bytes) && ++reads < REFUSED_READS_MAX)
        continue;
}

/* Answers 503 in one write, without a connection object. */
static void turn_away(struct front *front, int fd)
{
    struct iovec piece = {.iov_base = (char *)refusal_text, .iov_len = sizeof(refusal_text) - 1};
    front->counters->connections_refused++;
    drop_request(fd);
    ssize_t sent = sys_send(fd, &piece, 1, false);
    (void)sent;
    sys_shutdown_send(fd);
}

/* Whether the loop can watch the descriptor: select(2) has a limit. */
static bool can_wait_for(struct front *front, int fd)
{
    bool is_taken = loop_accepts_fd(front->loop, fd);
    if (!is_taken && !front->has_told_of_backend)
        log_warning(front->service->log,
                    "%s cannot wait for so many connections: further ones are answered 503",
                    loop_backend_name(front->loop));
    front->has_told_of_backend |= !is_taken;
    return is_taken;
}

/* At the limit, one connection that can be spared is closed for the new one. Above it, after the limit was
 * lowered, two are closed for each new one until the limit holds. */
bool admission_make_room(struct front *front)
{
    uint32_t count_max = front_settings(front)->limits.connections;
    unsigned gone = 0;
    while (front->counters->connections_open >= count_max && gone < 2 && admission_shed(front, NULL))
        gone++;
    return front->counters->connections_open < count_max || gone == 2;
}

static void on_accept(struct listener *listener, int fd, const struct address *address)
{
    struct front_listener *own = CONTAINER_OF(listener, struct front_listener, listener);
    struct front *front = own->front;
    front->counters->connections_accepted++;
    if (can_wait_for(front, fd) && connection_open(front, fd, address, &own->origin))
        return;
    turn_away(front, fd);
    sys_close(fd);
}

static bool on_exhausted(struct listener *listener, int error)
{
    struct front *front = CONTAINER_OF(listener, struct front_listener, listener)->front;
    if (front->counters->accept_failures++ == 0)
        log_warning(front->service->log, "accept: %s; idle and slow connections are closed to make room",
                    strerror(-error));
    return service_free_descriptors(front->service, NULL);
}

static void on_turned_away(struct listener *listener, int fd)
{
    turn_away(CONTAINER_OF(listener, struct front_listener, listener)->front, fd);
}

static const struct listener_events listener_events_of_front = {
    .on_accept = on_accept,
    .on_exhausted = on_exhausted,
    .on_turned_away = on_turned_away,
};

static struct front_listener *admission_find_listener(const struct front *front, int listening_fd)
{
    struct front_listener *listener = front->listeners;
    while (listener && listener->listener.watch.fd != listening_fd)
        listener = listener->next;
    return listener;
}

static struct front_listener *add_listener(struct front *front)
{
    struct front_listener *listener = calloc(1, sizeof(*listener));
    if (listener == NULL)
        return NULL;
    *listener = (struct front_listener){.front = front, .next = front->listeners, .listener.watch.fd = -1};
    front->listeners = listener;
    return listener;
}

/* A program that embeds vif may have no listeners in its settings. */
static bool is_proxied(const struct settings *settings, unsigned number)
{
    return number < settings->listener_count && settings->listeners[number].is_proxied;
}

/* A stopped listener stays in the list until the end, as events of this turn may still reach it. It is reused
 * for the same socket. */
int admission_listen(struct front *front, int listening_fd, unsigned number, const struct tls_listener *tls)
{
    struct front_listener *listener = admission_find_listener(front, listening_fd);
    if (listener == NULL)
        listener = add_listener(front);
    if (listener == NULL)
        return -ENOMEM;
    listener->origin = (struct connection_origin){
        .number = number,
        .is_proxied = is_proxied(front_settings(front), number),
        .tls = tls,
    };
    if (listener->listener.running)
        return 0;
    int error = listener_start(&listener->listener, front->loop, listening_fd, &listener_events_of_front);
    return error < 0 ? error : 1;
}

void admission_renumber(struct front *front, const struct listener_numbers *numbers)
{
    for (struct front_listener *listener = front->listeners; listener; listener = listener->next) {
        unsigned *number = &listener->origin.number;
        if (*number < LISTENERS_MAX)
            *number = numbers->now[*number];
    }
}

void admission_accept(struct front *front, int listening_fd)
{
    struct front_listener *listener = admission_find_listener(front, listening_fd);
    if (listener)
        listener_accept(&listener->listener);
}

bool admission_unlisten(struct front *front, int listening_fd)
{
    struct front_listener *listener = admission_find_listener(front, listening_fd);
    if (listener == NULL || !listener->listener.running)
        return false;
    listener_stop(&listener->listener);
    return true;
}

void admission_end(struct front *front)
{
    for (struct front_listener *listener = front->listeners; listener; listener = listener->next) {
        listener_accept(&listener->listener);
        listener_stop(&listener->listener);
    }
}

void admission_finish(struct front *front)
{
    while (front->listeners) {
        struct front_listener *listener = front->listeners;
        front->listeners = listener->next;
        listener_stop(&listener->listener);
        free(listener);
    }
}

/* ---- for tests ---- */

static const char *validate_member(const struct front *front, const struct front_client *client, size_t state)
{
    if (client->state != state)
        return "a connection is in the list of another state";
    if (client->kind->front != front)
        return "a connection is in the list of another front";
    if (state != CLIENT_HANDLE && client->timer.expiry_ms > client->deadline_ms)
        return "a connection's timer is later than its deadline";
    if (client->is_counted && client_counts_connections(front->service, &client->peer) == 0)
        return "a counted connection has no count of its address";
    return client->kind->ops->validate(client);
}

/* The counted connections of an address, as the lists have them. */
static size_t count_of_address(const struct front *front, const struct peer *part)
{
    size_t count = 0;
    for (size_t state = 0; state < ARRAY_LENGTH(front->by_state); state++) {
        LIST_FOREACH(link, &front->by_state[state]) {
            const struct front_client *client = CONTAINER_OF(link, struct front_client, link);
            struct peer other = peer_client(&client->peer);
            count += client->is_counted && memcmp(&other, part, sizeof(*part)) == 0;
        }
    }
    return count;
}

/* Connections that are closed but not freed yet are in no list. */
static const char *validate_address(const struct front *front, const struct front_client *client,
                                    size_t closing)
{
    if (!client->is_counted)
        return NULL;
    struct peer part = peer_client(&client->peer);
    size_t listed = count_of_address(front, &part);
    size_t counted = client_counts_connections(front->service, &client->peer);
    return counted < listed || counted > listed + closing ? "an address has a wrong count" : NULL;
}

static void print_fault(const struct front *front, const struct front_client *client, const char *fault)
{
    struct buffer text;
    buffer_init(&text, LOG_LINE_BYTES_MAX);
    client->kind->ops->print(client, &text);
    log_error(front->service->log, "%s: %.*s", fault, SLICE_ARGS(buffer_slice(&text)));
    buffer_finish(&text);
}

const char *admission_validate(const struct front *front)
{
    size_t listed = 0, idle = 0;
    size_t closing = front_connection_count(front) - front->counters->connections_open;
    const char *fault = NULL;
    wheel_validate(loop_wheel(front->loop));
    pool_validate(&front->connections);
    pool_validate(&front->tls_connections);
    pool_validate(&front->service->exchanges);
    map_validate(&front->service->client_counts);
    for (size_t state = 0; state < ARRAY_LENGTH(front->by_state); state++) {
        LIST_FOREACH(link, &front->by_state[state]) {
            const struct front_client *client = CONTAINER_OF(link, struct front_client, link);
            fault = validate_member(front, client, state);
            fault = fault ? fault : validate_address(front, client, closing);
            if (fault) {
                print_fault(front, client, fault);
                return fault;
            }
            listed++;
            idle += state == CLIENT_IDLE;
        }
    }
    if (listed != front->counters->connections_open)
        return "not as many connections are counted as open as are in lists";
    if (idle != front->counters->connections_idle)
        return "not as many connections are counted as idle as are in the list of those";
    return NULL;
}
