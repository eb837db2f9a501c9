/* The front has one shared buffer. A connection whose output is not sent completely keeps it, and the next
 * one that writes allocates another. */
#include "front/h2_buffer.h"

#include "front/front.h"

#include <stdlib.h>

/* An output, and behind it room for a frame, as nghttp2 does not say beforehand how long the next one is. */
#define H2_BUFFER_BYTES (H2_OUTPUT_BYTES_MAX + H2_FRAME_BYTES_MAX)

/* Most full-size buffers that slow clients may hold in a worker: 20 MiB. Beyond that, connections get a
 * buffer for one frame. */
#define H2_BUFFERS_HELD_MAX   256
#define H2_SMALL_BUFFER_BYTES (H2_FRAME_BYTES_MAX + 512)

char *h2_buffer_get(struct front *front, size_t *ret_size)
{
    char *output = front->h2_output;
    bool is_free = front->h2_buffers_held < H2_BUFFERS_HELD_MAX;
    *ret_size = is_free ? H2_BUFFER_BYTES : H2_SMALL_BUFFER_BYTES;
    if (UNLIKELY(output == NULL || !is_free))
        return malloc(*ret_size);
    front->h2_output = NULL;
    return output;
}

void h2_buffer_put(struct front *front, char *output, size_t size)
{
    if (size == H2_BUFFER_BYTES && front->h2_output == NULL)
        front->h2_output = output;
    else
        free(output);
}

void h2_buffer_hold(struct h2_connection *connection, char *output, size_t size)
{
    connection->output = output;
    connection->is_output_counted = size == H2_BUFFER_BYTES;
    connection_front(&connection->base)->h2_buffers_held += connection->is_output_counted;
}

void h2_buffer_release(struct h2_connection *connection)
{
    if (connection->output == NULL)
        return;
    size_t size = connection->is_output_counted ? H2_BUFFER_BYTES : H2_SMALL_BUFFER_BYTES;
    connection_front(&connection->base)->h2_buffers_held -= connection->is_output_counted;
    h2_buffer_put(connection_front(&connection->base), connection->output, size);
    connection->output = NULL;
}
