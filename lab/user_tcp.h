/* A TCP in user space for lab/af_xdp.c and lab/dpdk.c: lwIP, with a session for each of its connections. It
 * is given Ethernet frames and gives frames; whoever carries them is a lab_port. lwIP keeps its state in
 * variables of its own, so there is one for each process, and one thread may use it. */
#ifndef LAB_USER_TCP_H
#define LAB_USER_TCP_H

#include "lab/site.h"

#include <stddef.h>

/* With the Ethernet header, without the checksum behind it. */
#define LAB_FRAME_BYTES_MAX 1514

/* What carries the frames. */
struct lab_port {
    /* Returns memory for a frame, to be filled at once; the port sends it when this turn is over. NULL: no
     * room. The frame is then lost, as on a busy cable, and TCP sends it again. */
    void *(*add_frame)(struct lab_port *port, size_t length);
};

/* Serves an open site at the address of `listening_fd`: the socket only tells it. The port must be ready.
 * Returns 0 or -errno. */
int lab_user_tcp_open(struct lab_site *site, int listening_fd, struct lab_port *port) MUST_CHECK;

/* A frame has arrived; it is copied. */
void lab_user_tcp_receive(const void *frame, size_t length);

/* Does what is due: retransmissions, late acknowledgements, idle clients. Returns the milliseconds until the
 * next call is due. Call it in every turn: it also lets the site see changes on disk. */
unsigned lab_user_tcp_tick(void) MUST_CHECK;

/* For struct lab_model: why there is no such TCP here, or NULL. */
const char *lab_user_tcp_unavailable(void);

#endif
