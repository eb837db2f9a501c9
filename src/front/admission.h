/* Admission: who gets a connection. Listening and accepting; and where a limit is reached, making room or
 * saying no. */
#ifndef FRONT_ADMISSION_H
#define FRONT_ADMISSION_H

#include "base/compiler.h"

#include <stdbool.h>

struct peer;
struct front;
struct tls_listener;

/* See front_listen. */
int admission_listen(struct front *front, int listening_fd, unsigned number,
                     const struct tls_listener *tls) MUST_CHECK;

/* Accepts no more from this socket. False where nobody did. */
bool admission_unlisten(struct front *front, int listening_fd);

/* Accepts what has queued up, for who is in the queue has the right to come; then nothing more. */
void admission_end(struct front *front);

/* Stops and frees the listeners. */
void admission_finish(struct front *front);

enum admission {
    ADMISSION_FREE,    /* addresses are not counted */
    ADMISSION_COUNTED, /* to be given back with admission_release */
    ADMISSION_REFUSED, /* the address has as many connections as it may, or memory ran out */
};

/* Counts a connection of this peer, where the settings want that. */
enum admission admission_of(struct front *front, const struct peer *peer) MUST_CHECK;
void admission_release(struct front *front, const struct peer *peer);

/* Makes room for a newcomer, where there is none and somebody can be spared; false where there is no room.
 * Only for one who may come otherwise: nobody goes for the sake of a client that is refused then. */
bool admission_make_room(struct front *front) MUST_CHECK;

/* Closes the connection that can best be spared, but never the one that has `kept`, the owner of an exchange
 * who asks, or NULL; false where there is none. Its descriptor is free at once, its memory at the end of the
 * turn.
 *
 * In this order: a handshake or a head that takes long to arrive; one whose client has its last answer and
 * does not close; the one that has been idle for longest; content that does not come; a response that is not
 * taken. */
bool admission_shed(struct front *front, const void *kept);

/* For tests, between two callbacks: what is wrong with the lists of connections and what is counted of them;
 * NULL: nothing. */
const char *admission_validate(const struct front *front);

#endif
