/* Sending one datagram to a Unix socket. */
#ifndef SYS_DATAGRAM_H
#define SYS_DATAGRAM_H

#include "sys/socket.h"

/* Sends without blocking. `path` begins with '/', or with '@' for a name in the abstract namespace.
 * Returns 0 or -errno. */
int sys_datagram_send(struct slice path, struct slice bytes);

#endif
