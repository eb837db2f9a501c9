/* A connection in one line of words, for the log: what explains one that does not get on. */
#ifndef FRONT_CONNECTION_PRINT_H
#define FRONT_CONNECTION_PRINT_H

#include "base/buffer.h"
#include "front/connection.h"

/* As `name=value`, in this order: the client's state, flags, age and deadline; the session's engine, flags
 * and bytes; the stream's flags and bytes; then each exchange. A flag is named where it is set; nothing is
 * printed of what is nought. */
void connection_print(const struct connection *connection, struct buffer *out);

#endif
