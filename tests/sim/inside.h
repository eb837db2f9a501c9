/* Oracles that look into the server: for whom jobs are done, and who is turned away. */
#ifndef TESTS_SIM_INSIDE_H
#define TESTS_SIM_INSIDE_H

#include "kernel/internal.h"

#include "front/client.h"

struct server;

/* From here on, until the kernel starts anew. */
void inside_watch(struct server *server);

/* The server is gone: its counters say what it did. With TLS more bytes went over the network than the server
 * counts, which are those of HTTP. */
struct counters;
void inside_judge_counters(const struct counters *counters, bool has_tls);

/* What architecture.md promises of whoever may have to make room, as far as it is beyond doubt. */
struct guest {
    enum client_state state;
    bool has_asked;
    struct connection_facts facts;
};
bool guest_can_be_spared(const struct guest *guest);

#endif
