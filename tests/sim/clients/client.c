/* The player of a script. Sending and reading are two independent event chains: `send` gives a piece to the
 * network and arms itself for the next, `take` reads one; `watch` looks at the clock. */
#include "client.h"

#include "endings.h"
#include "journal.h"

#include <stdlib.h>

/* How often the time of a conversation is looked at. */
#define WATCH_US (500 * SIM_MS)

/* A client waits so long for 100 Continue before it sends its content all the same (RFC 9110 section 10.1.1).
 */
#define CONTINUE_US SIM_S

/* A server that has had a request for so long has begun to answer it, and does not take the connection for
 * idle. */
#define ANSWER_US SIM_S

/* One that does not close when the server has ended the connection. */
#define LINGER_US (60 * SIM_S)

static void connect(struct sim_event *event);
static void send_piece(struct sim_event *event);
static void take_piece(struct sim_event *event);

static const char *fault_of(const struct client *client)
{
    const struct verdict *verdict = &client->conversation.verdict;
    if (client->wire.verdict.is_bad)
        verdict = &client->wire.verdict;
    return verdict->is_bad ? verdict->text : NULL;
}

static void fail_if_bad(const struct client *client)
{
    if (fault_of(client))
        sim_fail("client %u (%s): request %zu: %s", client->number, manner_names[client->manner.kind],
                 client->conversation.answered + 1, fault_of(client));
}

/* ---- the end of a connection ---- */

static void disconnect(struct client *client)
{
    if (client->socket == NULL)
        return;
    sim_socket_close(client->socket);
    journal_note(client->scene->journal, &client->conversation, client->socket);
    client->socket = NULL;
    scene_note_closed(client->scene);
    sim_cancel(&client->send);
    sim_cancel(&client->take);
    sim_cancel(&client->watch);
    sim_cancel(&client->leave);
    wire_end(&client->wire);
    conversation_finish(&client->conversation);
    if (client->connections_left == 0 || client->scene->is_draining)
        client->is_done = true;
    else
        sim_after(&client->start, sim_size(&client->chance, 2 * SIM_S), connect);
}

static void leave(struct sim_event *event)
{
    struct client *client = CONTAINER_OF(event, struct client, leave);
    sim_trace("client %u: closes", client->number);
    client->conversation.is_abandoned = true;
    disconnect(client);
}

/* RST or close in the middle of something, where that is this client's part; true when it did. */
static bool breaks_off(struct client *client)
{
    const struct manner *manner = &client->manner;
    bool resets = manner->reset_after > 0 && client->moved_bytes >= manner->reset_after;
    bool leaves = manner->leave_after > 0 && client->moved_bytes >= manner->leave_after;
    if (!resets && !leaves)
        return false;
    sim_trace("client %u: %s", client->number, resets ? "resets" : "leaves");
    if (resets)
        sim_socket_reset(client->socket);
    client->conversation.is_abandoned = true;
    disconnect(client);
    return true;
}

/* All that it wanted is there. */
static bool is_through(const struct client *client)
{
    const struct conversation *conversation = &client->conversation;
    return client->requests_left == 0 && conversation->answered == conversation->ask_count;
}

static void end_politely(struct client *client)
{
    if (client->manner.end == END_CLOSE && !sim_is_armed(&client->leave))
        sim_after(&client->leave, sim_below(&client->chance, 2 * SIM_MS), leave);
}

/* ---- sending ---- */

static void make_request(struct client *client, struct ask *ask)
{
    const struct website *website = client->scene->website;
    struct sim_chance *chance = &client->chance;
    char text[160];
    client->requests_left--;
    if (client->requests_left == 0 && client->manner.stops_in_content)
        ask_make_half(ask, client->manner.target, website, chance);
    else if (client->requests_left == 0 && client->manner.ends_endless)
        ask_make_endless(ask, website, chance);
    else if (client->manner.bad_in && sim_one_in(chance, client->manner.bad_in))
        ask_make_bad(ask, website, chance);
    else if (client->manner.target)
        ask_make_for(ask, client->manner.target, website, chance);
    else
        ask_make(ask, website, chance);
    if (client->is_veiled)
        ask_over_tls(ask);
    ask_describe(ask, text, sizeof(text));
    sim_trace("client %u: asks %s", client->number, text);
}

