/* Memory that HTTP/2 connections write their output into. */
#ifndef FRONT_H2_ROOM_H
#define FRONT_H2_ROOM_H

#include "front/h2_connection.h"

/* What all connections write into, as long as the kernel takes it at once; or some of its own. NULL where
 * memory ran out. */
char *h2_room_take(struct front *front, size_t *ret_size);

/* All of it was sent. */
void h2_room_give_back(struct front *front, char *room, size_t size);

/* The client has not taken all of the output yet: the connection keeps the room until h2_room_release. */
void h2_room_hold(struct h2_connection *connection, char *room, size_t size);

/* Nothing where it holds none. */
void h2_room_release(struct h2_connection *connection);

#endif
