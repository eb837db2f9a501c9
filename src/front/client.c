/* Changes of a client's state, which determines its list, the counters and its deadline. */
#include "front/client.h"

#include "front/front.h"
#include "front/timeouts.h"

static const char *const state_names[] = {
    [CLIENT_HANDSHAKE] = "shaking hands", [CLIENT_IDLE] = "idle",       [CLIENT_HEAD] = "reading a head",
    [CLIENT_BODY] = "reading content",    [CLIENT_HANDLE] = "handling", [CLIENT_SEND] = "sending",
    [CLIENT_LINGER] = "lingering",        [CLIENT_CLOSED] = "closed",
};

const char *front_client_state_name(enum client_state state)
{
    return state_names[state];
}

void front_client_init(struct front_client *client, const struct front_client_kind *kind,
                       const struct peer *peer, bool is_counted, enum client_state state)
{
    *client =
        (struct front_client){.kind = kind, .peer = *peer, .is_counted = is_counted, .state = (uint8_t)state};
    list_init(&client->link);
    timer_init(&client->timer, timeouts_fire);
    kind->front->counters->connections_open++;
    kind->front->counters->connections_idle += state == CLIENT_IDLE;
    list_append(&kind->front->by_state[state], &client->link);
    timeouts_entered(client, true);
    client->moved_ms = (uint32_t)client->window_began_ms;
}

/* 32 bits suffice, as no connection waits 49 days for its first request. */
uint64_t front_client_accept_ms(const struct front_client *client)
{
    uint64_t now_ms = loop_now_ms(client->kind->front->loop);
    uint64_t first_byte_ms = client->state == CLIENT_HEAD ? client->window_began_ms : now_ms;
    return (uint32_t)first_byte_ms - client->moved_ms;
}

/* The allowed transitions, except those to CLOSED, which are always allowed. Between the states after
 * HANDSHAKE and before LINGER all transitions are allowed, as a client may send a request, get the response
 * and send another one in one callback. Nothing leads back from LINGER, as our FIN was sent. */
#define BUSY_OR_IDLE                                                                                       \
    (1u << CLIENT_IDLE | 1u << CLIENT_HEAD | 1u << CLIENT_BODY | 1u << CLIENT_HANDLE | 1u << CLIENT_SEND | \
     1u << CLIENT_LINGER)
static const unsigned moves[] = {
    [CLIENT_HANDSHAKE] = 1u << CLIENT_IDLE | 1u << CLIENT_LINGER,
    [CLIENT_IDLE] = BUSY_OR_IDLE,
    [CLIENT_HEAD] = BUSY_OR_IDLE,
    [CLIENT_BODY] = BUSY_OR_IDLE,
    [CLIENT_HANDLE] = BUSY_OR_IDLE,
    [CLIENT_SEND] = BUSY_OR_IDLE,
    [CLIENT_LINGER] = 0,
    [CLIENT_CLOSED] = 0,
};

void front_client_set_state(struct front_client *client, enum client_state state)
{
    struct front *front = client->kind->front;
    enum client_state before = (enum client_state)client->state;
    assert(state < CLIENT_CLOSED && moves[before] & 1u << state);
    bool is_new = state != before || client->request_began;
    bool made_progress = state == CLIENT_BODY || state == CLIENT_SEND;
    if (is_new || made_progress || list_is_empty(&client->link)) {
        list_remove(&client->link);
        list_append(&front->by_state[state], &client->link);
    }
    if (state != before)
        front->counters->connections_idle +=
            (uint64_t)(state == CLIENT_IDLE) - (uint64_t)(before == CLIENT_IDLE);
    client->state = (uint8_t)state;
    client->request_began = false;
    timeouts_entered(client, is_new);
}

void front_client_close(struct front_client *client)
{
    struct counters *counters = client->kind->front->counters;
    assert(client->state != CLIENT_CLOSED && counters->connections_open > 0);
    counters->connections_open--;
    if (client->state == CLIENT_IDLE)
        counters->connections_idle--;
    client->state = CLIENT_CLOSED;
    timer_disarm(&client->timer);
    list_remove(&client->link);
}
