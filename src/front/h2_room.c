/* The front has one shared buffer. A connection whose output is not sent completely keeps it, and the next
 * one that writes allocates another. */
#include "front/h2_room.h"

#include "front/front.h"

#include <stdlib.h>

/* Buffer for one send: larger sends cost more per byte, see docs/architecture.md. */
#define ROOM_BYTES (64u << 10)

/* Most full-size buffers that slow clients may hold in a worker: 16 MiB. Beyond that, connections get a
 * buffer for one frame. */
#define ROOMS_MAX        256
#define SMALL_ROOM_BYTES (H2_FRAME_BYTES_MAX + 512)

char *h2_room_take(struct front *front, size_t *ret_size)
{
    char *room = front->h2_room;
    bool is_free = front->h2_rooms_held < ROOMS_MAX;
    *ret_size = is_free ? ROOM_BYTES : SMALL_ROOM_BYTES;
    if (UNLIKELY(room == NULL || !is_free))
        return malloc(*ret_size);
    front->h2_room = NULL;
    return room;
}

void h2_room_give_back(struct front *front, char *room, size_t size)
{
    if (size == ROOM_BYTES && front->h2_room == NULL)
        front->h2_room = room;
    else
        free(room);
}

void h2_room_hold(struct h2_connection *connection, char *room, size_t size)
{
    connection->room = room;
    connection->is_room_counted = size == ROOM_BYTES;
    connection_front(&connection->base)->h2_rooms_held += connection->is_room_counted;
}

void h2_room_release(struct h2_connection *connection)
{
    if (connection->room == NULL)
        return;
    size_t size = connection->is_room_counted ? ROOM_BYTES : SMALL_ROOM_BYTES;
    connection_front(&connection->base)->h2_rooms_held -= connection->is_room_counted;
    h2_room_give_back(connection_front(&connection->base), connection->room, size);
    connection->room = NULL;
}
