/* See hello_client.h. Bytes are sent in pieces; what comes back is read at once. */
#include "hello_client.h"

#include "endings.h"
#include "wire_parts.h"

#define BYTES_MAX       (1u << 20)
#define CONNECTIONS_MAX 4
#define WATCH_US        (500 * SIM_MS)

/* More than any limit of a run. */
#define LONG_BYTES 20000

static const char *const hello_names[HELLO_KIND_COUNT] = {
    [HELLO_HTTP] = "plain HTTP",           [HELLO_NOISE] = "noise",
    [HELLO_WRONG] = "another message",     [HELLO_EMPTY] = "an empty record",
    [HELLO_LONG_RECORD] = "a long record", [HELLO_LONG] = "a long hello",
    [HELLO_HALF] = "half a hello",         [HELLO_LEAVES] = "half a hello and FIN",
    [HELLO_CHANGED] = "a changed hello",
};

static void hello_connect(struct sim_event *event);

/* ---- what it sends ---- */

static void put_record(struct hello_client *client, size_t announced, struct slice content)
{
    char head[VEIL_HEAD_BYTES];
    veil_head(VEIL_HANDSHAKE, announced, head);
    buffer_append(&client->unsent, slice_make(head, sizeof(head)));
    buffer_append(&client->unsent, content);
}

static void put_noise(struct hello_client *client, size_t length)
{
    for (size_t i = 0; i < length; i++)
        buffer_append_byte(&client->unsent, (char)(0x80 | sim_below(&client->chance, 0x80)));
}

/* The message says that it is longer than it may be; it comes in records as they should be. */
static void put_long_hello(struct hello_client *client)
{
    char content[LONG_BYTES / 4] = {VEIL_HELLO, 0, (char)(LONG_BYTES >> 8), (char)LONG_BYTES};
    for (unsigned i = 0; i < 4; i++) {
        put_record(client, sizeof(content), slice_make(content, sizeof(content)));
        content[0] = 0;
    }
}

/* A right one, of which so much is sent. */
static void put_hello(struct hello_client *client)
{
    wire_layer_begin(&client->wire, 0, false, false);
    struct slice hello = buffer_slice(&client->wire.outbox);
    size_t length = hello.length;
    if (client->kind != HELLO_CHANGED)
        length = (size_t)sim_between(&client->chance, 1, hello.length - 1);
    buffer_append(&client->unsent, slice_take(hello, length));
    wire_layer_end(&client->wire);
    buffer_clear(&client->wire.outbox);
}

/* What is changed is in the message. Whether the server notices is its affair; the record behind it is of a
 * kind that cannot stand there. */
static void change_hello(struct hello_client *client)
{
    size_t at = (size_t)sim_between(&client->chance, VEIL_HEAD_BYTES, client->unsent.length - 1);
    client->unsent.data[at] ^= (char)sim_between(&client->chance, 1, 255);
    char head[VEIL_HEAD_BYTES];
    veil_head((enum veil_type)99, 40, head);
    buffer_append(&client->unsent, slice_make(head, sizeof(head)));
    put_noise(client, 40);
}

static void put_bytes(struct hello_client *client)
{
    switch (client->kind) {
    case HELLO_HTTP:
        buffer_append(&client->unsent, SLICE("GET / HTTP/1.1\r\nHost: vif.test\r\n\r\n"));
        return;
    case HELLO_NOISE: put_noise(client, 1 + (size_t)sim_size(&client->chance, 2000)); return;
    case HELLO_WRONG: put_record(client, 6, slice_make("\2\0\0\2ab", 6)); return;
    case HELLO_EMPTY: put_record(client, 0, SLICE("")); return;
    case HELLO_LONG_RECORD: put_record(client, 0xffff, SLICE("\1\0\1\0")); return;
    case HELLO_LONG: put_long_hello(client); return;
    case HELLO_HALF:
    case HELLO_LEAVES: put_hello(client); return;
    case HELLO_CHANGED:
        put_hello(client);
        change_hello(client);
        return;
    case HELLO_KIND_COUNT: break;
    }
    UNREACHABLE();
}

/* ---- the end ---- */

