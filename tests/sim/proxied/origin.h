/* The servers that vif forwards to. Each takes connections, checks what comes against the ledger, byte by
 * byte, and answers by a script. */
#ifndef SIM_PROXIED_ORIGIN_H
#define SIM_PROXIED_ORIGIN_H

#include "ledger.h"

#define ORIGINS_MAX       3
#define ORIGIN_PORT_FIRST 9001

void origins_start(unsigned count);

/* A call failed that was about this socket. Returns whether it is one of theirs. */
bool origins_note_fault(const struct sim_socket *socket);

/* Closes and frees what there is. */
void origins_end(void);

#endif
