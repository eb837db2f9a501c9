/* Admission: listens, accepts connections and enforces the limits on them. At a limit it closes a connection
 * that can be spared, or refuses the new one. */
#ifndef FRONT_ADMISSION_H
#define FRONT_ADMISSION_H

#include "base/compiler.h"

#include <stdbool.h>

struct peer;
struct front;
struct listener_numbers;
struct tls_listener;

/* See front_listen. Returns 1 if the socket was not listened on before, else 0; or -errno. */
int admission_listen(struct front *front, int listening_fd, unsigned number,
                     const struct tls_listener *tls) MUST_CHECK;

/* See front_renumber. */
void admission_renumber(struct front *front, const struct listener_numbers *numbers);

/* Accepts the connections that are already in the socket's queue. */
void admission_accept(struct front *front, int listening_fd);

/* Stops accepting from this socket. Returns false if no listener uses it. */
bool admission_unlisten(struct front *front, int listening_fd);

/* Accepts the connections that are already in the kernel's queues, then stops accepting: those clients are
 * connected and must not be reset. */
void admission_end(struct front *front);

/* Stops and frees the listeners. */
void admission_finish(struct front *front);

enum admission {
    ADMISSION_FREE,    /* addresses are not counted */
    ADMISSION_COUNTED, /* call admission_release when the connection ends */
    ADMISSION_REFUSED, /* the address has reached its limit, or out of memory */
};

/* Counts a connection of this peer's address, if the settings limit connections per address. */
enum admission admission_of(struct front *front, const struct peer *peer) MUST_CHECK;
void admission_release(struct front *front, const struct peer *peer);

/* The peer of a connection has broken a limit: for the shield. */
void admission_note_offence(struct front *front, const struct peer *peer);

/* Makes room for a new connection: at the limit, closes one that can be spared. Returns false if there is no
 * room. Call it only after all other checks have passed, so that no connection is closed for a client that is
 * then refused. */
bool admission_make_room(struct front *front) MUST_CHECK;

/* Closes the connection that can best be spared, except the one that owns `kept` (the owner of the exchange
 * that asks, or NULL). Returns false if there is none. Its descriptor is free at once, its memory at the end
 * of the turn.
 *
 * Order of choice: a slow handshake or request head; a connection whose client has received its last response
 * and does not close; the one that has been idle for longest; a request body that does not arrive; a response
 * that the client does not read. */
bool admission_shed(struct front *front, const void *kept);

/* For tests, between two callbacks: checks the lists of connections and their counters. Returns a description
 * of the first fault, or NULL. */
const char *admission_validate(const struct front *front);

#endif