static void hello_disconnect(struct hello_client *client)
{
    if (client->socket == NULL)
        return;
    sim_socket_close(client->socket);
    client->socket = NULL;
    scene_note_closed(client->scene);
    sim_cancel(&client->send);
    sim_cancel(&client->watch);
    sim_cancel(&client->leave);
    buffer_finish(&client->unsent);
    buffer_finish(&client->received);
    buffer_finish(&client->wire.outbox);
    if (client->connections_left == 0 || client->scene->is_draining)
        client->is_done = true;
    else
        sim_after(&client->start, sim_size(&client->chance, 2 * SIM_S), hello_connect);
}

static void hello_leave(struct sim_event *event)
{
    struct hello_client *client = CONTAINER_OF(event, struct hello_client, leave);
    hello_disconnect(client);
}

/* ---- judging ---- */

/* The server may have ended the connection for a reason that has nothing to do with what it got. */
static bool hello_may_end_any_time(const struct hello_client *client)
{
    const struct scene *scene = client->scene;
    uint64_t ended_us = MIN(sim_socket_ended_by_server_us(client->socket), sim_now_us());
    return scene->is_draining || harms_since(&client->harms, HARM_CLOSING, client->began_us) ||
           harms_ended(&client->harms, client->began_us, ended_us) ||
           harms_shed(&client->harms, client->began_us, ended_us) ||
           scene_was_full(scene, client->began_us, ended_us);
}

static uint64_t handshake_us(const struct hello_client *client)
{
    return client->scene->website->timeouts->handshake_ms * SIM_MS;
}

/* Whatever it is, no content goes to a client without a handshake. */
static void judge_received(const struct hello_client *client)
{
    struct slice received = buffer_slice(&client->received);
    if (received.length == 0 || hello_may_end_any_time(client))
        return;
    struct slice begin = SLICE("HTTP/1.1 400 ");
    bool is_answer = slice_starts_with(received, slice_take(begin, MIN(begin.length, received.length)));
    bool is_alert = received.data[0] == VEIL_ALERT;
    bool is_flight = client->kind == HELLO_CHANGED && received.data[0] == VEIL_HANDSHAKE;
    if (client->kind == HELLO_HTTP ? !is_answer : !is_alert && !is_flight)
        sim_fail("client %u (%s): it got %zu bytes that begin with %d", client->number,
                 hello_names[client->kind], received.length, received.data[0]);
}

/* These the server may wait for the rest of. */
static bool is_perhaps_half(enum hello_kind kind)
{
    return kind == HELLO_NOISE || kind == HELLO_HALF || kind == HELLO_LEAVES || kind == HELLO_CHANGED;
}

static void hello_judge_end(const struct hello_client *client, enum sim_end end)
{
    uint64_t lasted_us = sim_now_us() - client->began_us;
    judge_received(client);
    if (hello_may_end_any_time(client))
        return;
    if (end == SIM_END_FIN && !is_perhaps_half(client->kind) && client->received.length == 0)
        sim_fail("client %u (%s): the connection ended without a reason", client->number,
                 hello_names[client->kind]);
    if (client->kind == HELLO_HALF && lasted_us + EARLY_US < handshake_us(client))
        sim_fail("client %u (%s): the connection ended after %llu us", client->number,
                 hello_names[client->kind], (unsigned long long)lasted_us);
}

static void hello_check_time(const struct hello_client *client)
{
    uint64_t most_us = 2 * SLACK_US + (is_perhaps_half(client->kind) ? handshake_us(client) : 0);
    if (client->said_us > 0 && !client->scene->is_draining && sim_now_us() > client->said_us + most_us)
        sim_fail("client %u (%s): the connection goes on for %llu us", client->number,
                 hello_names[client->kind], (unsigned long long)(sim_now_us() - client->said_us));
}

/* ---- what happens ---- */

static void hello_take(struct hello_client *client)
{
    char bytes[4096];
    size_t count;
    while ((count = sim_socket_receive(client->socket, bytes, sizeof(bytes))) > 0)
        buffer_append(&client->received, slice_make(bytes, count));
    judge_received(client);
}

static void hello_on_readable(struct sim_socket *socket, void *context)
{
    (void)socket;
    hello_take(context);
}

