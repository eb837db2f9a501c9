/* The player of a script over HTTP/2. Four event chains that go on by themselves: `act` opens streams and
 * queues frames, `send` gives pieces of the queue to the network, `take` reads, `watch` looks at the clock.
 */
#include "h2_client.h"

#include "endings.h"

/* How often the time of a dialog is looked at. */
#define WATCH_US (500 * SIM_MS)

/* As in client.c. */
#define ANSWER_US SIM_S
#define LINGER_US (60 * SIM_S)

static void h2_connect(struct sim_event *event);
static void h2_act(struct sim_event *event);
static void h2_send_piece(struct sim_event *event);
static void h2_act_soon(struct h2_client *client);

static void h2_fail_if_bad(const struct h2_client *client)
{
    const struct verdict *verdict = &client->dialog.verdict;
    if (client->wire.verdict.is_bad)
        verdict = &client->wire.verdict;
    if (verdict->is_bad)
        sim_fail("client %u (HTTP/2, %s): %s", client->number, h2_manner_names[client->manner.kind],
                 verdict->text);
}

/* ---- the end of a connection ---- */

static void h2_disconnect(struct h2_client *client)
{
    if (client->socket == NULL)
        return;
    sim_socket_close(client->socket);
    dialog_note(&client->dialog, client->socket);
    client->socket = NULL;
    scene_note_closed(client->scene);
    sim_cancel(&client->act);
    sim_cancel(&client->open);
    sim_cancel(&client->send);
    sim_cancel(&client->take);
    sim_cancel(&client->watch);
    sim_cancel(&client->leave);
    wire_end(&client->wire);
    dialog_finish(&client->dialog);
    if (client->connections_left == 0 || client->scene->is_draining)
        client->is_done = true;
    else
        sim_after(&client->start, sim_size(&client->chance, 2 * SIM_S), h2_connect);
}

static void h2_leave(struct sim_event *event)
{
    struct h2_client *client = CONTAINER_OF(event, struct h2_client, leave);
    sim_trace("client %u: closes", client->number);
    client->dialog.is_abandoned = true;
    h2_disconnect(client);
}

/* RST in the middle of something, where that is this client's part; true when it did. */
static bool h2_breaks_off(struct h2_client *client)
{
    if (client->manner.reset_after == 0 || client->moved_bytes < client->manner.reset_after)
        return false;
    sim_trace("client %u: resets", client->number);
    sim_socket_reset(client->socket);
    client->dialog.is_abandoned = true;
    h2_disconnect(client);
    return true;
}

/* ---- sending ---- */

static bool h2_may_send(const struct h2_client *client)
{
    const struct dialog *dialog = &client->dialog;
    return client->socket && !dialog->has_ended && !dialog->is_finished && !dialog->is_half_sent &&
           !dialog->turned_away;
}

static void h2_go_on_sending(struct h2_client *client, uint64_t delay_us)
{
    if (h2_may_send(client) && dialog_unsent(&client->dialog).length > 0 && !sim_is_armed(&client->send))
        sim_after(&client->send, delay_us, h2_send_piece);
}

/* How much may go now: all, a piece, or what is left until it falls silent. */
static size_t h2_sendable(const struct h2_client *client)
{
    const struct h2_manner *manner = &client->manner;
    size_t length = dialog_unsent(&client->dialog).length;
    if (manner->piece_bytes > 0)
        length = MIN(length, manner->piece_bytes);
    if (manner->half_after > 0)
        length = MIN(length, (size_t)(manner->half_after - client->dialog.sent_bytes));
    return length;
}

static void h2_send_piece(struct sim_event *event)
{
    struct h2_client *client = CONTAINER_OF(event, struct h2_client, send);
    struct dialog *dialog = &client->dialog;
    size_t length = h2_may_send(client) ? h2_sendable(client) : 0;
    if (length == 0)
        return;
    size_t count = wire_send(&client->wire, slice_take(dialog_unsent(dialog), length));
    dialog_sent(dialog, count);
    client->moved_bytes += count;
    dialog->is_half_sent = client->manner.half_after > 0 && dialog->sent_bytes == client->manner.half_after;
    if (h2_breaks_off(client) || count < length)
        return;
    h2_go_on_sending(client, client->manner.piece_bytes ? client->manner.piece_us : 0);
    if (dialog_unsent(dialog).length == 0)
        h2_act_soon(client);
}

