/* The master's copy of the certificates: read before the first worker starts, so that one process reports
 * errors, and read again when workers have loaded changed ones. Every worker inherits them by fork, so a
 * replacement worker starts with the last good ones whatever happened to the files. */
#ifndef PROC_CERTIFICATE_KEEPER_H
#define PROC_CERTIFICATE_KEEPER_H

#include "base/log.h"
#include "proc/slot.h"
#include "settings/settings.h"

struct context_set;
struct tls_tickets;

struct certificate_keeper {
    struct context_set *contexts; /* NULL: no listener uses TLS */
    unsigned renewals;            /* sum over all slots when the files were last read */
    uint64_t next_ms;             /* not before then they are read again */
};

#define CERTIFICATE_KEEPER_MS 1000

#ifdef HAVE_TLS

/* Loads the certificates. Returns 0; ERROR_REFUSED after logging what is wrong with the files; or -ENOMEM. */
int certificate_keeper_begin(struct certificate_keeper *keeper, struct settings *settings,
                             struct tls_tickets *tickets, struct log *log) MUST_CHECK;

/* Call when a worker may have loaded a changed certificate. Reads the files only if one has: their file
 * system has just responded, so it does not block the master. */
void certificate_keeper_look(struct certificate_keeper *keeper, const struct slot *slots, size_t count,
                             uint64_t now_ms);

/* Frees them; may be called on a zeroed one. */
void certificate_keeper_end(struct certificate_keeper *keeper);

#else

static inline int certificate_keeper_begin(struct certificate_keeper *keeper, struct settings *settings,
                                           struct tls_tickets *tickets, struct log *log)
{
    (void)keeper, (void)settings, (void)tickets, (void)log;
    return 0;
}

static inline void certificate_keeper_look(struct certificate_keeper *keeper, const struct slot *slots,
                                           size_t count, uint64_t now_ms)
{
    (void)keeper, (void)slots, (void)count, (void)now_ms;
}

static inline void certificate_keeper_end(struct certificate_keeper *keeper)
{
    (void)keeper;
}

#endif

#endif
