/* Prints a connection in one line, for the log, to explain why it makes no progress.
 *
 * Format `name=value`: the client's state, flags, age and deadline; the fields of its protocol; the stream's
 * flags and byte counts; then each exchange. Flags that are not set and values of 0 are left out. */
#ifndef FRONT_CONNECTION_PRINT_H
#define FRONT_CONNECTION_PRINT_H

#include "base/buffer.h"
#include "front/connection.h"

struct exchange;

struct print_flag {
    bool is_set;
    const char *name;
};

/* Prints " name=a,b"; nothing if no flag is set. */
void print_flags(struct buffer *out, const char *name, const struct print_flag *flags, size_t count);

/* Prints " name=value"; nothing for 0. */
void print_count(struct buffer *out, const char *name, uint64_t value);

/* The parts that are the same for all protocols. */
void connection_print_client(const struct connection *connection, struct buffer *out);
void connection_print_stream(const struct connection *connection, struct buffer *out);
void connection_print_exchange(const struct exchange *exchange, struct buffer *out);

#endif