static void h2_on_writable(struct sim_socket *socket, void *context)
{
    struct h2_client *client = context;
    (void)socket;
    wire_push(&client->wire);
    h2_go_on_sending(client, 0);
}

/* ---- what it does ---- */

static void h2_make_request(struct h2_client *client, struct dialog_stream *stream)
{
    const struct website *website = client->scene->website;
    struct sim_chance *chance = &client->chance;
    struct h2_ask *ask = &stream->ask;
    char text[160];
    if (client->manner.bad_in && sim_one_in(chance, client->manner.bad_in))
        h2_ask_make_bad(ask, website, chance);
    else
        h2_ask_make(ask, website, chance);
    if (client->is_veiled)
        ask_over_tls(&ask->ask);
    if (client->requests_left == 0 && client->manner.stops_in_content && ask->ask.has_content) {
        ask->ask.end = ASK_NEVER_ENDS;
        ask->content = slice_take(ask->content, (size_t)sim_below(chance, ask->content.length));
    }
    ask_describe(&ask->ask, text, sizeof(text));
    sim_trace("client %u: stream %u asks %s", client->number, stream->id, text);
}

static bool h2_open_stream(struct h2_client *client)
{
    struct dialog *dialog = &client->dialog;
    size_t open = dialog_open_streams(dialog);
    if (dialog->goaways > 0)
        client->requests_left = 0;
    if (client->requests_left == 0 || open >= client->manner.depth || open >= dialog->streams_max)
        return false;
    struct dialog_stream *stream = dialog_open(dialog);
    if (stream == NULL)
        return false;
    client->requests_left--;
    h2_make_request(client, stream);
    dialog_send_head(dialog, stream, client->manner.head_bytes);
    return true;
}

static bool h2_has_content_left(const struct dialog_stream *stream)
{
    return !dialog_is_over(stream) && stream->end == 0 &&
           (stream->content_sent < stream->ask.content.length || stream->ask.ask.end == ASK_ENDS);
}

static bool h2_send_contents(struct h2_client *client)
{
    bool did = false;
    for (size_t i = 0; i < client->dialog.stream_count; i++) {
        struct dialog_stream *stream = client->dialog.streams[i];
        if (h2_has_content_left(stream))
            did |= dialog_send_content(&client->dialog, stream, client->manner.content_bytes);
    }
    return did;
}

/* A stream that ended for the server before all of its content was sent; or one that it gives up. */
static void h2_give_up_streams(struct h2_client *client)
{
    for (size_t i = 0; i < client->dialog.stream_count; i++) {
        struct dialog_stream *stream = client->dialog.streams[i];
        bool is_answered = stream->has_end && stream->end == 0 && !stream->is_reset && !stream->reset_end;
        bool cancels = !dialog_is_over(stream) && client->manner.cancels_in > 0 &&
                       sim_one_in(&client->chance, client->manner.cancels_in * 4);
        if (is_answered || cancels)
            dialog_reset(&client->dialog, stream, is_answered ? FRAME_NO_ERROR : FRAME_CANCEL);
    }
}

static struct dialog_stream *h2_any_stream(struct h2_client *client)
{
    struct dialog *dialog = &client->dialog;
    return dialog->stream_count > 0 ? dialog->streams[sim_below(&client->chance, dialog->stream_count)]
                                    : NULL;
}

static bool h2_do_extra(struct h2_client *client)
{
    struct dialog *dialog = &client->dialog;
    struct dialog_stream *stream = h2_any_stream(client);
    struct sim_chance *chance = &client->chance;
    if (client->extras_left == 0)
        return false;
    client->extras_left--;
    switch (sim_below(chance, 4)) {
    case 0:
        if (dialog_may_send_settings(dialog))
            dialog_send_settings(dialog, h2_manner_window(chance), (uint32_t)sim_below(chance, 3) * 2048);
        break;
    case 1: dialog_send_ping(dialog); break;
    case 2:
        if (stream)
            dialog_send_priority(dialog, stream, (unsigned)sim_below(chance, 8), sim_one_in(chance, 2));
        break;
    default:
        if (stream && !dialog_is_over(stream))
            dialog_grant(dialog, stream, (uint32_t)sim_size(chance, 1u << 16));
    }
    return true;
}

