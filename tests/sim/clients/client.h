/* A client: connects, plays its part, and holds the oracle to the wire. One connection after the other, or,
 * in a flood, one client for each. */
#ifndef SIM_CLIENTS_CLIENT_H
#define SIM_CLIENTS_CLIENT_H

#include "base/list.h"
#include "conversation.h"
#include "manner.h"
#include "wire.h"

struct client {
    struct list link; /* in the crowd */
    unsigned number;
    struct scene *scene;
    uint16_t port;
    uint32_t address;
    struct manner manner;
    unsigned connections_left;
    struct sim_chance chance;
    struct sim_socket *socket; /* NULL: not connected */
    bool is_veiled;            /* it speaks TLS */
    struct sim_chance wire_chance;
    struct wire wire;
    struct conversation conversation;
    unsigned requests_left;   /* on this connection */
    uint64_t moved_bytes;     /* both ways, on this connection */
    uint64_t paused_until_us; /* it does not read before; 0: it has not paused yet */
    uint64_t thinks_until_us;
    bool is_sending_stopped; /* behind its last request, or waiting for on_writable */
    bool is_done;
    struct sim_event start, send, take, watch, leave;
};

/* Begins at some time of its own. */
void client_start(struct client *client, struct scene *scene, unsigned number, uint16_t port);

/* The same as one of a flood, all of which begin at about the same time. */
void client_start_in_flood(struct client *client, struct scene *scene, unsigned number, uint16_t port,
                           const struct client *first);

/* The same as one that comes at `at_us` and has that manner. */
void client_start_with(struct client *client, struct scene *scene, unsigned number, uint16_t port,
                       const struct manner *manner, uint64_t at_us);

/* A call has failed: it may be this client's connection that it hit. */
void client_note_fault(struct client *client, const struct sim_fault *fault);

/* Nothing more will happen: closes what is open, and judges what was owed. */
void client_finish(struct client *client);

#endif
