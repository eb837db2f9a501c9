/* A virtual cable: a veth pair, with one end in a network namespace for the clients, where its address is
 * 10.0.0.1, and the other, "server", in a namespace for the model. What goes in at one end comes out at the
 * other, as a packet. A network card's owner does the same with a real one; this needs none, and nothing of
 * the machine's own network is touched.
 *
 * Nothing has to be cleaned up: the kernel removes a namespace, and the pair with it, when the last process
 * and descriptor that refer to it are gone, however they ended. */
#ifndef LAB_VETH_H
#define LAB_VETH_H

#include "base/compiler.h"

#include <stdint.h>

/* How clients reach a model. */
enum lab_network {
    LAB_LOOPBACK,
    LAB_VETH,      /* the kernel's TCP, over the cable */
    LAB_VETH_BARE, /* the model's own TCP: the server's end of the cable has no address in the kernel */
};

#define LAB_VETH_ADDRESS   "10.0.0.2" /* of the server */
#define LAB_VETH_INTERFACE "server"

/* Descriptors of network namespaces. */
struct lab_veth {
    int own_fd; /* of this process, as it was */
    int client_fd;
    int server_fd;
};

/* Makes the cable; the process stays in its namespace. Returns 0 or -errno: -EPERM unless root. */
int lab_veth_open(struct lab_veth *veth, enum lab_network network) MUST_CHECK;

/* Moves this thread into a namespace, where the sockets will be that it opens from then on. Returns 0 or
 * -errno. */
int lab_veth_enter(int namespace_fd) MUST_CHECK;

/* Returns to the process's own namespace and closes the descriptors. */
void lab_veth_close(struct lab_veth *veth);

/* Sets the six bytes of the Ethernet address of the server's end; in the server's namespace. Returns 0 or
 * -errno. */
int lab_veth_hardware_address(uint8_t *ret_address) MUST_CHECK;

/* For struct lab_model: why no cable can be made here, or NULL. */
const char *lab_veth_unavailable(void);

#endif
