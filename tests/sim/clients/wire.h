/* The way between a client and its socket: as it is, or through the stand-in for TLS (veil.h). The functions
 * are those of sim.h with the client's bytes, whatever becomes of them on the wire.
 *
 * It checks what the server sends on that layer: records that are whole, in order and unchanged, no content
 * before the handshake is complete or behind a close_notify, no alert without a reason, and a close_notify
 * before the FIN of a connection that owes nothing. */
#ifndef SIM_CLIENTS_WIRE_H
#define SIM_CLIENTS_WIRE_H

#include "sim.h"
#include "veil.h"
#include "verdict.h"

enum wire_state {
    WIRE_PLAIN,
    WIRE_GREETING, /* the hello is sent; the server's flight is awaited */
    WIRE_OPEN,
    WIRE_CLOSED,  /* close_notify came */
    WIRE_REFUSED, /* the server answers in plain: it has no room */
    WIRE_BROKEN,  /* an alert came */
};

struct wire {
    struct sim_socket *socket;
    enum wire_state state;
    struct sim_chance chance;
    struct buffer outbox; /* records that the network has not taken */
    struct buffer inbox;  /* the beginning of a record */
    struct buffer plain;  /* content that came and was not received */
    struct veil_key to_server, to_client;
    struct ssl_st *ssl; /* in vif-sim-tls, in the place of the keys */
    unsigned key_updates_left;
    bool has_ticket;   /* kept for the next connection */
    bool has_received; /* anything */
    bool truncates;    /* our FIN comes without a close_notify: the server sends none either */
    bool finishes;     /* FIN is to follow */
    bool is_finished;
    bool may_break;     /* a fault may be why an alert comes */
    bool has_more_room; /* bytes may be sent again: see wire_may_go_on */
    struct verdict verdict;
};

/* Begins a connection. With `protocol` (enum veil_hello_flag, 0: HTTP/1.1) the first bytes are a hello. */
void wire_begin(struct wire *wire, struct sim_socket *socket, bool is_veiled, unsigned protocol,
                struct sim_chance *chance);
void wire_end(struct wire *wire);

/* Returns how many bytes it took: none before the handshake is complete. Those are sent once the network
 * takes them. */
size_t wire_send(struct wire *wire, struct slice bytes);

/* The network takes more. */
void wire_push(struct wire *wire);

/* The handshake is complete since this was asked the last time. */
bool wire_may_go_on(struct wire *wire);

size_t wire_receive(struct wire *wire, char *out, size_t size);
size_t wire_available(const struct wire *wire);

/* Sends FIN behind what was sent, and a close_notify before it if `is_proper`. */
void wire_finish(struct wire *wire, bool is_proper);

/* The server sent FIN on a connection that owes nothing. */
void wire_judge_end(struct wire *wire);

static inline bool wire_is_shaking_hands(const struct wire *wire)
{
    return wire->state == WIRE_GREETING;
}

static inline bool wire_is_veiled(const struct wire *wire)
{
    return wire->state != WIRE_PLAIN;
}

#endif
