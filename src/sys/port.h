/* Who has a port, and which one is free: only to make an error message useful. */
#ifndef SYS_PORT_H
#define SYS_PORT_H

#include "sys/socket.h"

#define SYS_PORT_HOLDER_BYTES_MAX 96

/* "process 4711 (nginx)": the process that listens on a TCP port, as far as we may see it in /proc. Returns
 * false, and writes nothing, where it cannot be found. */
bool sys_port_find_holder(uint16_t port, char holder[SYS_PORT_HOLDER_BYTES_MAX]);

/* The first free port above that of the address, on the address; 0 where none of the next hundred is. */
uint16_t sys_port_find_free(const struct address *address);

#endif