/* Frames after which the server must end the connection. */
static void h2_break_protocol(struct h2_client *client)
{
    struct dialog *dialog = &client->dialog;
    if (client->manner.breaks_after == 0 || dialog->is_provoked ||
        dialog->sent_bytes < client->manner.breaks_after)
        return;
    sim_trace("client %u: breaks the protocol", client->number);
    client->requests_left = 0;
    static const struct {
        uint8_t type, stream, length, code;
    } broken[] = {
        {FRAME_DATA, 0, 3, FRAME_PROTOCOL_ERROR},          {FRAME_HEADERS, 0, 1, FRAME_PROTOCOL_ERROR},
        {FRAME_HEADERS, 2, 1, FRAME_PROTOCOL_ERROR},       {FRAME_SETTINGS, 0, 5, FRAME_SIZE_ERROR},
        {FRAME_WINDOW_UPDATE, 0, 4, FRAME_PROTOCOL_ERROR}, {FRAME_PING, 0, 7, FRAME_SIZE_ERROR},
        {FRAME_CONTINUATION, 1, 1, FRAME_PROTOCOL_ERROR},
    };
    size_t which = (size_t)sim_below(&client->chance, ARRAY_LENGTH(broken));
    char zeros[8] = {0};
    dialog_break(dialog, broken[which].type, broken[which].stream, slice_make(zeros, broken[which].length),
                 broken[which].code);
}

/* After so many times a window is opened wide, or the server takes it for a flood. */
#define GRANTS_MAX 500

static uint32_t h2_grant(struct h2_client *client, uint64_t unpaid)
{
    uint32_t wide = client->grants++ > GRANTS_MAX ? FRAME_WINDOW : 0;
    return (uint32_t)unpaid * client->manner.grant_times + wide;
}

/* Windows are opened as what came is taken. */
static void h2_open_windows(struct h2_client *client)
{
    struct dialog *dialog = &client->dialog;
    const struct h2_manner *manner = &client->manner;
    uint64_t unpaid = dialog->content_bytes - dialog->granted_bytes;
    if (manner->grant_bytes == 0)
        return;
    if (unpaid >= manner->grant_bytes) {
        dialog->granted_bytes = dialog->content_bytes;
        dialog_grant(dialog, NULL, h2_grant(client, unpaid));
    }
    for (size_t i = 0; i < dialog->stream_count; i++) {
        struct dialog_stream *stream = dialog->streams[i];
        unpaid = stream->content_bytes - stream->content_granted;
        if (dialog_is_over(stream) || unpaid < manner->grant_bytes)
            continue;
        stream->content_granted = stream->content_bytes;
        dialog_grant(dialog, stream, h2_grant(client, unpaid));
    }
}

/* ---- its end ---- */

static bool h2_is_through(const struct h2_client *client)
{
    const struct dialog *dialog = &client->dialog;
    return client->requests_left == 0 && dialog_open_streams(dialog) == 0 && dialog->outbox.length == 0;
}

static bool h2_has_said_all(const struct h2_client *client)
{
    const struct dialog *dialog = &client->dialog;
    for (size_t i = 0; i < dialog->stream_count; i++) {
        if (dialog->streams[i]->end == 0 && !dialog_is_over(dialog->streams[i]))
            return false;
    }
    return client->requests_left == 0 && dialog->outbox.length == 0 && dialog->is_introduced;
}

static void h2_end(struct h2_client *client)
{
    struct dialog *dialog = &client->dialog;
    if (client->manner.end == END_FINISH && h2_has_said_all(client)) {
        sim_trace("client %u: FIN", client->number);
        dialog->is_finished = true;
        wire_finish(&client->wire, !sim_one_in(&client->wire_chance, 8));
        return;
    }
    if (client->manner.end != END_CLOSE || !h2_is_through(client) || sim_is_armed(&client->leave))
        return;
    if (client->manner.says_goaway) {
        dialog_send_goaway(dialog);
        h2_go_on_sending(client, 0);
    }
    sim_after(&client->leave, sim_below(&client->chance, 2 * SIM_MS), h2_leave);
}

static void h2_act(struct sim_event *event)
{
    struct h2_client *client = CONTAINER_OF(event, struct h2_client, act);
    if (!h2_may_send(client))
        return;
    bool did = h2_open_stream(client);
    did |= h2_send_contents(client);
    did |= h2_do_extra(client);
    h2_give_up_streams(client);
    h2_break_protocol(client);
    h2_go_on_sending(client, 0);
    if (did)
        sim_after(event, sim_size(&client->chance, client->manner.act_us), h2_act);
    else
        h2_end(client);
}