static void hello_on_ended(struct sim_socket *socket, enum sim_end end, void *context)
{
    struct hello_client *client = context;
    (void)socket;
    sim_trace("client %u: the server %s", client->number, end == SIM_END_FIN ? "finished" : "reset");
    hello_take(client);
    hello_judge_end(client, end);
    sim_cancel(&client->watch);
    sim_after(&client->leave, sim_below(&client->chance, 2 * SIM_MS), hello_leave);
}

static void hello_on_refused(struct sim_socket *socket, void *context)
{
    struct hello_client *client = context;
    (void)socket;
    if (!hello_may_end_any_time(client))
        sim_fail("client %u: the connection was refused", client->number);
    hello_disconnect(client);
}

static void hello_send(struct sim_event *event)
{
    struct hello_client *client = CONTAINER_OF(event, struct hello_client, send);
    struct slice unsent = buffer_slice(&client->unsent);
    if (sim_one_in(&client->chance, 2))
        unsent = slice_take(unsent, (size_t)sim_between(&client->chance, 1, unsent.length));
    size_t count = sim_socket_send(client->socket, unsent);
    buffer_consume(&client->unsent, count);
    if (client->unsent.length > 0) {
        if (count > 0)
            sim_after(event, sim_size(&client->chance, 5 * SIM_MS), hello_send);
        return;
    }
    client->said_us = sim_now_us();
    if (client->kind == HELLO_LEAVES)
        sim_socket_finish(client->socket);
}

static void hello_on_writable(struct sim_socket *socket, void *context)
{
    struct hello_client *client = context;
    (void)socket;
    if (client->unsent.length > 0 && !sim_is_armed(&client->send))
        sim_after(&client->send, 0, hello_send);
}

static const struct sim_socket_events hello_events = {
    .on_readable = hello_on_readable,
    .on_writable = hello_on_writable,
    .on_ended = hello_on_ended,
    .on_refused = hello_on_refused,
};

static void hello_watch(struct sim_event *event)
{
    struct hello_client *client = CONTAINER_OF(event, struct hello_client, watch);
    hello_check_time(client);
    sim_after(event, WATCH_US, hello_watch);
}

static void hello_connect(struct sim_event *event)
{
    struct hello_client *client = CONTAINER_OF(event, struct hello_client, start);
    if (client->scene->is_draining) {
        client->is_done = true;
        return;
    }
    client->connections_left--;
    client->kind = (enum hello_kind)sim_below(&client->chance, HELLO_KIND_COUNT);
    client->began_us = sim_now_us();
    client->said_us = 0;
    client->harms = (struct harms){.all = &client->scene->harms};
    buffer_init(&client->unsent, BYTES_MAX);
    buffer_init(&client->received, BYTES_MAX);
    client->wire = (struct wire){.state = WIRE_GREETING, .chance = {sim_draw(&client->chance)}};
    buffer_init(&client->wire.outbox, BYTES_MAX);
    put_bytes(client);
    client->socket = sim_connect(
        &(struct sim_connect){.port = client->scene->tls_port, .events = &hello_events, .context = client});
    scene_note_open(client->scene);
    sim_trace("client %u: connects (TLS, %s, connection %u)", client->number, hello_names[client->kind],
              sim_socket_number(client->socket));
    sim_after(&client->watch, WATCH_US, hello_watch);
    sim_after(&client->send, 0, hello_send);
}

void hello_client_start(struct hello_client *client, struct scene *scene, unsigned number)
{
    *client = (struct hello_client){
        .number = number, .scene = scene, .chance = sim_chance_for("hello client", number)};
    list_init(&client->link);
    client->connections_left = (unsigned)sim_size(&client->chance, CONNECTIONS_MAX);
    sim_after(&client->start, sim_size(&client->chance, 3 * SIM_S), hello_connect);
}

void hello_client_note_fault(struct hello_client *client, const struct sim_fault *fault)
{
    if (client->socket && client->socket == harmed_socket(fault))
        harms_note_own(&client->harms, fault);
}

void hello_client_finish(struct hello_client *client)
{
    sim_cancel(&client->start);
    client->connections_left = 0;
    hello_disconnect(client);
}
