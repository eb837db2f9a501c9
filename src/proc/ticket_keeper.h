/* The keys of session tickets, which the master makes and all workers use: in memory that they share from
 * before the first fork, so that a worker which is replaced finds them. Changed by and by, or read from a
 * file that several machines have, and again when that changes. */
#ifndef PROC_TICKET_KEEPER_H
#define PROC_TICKET_KEEPER_H

#include "base/log.h"
#include "settings/settings.h"

struct tls_ticket_keys;

struct ticket_keeper {
    const struct settings *settings;
    struct log *log;
    struct tls_ticket_keys *keys; /* NULL: nobody needs any */
    uint64_t next_ms;             /* when keys made here are changed, on the monotonic clock */
    uint64_t seen;                /* a digest of the file's status */
};

#ifdef HAVE_TLS

/* Where a listener speaks TLS and there are to be tickets. Returns 0; ERROR_REFUSED after it was logged what
 * is wrong with the file; or -ENOMEM. */
int ticket_keeper_begin(struct ticket_keeper *keeper, const struct settings *settings, struct log *log,
                        uint64_t now_ms) MUST_CHECK;

/* To be called every few seconds. */
void ticket_keeper_look(struct ticket_keeper *keeper, uint64_t now_ms);

/* Also right on a zeroed one. */
void ticket_keeper_end(struct ticket_keeper *keeper);

#else

static inline int ticket_keeper_begin(struct ticket_keeper *keeper, const struct settings *settings,
                                      struct log *log, uint64_t now_ms)
{
    (void)keeper, (void)settings, (void)log, (void)now_ms;
    return 0;
}

static inline void ticket_keeper_look(struct ticket_keeper *keeper, uint64_t now_ms)
{
    (void)keeper, (void)now_ms;
}

static inline void ticket_keeper_end(struct ticket_keeper *keeper)
{
    (void)keeper;
}

#endif

#endif