static void h2_act_soon(struct h2_client *client)
{
    if (client->socket && !sim_is_armed(&client->act))
        sim_after(&client->act, 0, h2_act);
}

/* Windows that were closed from the beginning are opened, for all streams at once. */
static void h2_open_late(struct sim_event *event)
{
    struct h2_client *client = CONTAINER_OF(event, struct h2_client, open);
    if (!h2_may_send(client) || !dialog_may_send_settings(&client->dialog))
        return;
    dialog_send_settings(&client->dialog, 1u << 20, 4096);
    h2_go_on_sending(client, 0);
}

/* ---- reading ---- */

static void h2_note_time(struct h2_client *client)
{
    uint64_t arrived_us = sim_socket_arrived_us(client->socket);
    uint64_t ended_us = sim_socket_ended_by_server_us(client->socket);
    client->dialog.read_bytes = client->is_veiled ? 0 : sim_socket_bytes_read(client->socket);
    client->dialog.had_time =
        arrived_us < ended_us && ended_us < UINT64_MAX && ended_us - arrived_us > ANSWER_US;
}

static void h2_take_bytes(struct h2_client *client, size_t most)
{
    char bytes[16384];
    uint64_t ended_us = sim_socket_ended_by_server_us(client->socket);
    client->dialog.ended_us = ended_us == UINT64_MAX ? 0 : ended_us;
    client->wire.may_break = dialog_has_fault(&client->dialog);
    client->dialog.waiting_bytes = sim_socket_bytes_waiting(client->socket);
    while (most > 0) {
        size_t count = wire_receive(&client->wire, bytes, MIN(most, sizeof(bytes)));
        if (count == 0)
            break;
        most -= count;
        client->moved_bytes += count;
        dialog_received(&client->dialog, slice_make(bytes, count));
        h2_fail_if_bad(client);
    }
    h2_fail_if_bad(client);
}

static bool h2_is_pausing(struct h2_client *client)
{
    if (client->manner.pause_us == 0)
        return false;
    if (client->paused_until_us == 0)
        client->paused_until_us = sim_now_us() + client->manner.pause_us;
    return sim_now_us() < client->paused_until_us;
}

static void h2_take_piece(struct sim_event *event)
{
    struct h2_client *client = CONTAINER_OF(event, struct h2_client, take);
    const struct h2_manner *manner = &client->manner;
    if (h2_is_pausing(client)) {
        sim_at(event, client->paused_until_us, h2_take_piece);
        return;
    }
    h2_take_bytes(client, manner->take_bytes ? manner->take_bytes : SIZE_MAX);
    if (h2_breaks_off(client))
        return;
    if (h2_may_send(client)) {
        h2_open_windows(client);
        h2_go_on_sending(client, 0);
    }
    if (wire_may_go_on(&client->wire))
        h2_go_on_sending(client, 0);
    h2_act_soon(client);
    if (wire_available(&client->wire) > 0)
        sim_after(event, manner->take_us, h2_take_piece);
}

static void h2_on_readable(struct sim_socket *socket, void *context)
{
    struct h2_client *client = context;
    (void)socket;
    if (!sim_is_armed(&client->take))
        sim_after(&client->take, 0, h2_take_piece);
}

/* What stands before the FIN is read first, slow as the client may be; what an RST left unread is lost. */
static void h2_on_ended(struct sim_socket *socket, enum sim_end end, void *context)
{
    struct h2_client *client = context;
    (void)socket;
    sim_trace("client %u: the server %s", client->number, end == SIM_END_FIN ? "finished" : "reset");
    h2_take_bytes(client, SIZE_MAX);
    h2_note_time(client);
    client->dialog.is_shaking_hands = wire_is_shaking_hands(&client->wire);
    dialog_ended(&client->dialog, end == SIM_END_RESET);
    if (end == SIM_END_FIN && dialog_owes_nothing(&client->dialog))
        wire_judge_end(&client->wire);
    h2_fail_if_bad(client);
    sim_cancel(&client->act);
    sim_cancel(&client->send);
    sim_cancel(&client->take);
    bool stays = client->manner.end == END_LINGER && end == SIM_END_FIN;
    sim_after(&client->leave, stays ? LINGER_US : sim_below(&client->chance, 2 * SIM_MS), h2_leave);
}