/* Nothing may be sent behind this one by a client that knows the rules. */
static bool is_at_its_word(const struct client *client)
{
    const struct conversation *conversation = &client->conversation;
    if (conversation->sending == 0 || client->manner.goes_on_behind_the_end)
        return false;
    const struct ask *last = &conversation->asks[conversation->sending - 1];
    return last->refused || last->says_close || (last->is_old && !last->says_keep_open);
}

/* The next request, where it is time for one. */
static bool has_next(struct client *client)
{
    struct conversation *conversation = &client->conversation;
    if (conversation_unsent(conversation).length > 0)
        return true;
    /* What does not end is sent as far as it goes. */
    if (conversation->sending < conversation->ask_count || client->requests_left == 0 ||
        is_at_its_word(client))
        return false;
    if (conversation_outstanding(conversation) >= client->manner.depth ||
        (conversation->answered > 0 && sim_now_us() < client->thinks_until_us))
        return false;
    struct ask *ask = conversation_add(conversation);
    if (ask == NULL) {
        client->requests_left = 0;
        return false;
    }
    make_request(client, ask);
    return true;
}

/* How much of what is unsent may go now: content waits for 100 Continue, for a while. */
static size_t sendable(struct client *client, size_t unsent)
{
    const struct conversation *conversation = &client->conversation;
    const struct ask *ask = &conversation->asks[conversation->sending];
    bool waits = ask->expects && client->manner.waits_for_continue && !conversation->was_continued &&
                 (conversation->sent < ask->head_bytes ||
                  sim_now_us() < MAX(ask->last_sent_us, conversation->answered_us) + CONTINUE_US);
    if (waits && conversation->sent <= ask->head_bytes)
        unsent = MIN(unsent, ask->head_bytes - conversation->sent);
    return client->manner.piece_bytes ? MIN(unsent, client->manner.piece_bytes) : unsent;
}

static void reset(struct sim_event *event)
{
    struct client *client = CONTAINER_OF(event, struct client, leave);
    sim_trace("client %u: resets", client->number);
    sim_socket_reset(client->socket);
    client->conversation.is_abandoned = true;
    disconnect(client);
}

static void finish_sending(struct client *client)
{
    if (client->manner.reset_us > 0 && client->requests_left == 0 && !sim_is_armed(&client->leave))
        sim_after(&client->leave, client->manner.reset_us, reset);
    bool may_finish = client->requests_left == 0 || is_at_its_word(client);
    if (client->manner.end != END_FINISH || client->conversation.is_finished || !may_finish)
        return;
    sim_trace("client %u: FIN", client->number);
    client->conversation.is_finished = true;
    wire_finish(&client->wire, !sim_one_in(&client->wire_chance, 8));
}

static void go_on_sending(struct client *client, uint64_t delay_us)
{
    if (client->socket && !sim_is_armed(&client->send))
        sim_after(&client->send, delay_us, send_piece);
}

static void send_piece(struct sim_event *event)
{
    struct client *client = CONTAINER_OF(event, struct client, send);
    struct conversation *conversation = &client->conversation;
    if (conversation->has_ended || conversation->said_close || conversation->is_finished)
        return;
    if (!has_next(client)) {
        finish_sending(client);
        return;
    }
    struct slice unsent = conversation_unsent(conversation);
    size_t length = sendable(client, unsent.length);
    if (length == 0) {
        go_on_sending(client, CONTINUE_US / 4);
        return;
    }
    size_t count = wire_send(&client->wire, slice_take(unsent, length));
    conversation_sent(conversation, count);
    client->moved_bytes += count;
    if (!breaks_off(client) && count == length)
        go_on_sending(client, client->manner.piece_bytes ? client->manner.piece_us : 0);
}

static void on_writable(struct sim_socket *socket, void *context)
{
    struct client *client = context;
    (void)socket;
    wire_push(&client->wire);
    go_on_sending(client, 0);
}

