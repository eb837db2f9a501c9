/* Idle timeouts of an event loop. A blocking socket has its timeout in the kernel (lab/blocking.h); a loop
 * must look for silent clients itself. */
#ifndef LAB_IDLE_LIST_H
#define LAB_IDLE_LIST_H

#include "lab/client.h"

/* The clients of one loop, the longest silent first. */
struct lab_idle_list {
    struct list clients;
    struct lab_site *site;
    uint64_t now_ms; /* when this turn of the loop began */
};

void lab_idle_list_init(struct lab_idle_list *list, struct lab_site *site);

/* Adds a client, or records that it was active just now. */
void lab_idle_list_touch(struct lab_idle_list *list, struct lab_client *client);

/* Returns a client whose timeout has expired, for the caller to destroy; call it again. NULL: none. Call it
 * in every turn, also without clients: it reads the clock and lets the site see changes on disk. */
struct lab_client *lab_idle_list_next_expired(struct lab_idle_list *list) MUST_CHECK;

#endif
