/* See wire.h: what is the same whatever the layer is, which is wire_veil.c or wire_openssl.c. */
#include "wire_parts.h"

#define OUTBOX_MAX (1u << 20)
#define INBOX_MAX  (64u << 20)

/* At most so much is taken while the network takes nothing. */
#define OUTBOX_FULL 4096

#define KEY_UPDATES_MAX     6
#define KEY_UPDATE_ONE_IN   6
#define SHORT_RECORD_ONE_IN 4

void wire_begin(struct wire *wire, struct sim_socket *socket, bool is_veiled, unsigned protocol,
                struct sim_chance *chance)
{
    bool resumes = wire->has_ticket && sim_one_in(chance, 2);
    *wire = (struct wire){.socket = socket};
    buffer_init(&wire->outbox, OUTBOX_MAX);
    buffer_init(&wire->inbox, INBOX_MAX);
    buffer_init(&wire->plain, INBOX_MAX);
    if (!is_veiled)
        return;
    wire->chance = (struct sim_chance){sim_draw(chance)};
    wire->state = WIRE_GREETING;
    wire->key_updates_left = sim_one_in(chance, 4) ? KEY_UPDATES_MAX : 0;
    wire_layer_begin(wire, protocol, resumes, sim_one_in(chance, 4));
    wire_push(wire);
}

void wire_end(struct wire *wire)
{
    if (wire->state != WIRE_PLAIN)
        wire_layer_end(wire);
    buffer_finish(&wire->outbox);
    buffer_finish(&wire->inbox);
    buffer_finish(&wire->plain);
    wire->socket = NULL;
}

/* ---- sending ---- */

void wire_push(struct wire *wire)
{
    if (wire->outbox.length > 0)
        buffer_consume(&wire->outbox, sim_socket_send(wire->socket, buffer_slice(&wire->outbox)));
    if (wire->outbox.length > 0 || !wire->finishes || wire->is_finished)
        return;
    wire->is_finished = true;
    sim_socket_finish(wire->socket);
}

static bool wire_is_open(const struct wire *wire)
{
    return wire->state == WIRE_OPEN || wire->state == WIRE_CLOSED;
}

/* A record, short now and then. */
static size_t put_content(struct wire *wire, struct slice bytes)
{
    size_t length = MIN(bytes.length, (size_t)VEIL_CONTENT_MAX);
    if (sim_one_in(&wire->chance, SHORT_RECORD_ONE_IN))
        length = (size_t)sim_between(&wire->chance, 1, length);
    if (wire->key_updates_left > 0 && sim_one_in(&wire->chance, KEY_UPDATE_ONE_IN)) {
        wire->key_updates_left--;
        wire_layer_change_key(wire, sim_one_in(&wire->chance, 2));
    }
    wire_layer_seal(wire, slice_take(bytes, length));
    return length;
}

size_t wire_send(struct wire *wire, struct slice bytes)
{
    size_t taken = 0;
    if (wire->state == WIRE_PLAIN)
        return sim_socket_send(wire->socket, bytes);
    if (!wire_is_open(wire))
        return 0;
    while (taken < bytes.length && wire->outbox.length < OUTBOX_FULL) {
        taken += put_content(wire, slice_skip(bytes, taken));
        wire_push(wire);
    }
    return taken;
}

void wire_finish(struct wire *wire, bool is_proper)
{
    if (wire->state == WIRE_PLAIN) {
        sim_socket_finish(wire->socket);
        return;
    }
    if (is_proper && wire_is_open(wire))
        wire_layer_close(wire);
    wire->truncates = !is_proper;
    wire->finishes = true;
    wire_push(wire);
}

bool wire_may_go_on(struct wire *wire)
{
    bool has_more_room = wire->has_more_room;
    wire->has_more_room = false;
    return has_more_room;
}

/* ---- receiving ---- */

void wire_opened(struct wire *wire)
{
    wire->state = WIRE_OPEN;
    wire->has_more_room = true;
}

/* Takes what the socket has. */
static void take_of_socket(struct wire *wire, size_t most)
{
    char bytes[16384];
    size_t count = sim_socket_receive(wire->socket, bytes, MIN(most, sizeof(bytes)));
    if (count > 0 && wire->state == WIRE_GREETING && !wire->has_received && bytes[0] == 'H')
        wire->state = WIRE_REFUSED;
    wire->has_received |= count > 0;
    if (wire->state == WIRE_REFUSED)
        buffer_append(&wire->plain, slice_make(bytes, count));
    else
        wire_layer_take(wire, slice_make(bytes, count));
    wire_push(wire);
}

size_t wire_receive(struct wire *wire, char *out, size_t size)
{
    if (wire->state == WIRE_PLAIN)
        return sim_socket_receive(wire->socket, out, size);
    while (wire->plain.length == 0 && sim_socket_available(wire->socket) > 0 && !wire->verdict.is_bad)
        take_of_socket(wire, size);
    size_t count = MIN(size, wire->plain.length);
    if (count > 0)
        memcpy(out, wire->plain.data, count);
    buffer_consume(&wire->plain, count);
    return count;
}

size_t wire_available(const struct wire *wire)
{
    return wire->plain.length + sim_socket_available(wire->socket);
}

void wire_broken(struct wire *wire, const char *what)
{
    wire->state = WIRE_BROKEN;
    if (!wire->may_break)
        blame(&wire->verdict, "%s", what);
}

void wire_judge_end(struct wire *wire)
{
    if (wire->state == WIRE_OPEN && !wire->truncates)
        blame(&wire->verdict, "the server's FIN came without a close_notify");
}
