/* Serving a client in blocking calls: what a thread or a process does that has one client at a time. */
#ifndef LAB_BLOCKING_H
#define LAB_BLOCKING_H

#include "lab/client.h"

/* Sets the time after which recv(2) and send(2) fail with EAGAIN: SO_RCVTIMEO and SO_SNDTIMEO of socket(7).
 * LAB_IDLE_TIMEOUT_MS, or LAB_SCARCE_TIMEOUT_MS where an idle client keeps another from being served. */
void lab_client_set_timeout(struct lab_client *client, unsigned timeout_ms);

/* Serves the client until it is done: the thread does nothing else meanwhile. */
void lab_client_serve(struct lab_client *client);

#endif