/* ---- reading ---- */

static void think(struct client *client)
{
    uint64_t delay_us = client->manner.think_us;
    client->thinks_until_us = sim_now_us() + delay_us;
    if (client->socket)
        sim_after(&client->send, delay_us, send_piece);
}

/* Whether the server had had everything for a while when it ended the connection, if it has. */
static void note_time(struct client *client)
{
    uint64_t arrived_us = sim_socket_arrived_us(client->socket);
    uint64_t ended_us = sim_socket_ended_by_server_us(client->socket);
    client->conversation.had_time =
        arrived_us < ended_us && ended_us < UINT64_MAX && ended_us - arrived_us > ANSWER_US;
}

static void take_bytes(struct client *client, size_t most)
{
    char bytes[16384];
    size_t answered = client->conversation.answered;
    uint64_t ended_us = sim_socket_ended_by_server_us(client->socket);
    client->conversation.ended_us = ended_us == UINT64_MAX ? 0 : ended_us;
    client->wire.may_break = conversation_has_fault(&client->conversation);
    while (most > 0) {
        size_t count = wire_receive(&client->wire, bytes, MIN(most, sizeof(bytes)));
        if (count == 0)
            break;
        most -= count;
        client->moved_bytes += count;
        conversation_received(&client->conversation, slice_make(bytes, count));
        fail_if_bad(client);
    }
    fail_if_bad(client);
    if (client->conversation.answered > answered || client->conversation.was_continued)
        think(client);
}

static bool is_pausing(struct client *client)
{
    if (client->manner.pause_us == 0)
        return false;
    if (client->paused_until_us == 0)
        client->paused_until_us = sim_now_us() + client->manner.pause_us;
    return sim_now_us() < client->paused_until_us;
}

static void take_piece(struct sim_event *event)
{
    struct client *client = CONTAINER_OF(event, struct client, take);
    const struct manner *manner = &client->manner;
    if (is_pausing(client)) {
        sim_at(event, client->paused_until_us, take_piece);
        return;
    }
    take_bytes(client, manner->take_bytes ? manner->take_bytes : SIZE_MAX);
    if (breaks_off(client))
        return;
    if (wire_may_go_on(&client->wire))
        go_on_sending(client, 0);
    if (wire_available(&client->wire) > 0)
        sim_after(event, manner->take_us, take_piece);
    else if (is_through(client))
        end_politely(client);
}

static void on_readable(struct sim_socket *socket, void *context)
{
    (void)socket;
    struct client *client = context;
    if (!sim_is_armed(&client->take))
        sim_after(&client->take, 0, take_piece);
}

/* ---- the server's end ---- */

/* What stands before the FIN is read first, slow as the client may be; what an RST left unread is lost. */
static void on_ended(struct sim_socket *socket, enum sim_end end, void *context)
{
    (void)socket;
    struct client *client = context;
    sim_trace("client %u: the server %s", client->number, end == SIM_END_FIN ? "finished" : "reset");
    take_bytes(client, SIZE_MAX);
    note_time(client);
    client->conversation.is_shaking_hands = wire_is_shaking_hands(&client->wire);
    conversation_ended(&client->conversation, end == SIM_END_RESET);
    if (end == SIM_END_FIN && conversation_owes_nothing(&client->conversation))
        wire_judge_end(&client->wire);
    fail_if_bad(client);
    sim_cancel(&client->send);
    sim_cancel(&client->take);
    bool stays = client->manner.end == END_LINGER && end == SIM_END_FIN;
    sim_after(&client->leave, stays ? LINGER_US : sim_below(&client->chance, 2 * SIM_MS), leave);
}

static void on_refused(struct sim_socket *socket, void *context)
{
    (void)socket;
    struct client *client = context;
    sim_trace("client %u: refused", client->number);
    bool is_explained = client->scene->is_draining || conversation_has_fault(&client->conversation) ||
                        conversation_may_be_crowded(&client->conversation);
    if (!is_explained)
        sim_fail("client %u: the connection was refused", client->number);
    client->conversation.is_abandoned = true;
    disconnect(client);
}

