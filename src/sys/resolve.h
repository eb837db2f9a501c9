/* Host names to addresses: getaddrinfo(3). It asks name servers and blocks: for the start of a program only.
 */
#ifndef SYS_RESOLVE_H
#define SYS_RESOLVE_H

#include "sys/socket.h"

/* Writes the addresses of `host`, a name or a number without brackets, in the order in which they should be
 * tried. Returns how many, at most `max`; 0 where there is none, with `ret_why` saying why, which lives for
 * ever. */
size_t sys_resolve(const char *host, uint16_t port, struct address *ret_addresses, size_t max,
                   const char **ret_why) MUST_CHECK;

#endif
