/* Admission: who gets a connection. Listening and accepting; and where a limit is reached, making room or
 * saying no. */
#ifndef FRONT_ADMISSION_H
#define FRONT_ADMISSION_H

#include "base/compiler.h"

#include <stdbool.h>

struct peer;
struct server;

/* See server_listen. */
int admission_listen(struct server *server, int listening_fd) MUST_CHECK;

/* Accepts what has queued up, for who is in the queue has the right to come; then nothing more. */
void admission_end(struct server *server);

/* Stops and frees the listeners. */
void admission_finish(struct server *server);

enum admission {
    ADMISSION_FREE,    /* addresses are not counted */
    ADMISSION_COUNTED, /* to be given back with admission_release */
    ADMISSION_REFUSED, /* the address has as many connections as it may, or memory ran out */
};

/* Counts a connection of this peer, where the settings want that. */
enum admission admission_of(struct server *server, const struct peer *peer) MUST_CHECK;
void admission_release(struct server *server, const struct peer *peer);

/* Closes the connection that can best be spared: the one whose head is slowest to come, else the one that has
 * been idle for longest; false where there is none. Its descriptor is free at once, its memory at the end of
 * the turn. */
bool admission_shed(struct server *server);

#endif
