/* The listening sockets of the lab. -errno on failure. */
#ifndef LAB_LISTEN_H
#define LAB_LISTEN_H

#include "lab/veth.h"
#include "sys/address.h"

/* Opens a socket that listens on this port of the network's address, 127.0.0.1 for LAB_LOOPBACK; 0: one that
 * is free. As sys_listen, but without TCP_DEFER_ACCEPT: a client that says nothing is accepted at once, to
 * show what it does to a model. For other networks, call it in the server's namespace. Returns the
 * descriptor. */
int lab_listen(enum lab_network network, uint16_t port, struct address *ret_bound) MUST_CHECK;

/* Opens another one on the address of `listening_fd`, by SO_REUSEPORT: the kernel deals out connections to
 * both by a hash of their addresses. */
int lab_listen_again(int listening_fd) MUST_CHECK;

#endif
