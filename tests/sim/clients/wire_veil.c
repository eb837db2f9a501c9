/* The stand-in for TLS on the clients' side: see veil.h. */
#include "wire_parts.h"

#include <stdio.h>

#define HELLO_BYTES_MAX   1200
#define HELLO_RECORDS_MAX 4

/* ---- sending ---- */

static void put_hello_records(struct wire *wire, struct slice hello)
{
    char head[VEIL_HEAD_BYTES];
    while (hello.length > 0) {
        bool is_split = hello.length > 10 && sim_one_in(&wire->chance, HELLO_RECORDS_MAX);
        size_t length = is_split ? (size_t)sim_between(&wire->chance, 1, hello.length - 1) : hello.length;
        veil_head(VEIL_HANDSHAKE, length, head);
        buffer_append(&wire->outbox, slice_make(head, sizeof(head)));
        buffer_append(&wire->outbox, slice_take(hello, length));
        hello = slice_skip(hello, length);
    }
}

void wire_layer_begin(struct wire *wire, unsigned protocol, bool resumes, bool is_slow)
{
    char hello[HELLO_BYTES_MAX] = {VEIL_HELLO};
    size_t length = (size_t)sim_between(&wire->chance, VEIL_HELLO_BYTES_MIN, sizeof(hello));
    wire->to_client.direction = 1;
    hello[2] = (char)((length - 4) >> 8);
    hello[3] = (char)(length - 4);
    hello[4] =
        (char)(protocol | (resumes ? (unsigned)VEIL_RESUMES : 0u) | (is_slow ? (unsigned)VEIL_SLOW : 0u));
    put_hello_records(wire, slice_make(hello, length));
}

void wire_layer_end(struct wire *wire)
{
    (void)wire;
}

void wire_layer_seal(struct wire *wire, struct slice content)
{
    veil_seal(&wire->to_server, VEIL_DATA, content, &wire->outbox);
}

static void put_message(struct wire *wire, enum veil_type type, char first, char second)
{
    char text[] = {first, second};
    veil_seal(&wire->to_server, type, slice_make(text, sizeof(text)), &wire->outbox);
}

void wire_layer_change_key(struct wire *wire, bool asks)
{
    put_message(wire, VEIL_HANDSHAKE, VEIL_KEY_UPDATE, (char)asks);
    veil_change_key(&wire->to_server);
}

void wire_layer_close(struct wire *wire)
{
    put_message(wire, VEIL_ALERT, 1, VEIL_CLOSE_NOTIFY);
}

/* ---- receiving ---- */

static void take_flight(struct wire *wire, struct slice payload)
{
    if (payload.length == 0 || payload.data[0] != VEIL_FLIGHT) {
        blame(&wire->verdict, "a handshake that begins with something else");
        return;
    }
    put_message(wire, VEIL_HANDSHAKE, VEIL_FINISHED, 0);
    wire_opened(wire);
}

static void take_message(struct wire *wire, struct slice message)
{
    if (message.length > 0 && message.data[0] == VEIL_TICKET)
        wire->has_ticket = true;
    else if (message.length == 2 && message.data[0] == VEIL_KEY_UPDATE)
        veil_change_key(&wire->to_client);
    else
        blame(&wire->verdict, "a message that is not known");
}

static void take_alert(struct wire *wire, int number)
{
    char what[24];
    snprintf(what, sizeof(what), "alert %d", number);
    wire_broken(wire, what);
}

/* Without memory for one, the server ends the connection. */
static void take_changed(struct wire *wire)
{
    char what[64];
    snprintf(what, sizeof(what), "record %u is not as it was sealed", wire->to_client.records - 1);
    wire_broken(wire, what);
}

static void take_veiled_record(struct wire *wire, enum veil_type type, struct slice payload)
{
    char room[VEIL_CONTENT_MAX + VEIL_SUM_BYTES];
    size_t length;
    if (wire->state == WIRE_BROKEN && wire->may_break)
        return;
    if (wire->state >= WIRE_CLOSED)
        blame(&wire->verdict, "a record behind %s", wire->state == WIRE_CLOSED ? "close_notify" : "an alert");
    else if (!veil_open(&wire->to_client, type, payload, room, &length))
        take_changed(wire);
    else if (type == VEIL_DATA)
        buffer_append(&wire->plain, slice_make(room, length));
    else if (type == VEIL_HANDSHAKE)
        take_message(wire, slice_make(room, length));
    else if (length == 2 && room[1] == VEIL_CLOSE_NOTIFY)
        wire->state = WIRE_CLOSED;
    else
        take_alert(wire, length == 2 ? room[1] : -1);
}

/* The server broke off the handshake before it had our last message. */
static bool is_plain_alert(const struct wire *wire, enum veil_type type, struct slice payload)
{
    return type == VEIL_ALERT && payload.length == 2 && wire->to_client.records == 0 &&
           wire->to_client.generation == 0;
}

static void take_wire_record(struct wire *wire, enum veil_type type, struct slice payload)
{
    if (is_plain_alert(wire, type, payload))
        take_alert(wire, payload.data[1]);
    else if (wire->state != WIRE_GREETING)
        take_veiled_record(wire, type, payload);
    else if (type == VEIL_HANDSHAKE)
        take_flight(wire, payload);
    else
        blame(&wire->verdict, "a record of type %d in the handshake", type);
}

static void take_records(struct wire *wire)
{
    while (wire->inbox.length >= VEIL_HEAD_BYTES && !wire->verdict.is_bad) {
        struct slice input = buffer_slice(&wire->inbox);
        size_t length = veil_length(input);
        if (length > VEIL_RECORD_MAX - VEIL_HEAD_BYTES)
            blame(&wire->verdict, "a record of %zu bytes", length);
        if (length > input.length - VEIL_HEAD_BYTES)
            return;
        take_wire_record(wire, (enum veil_type)(unsigned char)input.data[0],
                         slice_make(input.data + VEIL_HEAD_BYTES, length));
        buffer_consume(&wire->inbox, VEIL_HEAD_BYTES + length);
    }
}

void wire_layer_take(struct wire *wire, struct slice bytes)
{
    buffer_append(&wire->inbox, bytes);
    take_records(wire);
}
