/* The phases of a request, for the slow log and for metrics. TLS is one of connections, for metrics only:
 * those of requests begin with ACCEPT. */
#ifndef LOG_PHASES_H
#define LOG_PHASES_H

#include <stdint.h>

/* member, name, what takes the time */
#define PHASE_TABLE(X)                                                                                  \
    X(TLS, "tls", "the TLS handshake of its connection")                                                \
    X(ACCEPT, "accept", "from the acceptance of its connection to its first byte, if it was the first") \
    X(HEAD, "head", "its head, from the first byte to the last, if that did not come at once")          \
    X(QUEUE, "queue", "waiting for a thread of the offload pool")                                       \
    X(HANDLER, "handler", "everything else until there was a response, with jobs on the pool")          \
    X(UPSTREAM, "upstream", "another server, from the last attempt to the head of its response")        \
    X(SEND, "send", "sending the response, or waiting for the client to take it")

enum request_phase {
#define X(member, name, text) PHASE_##member,
    PHASE_TABLE(X)
#undef X
        PHASE_COUNT
};

/* Microseconds; 0 if the request did not have the phase. */
struct request_phases {
    uint64_t us[PHASE_COUNT];
};

#endif
