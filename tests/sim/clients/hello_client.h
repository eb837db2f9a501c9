/* A client whose first bytes are no hello that the server can use: what it sends, and how the server must end
 * the connection. It speaks no HTTP, and nothing of it may come into the access log. */
#ifndef SIM_CLIENTS_HELLO_CLIENT_H
#define SIM_CLIENTS_HELLO_CLIENT_H

#include "base/list.h"
#include "conversation.h"
#include "wire.h"

enum hello_kind {
    HELLO_HTTP,        /* a request without TLS */
    HELLO_NOISE,       /* bytes that are no record */
    HELLO_WRONG,       /* a record with another message */
    HELLO_EMPTY,       /* a record without content */
    HELLO_LONG_RECORD, /* longer than records may be */
    HELLO_LONG,        /* a hello that is longer than the limit */
    HELLO_HALF,        /* the beginning of a right one, and then nothing */
    HELLO_LEAVES,      /* the same, and then FIN */
    HELLO_CHANGED,     /* a right one but for a byte, and then what nobody can understand */
    HELLO_KIND_COUNT
};

struct hello_client {
    struct list link; /* in the crowd */
    unsigned number;
    struct scene *scene;
    struct sim_chance chance;
    enum hello_kind kind;
    struct sim_socket *socket; /* NULL: not connected */
    struct wire wire;          /* for right hellos */
    struct buffer unsent;
    struct buffer received;
    unsigned connections_left;
    uint64_t began_us, said_us; /* when all was sent; 0: not yet */
    struct harms harms;
    bool is_done;
    struct sim_event start, send, watch, leave;
};

/* Begins at some time of its own. */
void hello_client_start(struct hello_client *client, struct scene *scene, unsigned number);

/* A call has failed: it may be this client's connection that it hit. */
void hello_client_note_fault(struct hello_client *client, const struct sim_fault *fault);

/* Nothing more will happen: closes what is open, and judges what was owed. */
void hello_client_finish(struct hello_client *client);

#endif
