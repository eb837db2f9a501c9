/* Lists the addresses at which other machines can reach this one. */
#ifndef SYS_REACHABLE_H
#define SYS_REACHABLE_H

#include "sys/socket.h"

/* Calls `visit` for each address, except loopback addresses and IPv6 addresses that need a scope id. */
void sys_reachable_addresses(bool with_v6, void (*visit)(void *context, const struct address *address),
                             void *context);

#endif
