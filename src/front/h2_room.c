/* One room belongs to the front and is lent to whoever writes. A connection whose client does not take all of
 * it keeps it, and the next one that writes makes another. */
#include "front/h2_room.h"

#include "front/front.h"

#include <stdlib.h>

/* Room for what one send takes: so much costs less than more, see docs/architecture.md. */
#define ROOM_BYTES (64u << 10)

/* Such rooms that clients who take long may hold on to, in all of the worker: 16 MiB. Past the bound they get
 * one for a frame. */
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
