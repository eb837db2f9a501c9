/* The addresses of this machine that others can reach it by. */
#ifndef CLI_REACHABLE_H
#define CLI_REACHABLE_H

#include "sys/socket.h"

/* Calls `visit` for each: no loopback, and no IPv6 that needs an interface named. */
void reachable_addresses(bool with_v6, void (*visit)(void *context, const struct address *address),
                         void *context);

#endif