static const struct sim_socket_events socket_events = {
    .on_readable = on_readable,
    .on_writable = on_writable,
    .on_ended = on_ended,
    .on_refused = on_refused,
};

/* ---- the beginning ---- */

static void watch(struct sim_event *event)
{
    struct client *client = CONTAINER_OF(event, struct client, watch);
    if (client->manner.pause_us == 0)
        conversation_check_time(&client->conversation);
    fail_if_bad(client);
    sim_after(event, WATCH_US, watch);
}

static void connect(struct sim_event *event)
{
    struct client *client = CONTAINER_OF(event, struct client, start);
    if (client->scene->is_draining) {
        client->is_done = true;
        return;
    }
    client->connections_left--;
    client->requests_left = client->manner.requests;
    client->moved_bytes = 0;
    client->paused_until_us = 0;
    client->thinks_until_us = 0;
    conversation_begin(&client->conversation, client->scene, client->number);
    client->socket = sim_connect(&(struct sim_connect){
        .port = client->port,
        .address = client->address,
        .events = &socket_events,
        .context = client,
        .receive_bytes = client->manner.receive_bytes,
    });
    client->wire.verdict = (struct verdict){0};
    wire_begin(&client->wire, client->socket, client->is_veiled, 0, &client->wire_chance);
    client->conversation.is_framed = client->is_veiled;
    client->conversation.is_slow = client->manner.pause_us > 0 || client->manner.take_bytes > 0;
    scene_note_open(client->scene);
    sim_trace("client %u: connects (%s%s, connection %u)", client->number, client->is_veiled ? "TLS, " : "",
              manner_names[client->manner.kind], sim_socket_number(client->socket));
    sim_after(&client->watch, WATCH_US, watch);
    go_on_sending(client, 0);
}

static void prepare(struct client *client, struct scene *scene, unsigned number, uint16_t port)
{
    *client = (struct client){
        .number = number,
        .scene = scene,
        .port = port,
        .chance = sim_chance_for("client", number),
    };
    list_init(&client->link);
    client->wire_chance = sim_chance_for("wire", number);
    client->is_veiled = scene->tls_port > 0 && sim_one_in(&client->wire_chance, 2);
    if (client->is_veiled)
        client->port = scene->tls_port;
    client->address = 0x0a000001u + (uint32_t)sim_below(&client->chance, 3);
}

void client_start(struct client *client, struct scene *scene, unsigned number, uint16_t port)
{
    prepare(client, scene, number, port);
    client->manner = manner_make(scene->website, &client->chance);
    client->connections_left = client->manner.kind == MANNER_FLOOD ? 1 : client->manner.connections;
    sim_after(&client->start, sim_size(&client->chance, 3 * SIM_S), connect);
}

void client_start_with(struct client *client, struct scene *scene, unsigned number, uint16_t port,
                       const struct manner *manner, uint64_t at_us)
{
    prepare(client, scene, number, port);
    client->manner = *manner;
    client->address = manner->address ? manner->address : client->address;
    client->connections_left = MAX(manner->connections, 1u);
    sim_at(&client->start, at_us, connect);
}

void client_start_in_flood(struct client *client, struct scene *scene, unsigned number, uint16_t port,
                           const struct client *first)
{
    prepare(client, scene, number, port);
    client->manner = first->manner;
    client->connections_left = 1;
    sim_at(&client->start, first->start.at_us + sim_below(&client->chance, 50 * SIM_MS), connect);
}

void client_note_fault(struct client *client, const struct sim_fault *fault)
{
    if (client->socket && client->socket == harmed_socket(fault))
        harms_note_own(&client->conversation.harms, fault);
}

void client_finish(struct client *client)
{
    sim_cancel(&client->start);
    client->conversation.is_abandoned |= client->scene->is_draining;
    client->connections_left = 0;
    if (client->socket && !client->conversation.has_ended && !client->conversation.is_abandoned)
        sim_fail("client %u: the server is gone, and the connection did not end", client->number);
    disconnect(client);
}
