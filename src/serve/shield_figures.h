/* What the shield has done: written by the master, read by all workers, in memory that they share. Workers
 * can write to it, too; so the master never reads it. */
#ifndef SERVE_SHIELD_FIGURES_H
#define SERVE_SHIELD_FIGURES_H

#include <stdatomic.h>

/*  name, type for Prometheus, what it is */
#define SHIELD_TABLE(X)                                                           \
    X(blocked, "gauge", "clients that are blocked now")                           \
    X(blocks, "counter", "times that a client was blocked")                       \
    X(offences, "counter", "limits that clients have broken")                     \
    X(left_out, "counter", "clients that were not blocked: there were too many")  \
    X(dropped_packets, "counter", "packets of blocked clients that were dropped") \
    X(dropped_bytes, "counter", "bytes of IP in these packets")

struct shield_figures {
    atomic_bool is_on;
#define X(name, type, text) atomic_ullong name;
    SHIELD_TABLE(X)
#undef X
};

#endif