static void h2_on_refused(struct sim_socket *socket, void *context)
{
    struct h2_client *client = context;
    (void)socket;
    sim_trace("client %u: refused", client->number);
    if (!client->scene->is_draining && !dialog_has_fault(&client->dialog) &&
        !dialog_may_be_crowded(&client->dialog))
        sim_fail("client %u: the connection was refused", client->number);
    client->dialog.is_abandoned = true;
    h2_disconnect(client);
}

static const struct sim_socket_events h2_socket_events = {
    .on_readable = h2_on_readable,
    .on_writable = h2_on_writable,
    .on_ended = h2_on_ended,
    .on_refused = h2_on_refused,
};

/* ---- the beginning ---- */

static void h2_watch(struct sim_event *event)
{
    struct h2_client *client = CONTAINER_OF(event, struct h2_client, watch);
    dialog_check_time(&client->dialog);
    h2_fail_if_bad(client);
    sim_after(event, WATCH_US, h2_watch);
}

static void h2_introduce(struct h2_client *client)
{
    const struct h2_manner *manner = &client->manner;
    struct dialog *dialog = &client->dialog;
    dialog_introduce(dialog, manner->window, sim_one_in(&client->chance, 4) ? 0 : 4096);
    if (manner->extra_window > 0)
        dialog_grant(dialog, NULL, manner->extra_window);
    if (manner->opens_us > 0)
        sim_after(&client->open, manner->opens_us, h2_open_late);
    h2_go_on_sending(client, 0);
    h2_act_soon(client);
}

static void h2_connect(struct sim_event *event)
{
    struct h2_client *client = CONTAINER_OF(event, struct h2_client, start);
    if (client->scene->is_draining) {
        client->is_done = true;
        return;
    }
    client->connections_left--;
    client->requests_left = client->manner.requests;
    client->extras_left = client->manner.extras;
    client->moved_bytes = client->paused_until_us = 0;
    client->grants = 0;
    dialog_begin(&client->dialog, client->scene, client->number);
    client->socket = sim_connect(&(struct sim_connect){
        .port = client->port,
        .address = client->address,
        .events = &h2_socket_events,
        .context = client,
        .receive_bytes = client->manner.receive_bytes,
    });
    client->wire.verdict = (struct verdict){0};
    wire_begin(&client->wire, client->socket, client->is_veiled, VEIL_H2, &client->wire_chance);
    client->dialog.is_slow = client->manner.pause_us > 0 || client->manner.take_bytes > 0;
    scene_note_open(client->scene);
    sim_trace("client %u: connects (HTTP/2%s, %s, connection %u)", client->number,
              client->is_veiled ? " over TLS" : "", h2_manner_names[client->manner.kind],
              sim_socket_number(client->socket));
    sim_after(&client->watch, WATCH_US, h2_watch);
    h2_introduce(client);
}

void h2_client_start(struct h2_client *client, struct scene *scene, unsigned number, uint16_t port)
{
    *client = (struct h2_client){
        .number = number,
        .scene = scene,
        .port = port,
        .chance = sim_chance_for("h2 client", number),
    };
    list_init(&client->link);
    client->wire_chance = sim_chance_for("wire", number);
    client->is_veiled = scene->tls_port > 0 && sim_one_in(&client->wire_chance, 2);
    if (client->is_veiled)
        client->port = scene->tls_port;
    client->address = 0x0a000001u + (uint32_t)sim_below(&client->chance, 3);
    client->manner = h2_manner_make(scene->website, &client->chance);
    client->connections_left = client->manner.connections;
    sim_after(&client->start, sim_size(&client->chance, 3 * SIM_S), h2_connect);
}

void h2_client_note_fault(struct h2_client *client, const struct sim_fault *fault)
{
    if (client->socket && client->socket == harmed_socket(fault))
        harms_note_own(&client->dialog.harms, fault);
}

void h2_client_finish(struct h2_client *client)
{
    sim_cancel(&client->start);
    client->dialog.is_abandoned |= client->scene->is_draining;
    client->connections_left = 0;
    if (client->socket && !client->dialog.has_ended && !client->dialog.is_abandoned)
        sim_fail("client %u: the server is gone, and the connection did not end", client->number);
    h2_disconnect(client);
}
