/* Connections that the server opens by connect(2), to those of the world that listen for it. The pair is the
 * same as that of a client's connection, and only the handshake comes from the other side: `client` is the
 * end of whoever listens. */
#include "network.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

int __wrap_connect(int fd, const struct sockaddr *address, socklen_t length);

/* A SYN that is ignored is sent again; Linux gives up after two minutes. */
#define SYN_ATTEMPTS 7
#define SYN_AGAIN_US SIM_S

static struct list listeners;

void outgoing_start(void)
{
    list_init(&listeners);
}

void sim_listen(struct sim_listener *listener)
{
    list_init(&listener->link);
    list_append(&listeners, &listener->link);
}

static struct sim_listener *find_listener(uint16_t port)
{
    LIST_FOREACH(link, &listeners) {
        struct sim_listener *listener = CONTAINER_OF(link, struct sim_listener, link);
        if (listener->port == port)
            return listener;
    }
    return NULL;
}

static struct connection_pair *pair_of_handshake(struct sim_event *event)
{
    return CONTAINER_OF(event, struct connection_pair, handshake);
}

static void fail_to_connect(struct sim_event *event)
{
    struct connection_pair *pair = pair_of_handshake(event);
    sim_trace("connection %u is refused", pair->number);
    pair->client.is_refused = true;
    server_end_connecting(pair, pair->attempts < SYN_ATTEMPTS ? ECONNREFUSED : ETIMEDOUT);
}

/* The last word of the handshake arrives. */
static void world_accepts(struct sim_event *event)
{
    struct connection_pair *pair = pair_of_handshake(event);
    struct sim_listener *listener = find_listener(pair->port);
    pair->client.is_connected = true;
    pair->client.events = listener->events;
    pair->client.context = listener->on_connection(listener, &pair->client);
    channel_go_on(&pair->up);
}

static void connection_is_made(struct sim_event *event)
{
    struct connection_pair *pair = pair_of_handshake(event);
    pair->up.is_open = pair->down.is_open = true;
    sim_trace("connection %u is established", pair->number);
    sim_after(event, pair->latency_us, world_accepts);
    server_end_connecting(pair, 0);
}

static void syn_arrives_outside(struct sim_event *event)
{
    struct connection_pair *pair = pair_of_handshake(event);
    struct sim_listener *listener = find_listener(pair->port);
    switch (listener ? listener->on_knock(listener) : SIM_WELCOME_REFUSED) {
    case SIM_WELCOME_ACCEPTED: sim_after(event, pair->latency_us, connection_is_made); return;
    case SIM_WELCOME_IGNORED:
        if (++pair->attempts < SYN_ATTEMPTS) {
            sim_after(event, SYN_AGAIN_US << pair->attempts, syn_arrives_outside);
            return;
        }
        break;
    case SIM_WELCOME_REFUSED: break;
    }
    sim_after(event, pair->latency_us, fail_to_connect);
}

static int fail_with(int error)
{
    errno = error;
    return -1;
}

static int begin_connecting(int fd, uint16_t port)
{
    static const struct sim_socket_events none = {0};
    int error = fault_for(CALL_connect, (struct call_target){0});
    if (error)
        return fail_with(error);
    struct connection_pair *pair = peers_new_pair(port, 0, 0);
    pair->is_outgoing = true;
    pair->client = (struct sim_socket){.events = &none, .address = INADDR_LOOPBACK, .port = port};
    server_begin_connecting(pair, fd);
    sim_trace("connect(%d, %u): connection %u", fd, port, pair->number);
    sim_after(&pair->handshake, pair->latency_us, syn_arrives_outside);
    return fail_with(EINPROGRESS);
}

/* What became of the first call. */
static int ask_for_connection(struct connection_pair *pair)
{
    struct server_end *end = &pair->server;
    if (end->is_connecting)
        return fail_with(EALREADY);
    if (!end->is_dead)
        return fail_with(EISCONN);
    int error = end->error ? end->error : ECONNABORTED;
    end->error = 0;
    return fail_with(error);
}

int __wrap_connect(int fd, const struct sockaddr *address, socklen_t length)
{
    call_begin();
    assert(length >= sizeof(struct sockaddr_in) && address->sa_family == AF_INET);
    struct open_file *file = descriptor_get(fd, NULL, "connect");
    if (file->class == &socket_class)
        return ask_for_connection(CONTAINER_OF(file, struct connection_pair, server.file));
    descriptor_get(fd, &listener_class, "connect");
    return begin_connecting(fd, ntohs(((const struct sockaddr_in *)address)->sin_port));
}
