/* Connections in a line of words, for the log: what explains one that does not get on.
 *
 * As `name=value`: the client's state, flags, age and deadline; what its protocol has to say; the stream's
 * flags and bytes; then each exchange. A flag is named where it is set; nothing is printed of what is nought.
 */
#ifndef FRONT_CONNECTION_PRINT_H
#define FRONT_CONNECTION_PRINT_H

#include "base/buffer.h"
#include "front/connection.h"

struct exchange;

struct print_flag {
    bool is_set;
    const char *name;
};

/* " name=a,b"; nothing where none is set. */
void print_flags(struct buffer *out, const char *name, const struct print_flag *flags, size_t count);

/* " name=value"; nothing for 0. */
void print_count(struct buffer *out, const char *name, uint64_t value);

/* The parts that all protocols have. */
void connection_print_client(const struct connection *connection, struct buffer *out);
void connection_print_stream(const struct connection *connection, struct buffer *out);
void connection_print_exchange(const struct exchange *exchange, struct buffer *out);

#endif
