/* Opening connections: the addresses of a server, then TLS if it is spoken. Read upstream_connection_open
 * first. */
#include "proxy/upstream_connection.h"
#include "proxy/upstream_h2.h"

#include <errno.h>

/* Of upstream_link_start: its error is vif's own, except for what becomes of the first bytes. */
static enum proxy_fault upstream_connection_fault_of_start(int error)
{
    switch (-error) {
    case 0: return PROXY_FAULT_CLOSED;
    case EPROTONOSUPPORT: return PROXY_FAULT_TLS;
    case ECONNRESET:
    case ECONNABORTED:
    case EPIPE:
    case ETIMEDOUT:
    case EHOSTUNREACH:
    case ENETUNREACH:
    case ENETDOWN: return PROXY_FAULT_RESET;
    default: return PROXY_FAULT_OVERLOADED;
    }
}

/* It cannot be opened; the caller tells its user. Returns the fault. */
static enum proxy_fault upstream_connection_forsake(struct upstream_connection *connection,
                                                    enum proxy_fault fault)
{
    upstream_h2_give_up(connection, fault);
    upstream_connection_detach(connection);
    upstream_connection_close(connection);
    return fault;
}

/* ---- what is spoken ---- */

/* A request that wants to change to another protocol needs HTTP/1, see upstream_connect. */
static enum upstream_offer upstream_connection_offer(const struct upstream_connection *connection)
{
    const struct upstream *upstream = connection->upstream;
    bool needs_h1 = upstream->http == PROXY_HTTP_AUTO && connection->user->wants_upgrade;
    return needs_h1 ? UPSTREAM_OFFER_H1 : upstream_offer_of(upstream);
}

/* The server has chosen, if it was asked. Returns false if out of memory. */
static bool upstream_connection_take_choice(struct upstream_connection *connection)
{
    struct upstream *upstream = connection->upstream;
    bool is_h2 = upstream_link_chose_h2(&connection->stream_link);
    if (upstream_connection_offer(connection) == UPSTREAM_OFFER_ANY)
        upstream->chose_h1 = !is_h2;
    return !is_h2 || upstream_h2_create(connection);
}

/* It is open, so its user can begin. With PROXY_HTTP_AUTO others may have waited for what it is. */
static enum proxy_fault upstream_connection_hand_over(struct upstream_connection *connection,
                                                      struct upstream_user *user)
{
    if (connection->upstream->parts.is_secure && !upstream_connection_take_choice(connection))
        return upstream_connection_forsake(connection, PROXY_FAULT_OVERLOADED);
    if (connection->h2)
        return upstream_h2_begin(connection, user) ? PROXY_OK : PROXY_FAULT_OVERLOADED;
    upstream_connection_begin(connection, user);
    upstream_h2_forget(connection);
    return PROXY_OK;
}

void upstream_connection_on_secured(struct stream *stream)
{
    struct upstream_connection *connection =
        CONTAINER_OF(stream, struct upstream_connection, stream_link.stream);
    struct upstream_user *user = connection->user;
    if (user == NULL) /* within upstream_connection_connected */
        return;
    enum proxy_fault fault = upstream_connection_hand_over(connection, user);
    if (fault == PROXY_OK)
        user->events->on_open(user);
    else
        user->events->on_failed(user, fault, NULL);
    if (connection->state == UPSTREAM_BUSY)
        upstream_connection_update_wait(connection);
    user->events->on_turn(user);
}

/* ---- the way there ---- */

/* It is connected; with TLS that is not all. stream_start reads at once: nothing, if the server is in step.
 * Without TLS that may be HTTP/2 already. */
static enum proxy_fault upstream_connection_connected(struct upstream_connection *connection, int fd)
{
    struct upstream *upstream = connection->upstream;
    struct upstream_user *user = connection->user;
    bool is_known_h2 = upstream->http == PROXY_HTTP_2 && !upstream->parts.is_secure;
    struct upstream_link_plan plan = {
        .settings = user->settings,
        .offer = upstream_connection_offer(connection),
        .client = user->client,
    };
    if (is_known_h2 && !upstream_h2_create(connection)) {
        sys_close(fd);
        return upstream_connection_forsake(connection, PROXY_FAULT_OVERLOADED);
    }
    upstream_connection_stop_dialing(connection);
    upstream_connection_set_state(connection, UPSTREAM_SECURING);
    connection->user = NULL; /* so that it hears nothing yet */
    int error =
        upstream_link_start(&connection->stream_link, upstream, fd, &upstream_connection_link_events, &plan);
    connection->user = user;
    if (connection->state == UPSTREAM_CLOSED || error < 0)
        return upstream_connection_forsake(connection, upstream_connection_fault_of_start(error));
    if (!upstream_link_is_securing(&connection->stream_link))
        return upstream_connection_hand_over(connection, user);
    upstream_connection_update_wait(connection);
    return PROXY_OK;
}

static void upstream_on_connected(void *owner, int fd, uint64_t began_ms)
{
    struct upstream_connection *connection = owner;
    struct upstream_user *user = connection->user;
    connection->opened_ms = began_ms; /* each address has the whole time, its TLS handshake included */
    enum proxy_fault fault = upstream_connection_connected(connection, fd);
    if (fault == PROXY_OK && connection->state == UPSTREAM_SECURING)
        return;
    if (fault == PROXY_OK)
        user->events->on_open(user);
    else
        user->events->on_failed(user, fault, NULL);
    user->events->on_turn(user);
}

static void upstream_on_unconnected(void *owner, int error)
{
    struct upstream_connection *connection = owner;
    struct upstream_user *user = connection->user;
    upstream_name_look(connection->upstream);
    upstream_connection_fail(connection, proxy_fault_of_connect(error), NULL);
    user->events->on_turn(user);
}

const struct dialer_events upstream_dialer_events = {
    .on_connected = upstream_on_connected,
    .on_failed = upstream_on_unconnected,
};

enum upstream_joined upstream_connection_open(struct upstream *upstream, struct upstream_user *user,
                                              enum proxy_fault *ret_fault)
{
    struct upstream_connection *connection = upstream_connection_create(upstream, user);
    if (connection == NULL) {
        *ret_fault = PROXY_FAULT_OVERLOADED;
        return UPSTREAM_REFUSED;
    }
    int fd = dialer_start(connection->dialer, user->settings->connect_ms);
    if (fd == -EINPROGRESS && dialer_may_hurry(connection->dialer))
        wheel_arm(loop_wheel(upstream->all->loop), &connection->timer, DIALER_PATIENCE_MS);
    if (fd == -EINPROGRESS)
        return UPSTREAM_WAITS;
    *ret_fault = fd < 0 ? proxy_fault_of_connect(fd) : upstream_connection_connected(connection, fd);
    if (fd < 0) {
        upstream_name_look(upstream);
        upstream_connection_close(connection);
    }
    if (*ret_fault != PROXY_OK)
        return UPSTREAM_REFUSED;
    return connection->state == UPSTREAM_SECURING ? UPSTREAM_WAITS : UPSTREAM_OPEN;
}
