/* Serving a client on a non-blocking socket: as far as it gets without waiting. All event loops use this but
 * io_uring's. */
#ifndef LAB_NONBLOCKING_H
#define LAB_NONBLOCKING_H

#include "lab/client.h"

/* What is known of a socket, for models that the kernel tells only once (edge-triggered) or not at all. */
struct lab_readiness {
    bool peer_ended; /* set by the model on EPOLLRDHUP, EPOLLHUP, EPOLLERR: a short read is not the end */
    bool has_moved;  /* set by lab_client_advance: the socket was ready */
    bool has_more;   /* set by lab_client_advance: it stopped although the socket would not have blocked */
};

/* Receives, answers and sends until the socket would block (EAGAIN) or the session needs something other than
 * the socket. Stops after about a megabyte, in fairness to other clients. Returns what the session needs now:
 * wait for EPOLLIN on LAB_NEEDS_BYTES, for EPOLLOUT on LAB_NEEDS_ROOM. `readiness` may be NULL:
 * level-triggered models need none. */
enum lab_need lab_client_advance(struct lab_client *client, struct lab_readiness *readiness) MUST_CHECK;

/* The same, but also runs jobs that may block, so it never returns LAB_NEEDS_JOB. The textbooks' event loops
 * do the same: meanwhile all other clients wait. */
enum lab_need lab_client_advance_inline(struct lab_client *client,
                                        struct lab_readiness *readiness) MUST_CHECK;

#endif
