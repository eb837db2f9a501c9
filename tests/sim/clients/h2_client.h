/* A client that speaks HTTP/2 from its first byte on: the counterpart of client.h. */
#ifndef SIM_CLIENTS_H2_CLIENT_H
#define SIM_CLIENTS_H2_CLIENT_H

#include "base/list.h"
#include "dialog.h"
#include "h2_manner.h"
#include "wire.h"

struct h2_client {
    struct list link; /* in the crowd */
    unsigned number;
    struct scene *scene;
    uint16_t port;
    uint32_t address;
    struct h2_manner manner;
    unsigned connections_left;
    struct sim_chance chance;
    struct sim_socket *socket; /* NULL: not connected */
    bool is_veiled;            /* it speaks TLS */
    struct sim_chance wire_chance;
    struct wire wire;
    struct dialog dialog;
    unsigned requests_left; /* on this connection */
    unsigned extras_left;
    unsigned grants;          /* WINDOW_UPDATE frames on this connection */
    uint64_t moved_bytes;     /* both ways, on this connection */
    uint64_t paused_until_us; /* it does not read before; 0: it has not paused yet */
    bool is_done;
    struct sim_event start, act, open, send, take, watch, leave;
};

/* Begins at some time of its own. */
void h2_client_start(struct h2_client *client, struct scene *scene, unsigned number, uint16_t port);

/* A call has failed: it may be this client's connection that it hit. */
void h2_client_note_fault(struct h2_client *client, const struct sim_fault *fault);

/* Nothing more will happen: closes what is open, and judges what was owed. */
void h2_client_finish(struct h2_client *client);

#endif
