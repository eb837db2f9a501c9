/* Finding the process that uses a port, and a free port, for error messages. */
#ifndef SYS_PORT_H
#define SYS_PORT_H

#include "sys/socket.h"

#define SYS_PORT_HOLDER_BYTES_MAX 96

/* Writes the process that listens on a TCP port, such as "process 4711 (nginx)", as far as /proc shows it.
 * Returns false and writes nothing if it cannot be found. */
bool sys_port_find_holder(uint16_t port, char holder[SYS_PORT_HOLDER_BYTES_MAX]);

/* The first free port above that of `address`, on the same address; 0 if none of the next hundred is free. */
uint16_t sys_port_find_free(const struct address *address);

#endif
