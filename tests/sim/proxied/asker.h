/* The clients of vif as a proxy: each sends some requests, one after the other, over one connection or
 * several, and gives what it gets to the ledger. */
#ifndef SIM_PROXIED_ASKER_H
#define SIM_PROXIED_ASKER_H

#include "ledger.h"

void askers_start(uint16_t port);
bool askers_are_done(void);

/* A call failed that was about this socket. Returns whether it is one of theirs. */
bool askers_note_fault(const struct sim_socket *socket);

/* vif is gone, or will never be there: judges what is left, closes and frees. */
void askers_end(void);

#endif
