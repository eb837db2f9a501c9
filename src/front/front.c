/* The front: what its connections share, its begin and end. admission.c decides which clients get a
 * connection. */
#include "front/front.h"

#include "front/admission.h"
#include "front/h1_connection.h"
#ifdef HAVE_HTTP2
#include "front/h2_connection.h"
#endif
#include "front/timeouts.h"
#include "front/tls_transport.h"
#include "front/tunnel_connection.h"
#include "loop/listener.h"
#include "serve/exchange.h"
#include "sys/process.h"

#include <stdlib.h>

/* Exchanges in addition to one per connection, for pipelined requests: see exchange_pool_is_low. */
#define EXCHANGES_PIPELINED 4096

/* Fewer connections than this are no crowd. */
#define CROWD_MIN 64

static bool shed(void *context, const void *kept)
{
    return admission_shed(context, kept);
}

static void take_limits(struct front *front)
{
    const struct limits *limits = &front_settings(front)->limits;
    /* A connection that was closed to make room keeps its memory until the end of the turn; with io_uring,
     * which submits the close at that time, until the end of the next. */
    size_t closing_max = 2 * (size_t)LISTENER_BATCH * MAX(front->listener_count, 1u);
    /* There may be more than the limit after it was lowered. */
    size_t connections_max = MAX((size_t)limits->connections, front_connection_count(front));
    front->connections.count_max = front->tls_connections.count_max = connections_max + closing_max;
    front->service->exchanges.count_max = connections_max + EXCHANGES_PIPELINED;
    service_set_fields_max(front->service, limits->fields);
    front->h1_sessions.limits = (struct h1_limits){
        .head_bytes = limits->head_bytes,
        .uri_bytes = limits->uri_bytes,
        .fields = limits->fields,
        .body_bytes = limits->body_bytes,
    };
#ifdef HAVE_HTTP2
    const struct http2_settings *http2 = &front_settings(front)->http2;
    front->h2_sessions.requests_max = limits->requests_per_connection;
    front->h2_sessions.limits = (struct h2_limits){
        .streams = http2->streams,
        .window_bytes = http2->window_bytes,
        .window_bytes_max = MAX(http2->window_bytes, http2->window_bytes_max),
        .head_bytes = limits->head_bytes,
        .uri_bytes = limits->uri_bytes,
        .fields = limits->fields,
        .body_bytes = limits->body_bytes,
        .takes_connect = settings_have_upgrades(front_settings(front)),
    };
#endif
}

void front_init(struct front *front, struct service *service, void (*on_drained)(struct front *front))
{
    *front = (struct front){
        .service = service,
        .loop = service->loop,
        .counters = service->counters,
        .h1_sessions =
            {
                .service = service,
                .events = &h1_connection_exchange_events,
                .batch_max = H1_CONNECTION_BATCH_MAX,
                .shares_turns = true,
                .on_request = h1_connection_on_request,
                .on_content = h1_connection_on_content,
                .peer = h1_connection_peer,
            },
        .h1_kind = {.front = front, .ops = &h1_connection_client_ops},
        .tunnel_kind = {.front = front, .ops = &tunnel_connection_client_ops},
#ifdef HAVE_HTTP2
        .h2_sessions =
            {
                .service = service,
                .events = &h2_connection_exchange_events,
                .on_request = h2_connection_on_request,
                .on_content = h2_connection_on_content,
                .on_progress = h2_connection_on_progress,
                .on_stalled = h2_connection_on_stalled,
                .is_sending = h2_connection_is_sending,
                .peer = h2_connection_peer,
            },
        .h2_kind = {.front = front, .ops = &h2_connection_client_ops},
#endif
        .on_drained = on_drained,
        .drain_idle_ms = FRONT_DRAIN_IDLE_MS,
    };
    for (size_t i = 0; i < ARRAY_LENGTH(front->by_state); i++)
        list_init(&front->by_state[i]);
    pool_init(&front->connections, CONNECTION_BYTES, 0);
    pool_init(&front->tls_connections, TLS_CONNECTION_BYTES, 0);
    service->shed = shed;
    service->shed_context = front;
    take_limits(front);
}

void front_take_settings(struct front *front, const struct settings *former)
{
    timeouts_change(front, &former->timeouts);
    take_limits(front);
}

void front_renumber(struct front *front, const struct listener_numbers *numbers)
{
    admission_renumber(front, numbers);
    for (size_t i = 0; i < ARRAY_LENGTH(front->by_state); i++) {
        LIST_FOREACH(link, &front->by_state[i]) {
            struct peer *peer = &CONTAINER_OF(link, struct front_client, link)->peer;
            if (peer->listener < LISTENERS_MAX)
                peer->listener = numbers->now[peer->listener] & LISTENER_GONE;
        }
    }
}

int front_listen(struct front *front, int listening_fd, unsigned number, const struct tls_listener *tls)
{
    int error = tls ? tls_worker_ensure(front) : 0;
    int added = error == 0 ? admission_listen(front, listening_fd, number, tls) : error;
    front->listener_count += added > 0;
    take_limits(front);
    return MIN(added, 0);
}

void front_unlisten(struct front *front, int listening_fd, bool accepts)
{
    if (accepts)
        admission_accept(front, listening_fd);
    front->listener_count -= admission_unlisten(front, listening_fd);
    take_limits(front);
}

/* After a peak of connections, returns its memory to the system. The cost is amortised over the connections
 * closed since the last time. */
static void give_memory_back(struct front *front)
{
    size_t count = front_connection_count(front);
    if (front->connections_peak < CROWD_MIN || count > front->connections_peak / 4)
        return;
    front->connections_peak = count;
    pool_trim(&front->connections);
    pool_trim(&front->tls_connections);
    pool_trim(&front->service->exchanges);
    tls_worker_trim(front);
    sys_give_memory_back();
}

void front_connection_gone(struct front *front)
{
    give_memory_back(front);
    if (front_connection_count(front) == 0 && front->is_draining)
        front->on_drained(front);
}

void front_drain(struct front *front)
{
    assert(!front->is_draining);
    front->is_draining = true;
    admission_end(front);
    for (size_t i = 0; i < ARRAY_LENGTH(front->by_state); i++) {
        LIST_FOREACH_SAFE(link, &front->by_state[i]) {
            struct front_client *client = CONTAINER_OF(link, struct front_client, link);
            client->kind->ops->drain(client);
        }
    }
    if (front_connection_count(front) == 0)
        front->on_drained(front);
}

static void abort_all(struct list *clients)
{
    while (!list_is_empty(clients)) {
        struct front_client *client = CONTAINER_OF(clients->next, struct front_client, link);
        client->kind->ops->abort(client, OUTCOME_SHUTDOWN);
    }
}

void front_abort(struct front *front)
{
    admission_finish(front);
    for (size_t i = 0; i < ARRAY_LENGTH(front->by_state); i++)
        abort_all(&front->by_state[i]);
}

void front_finish(struct front *front)
{
    pool_finish(&front->connections);
    pool_finish(&front->tls_connections);
    tls_worker_finish(front);
#ifdef HAVE_HTTP2
    h2_sessions_finish(&front->h2_sessions);
    free(front->h2_output);
#endif
}
