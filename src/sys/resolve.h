/* Resolving host names: getaddrinfo(3). It queries name servers and blocks: use it during startup only. */
#ifndef SYS_RESOLVE_H
#define SYS_RESOLVE_H

#include "sys/socket.h"

/* Stores the addresses of `host` (a name, or a numeric address without brackets) in the order in which to
 * try them. Returns their number, at most `max`; on failure 0, and `ret_why` is a static text with the
 * reason. */
size_t sys_resolve(const char *host, uint16_t port, struct address *ret_addresses, size_t max,
                   const char **ret_why) MUST_CHECK;

#endif
