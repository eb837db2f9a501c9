/* The session ticket keys, which the master manages and all workers use, in memory that is shared from before
 * the first fork, so that replacement workers have them, too. The keys are generated and rotated, or read
 * from a file shared by several machines, and read again when it changes. */
#ifndef PROC_TICKET_KEEPER_H
#define PROC_TICKET_KEEPER_H

#include "base/log.h"
#include "settings/settings.h"

struct tls_ticket_keys;

struct ticket_keeper {
    const struct settings *settings;
    struct log *log;
    struct tls_ticket_keys *keys; /* NULL: no tickets are used */
    uint64_t next_ms;             /* next rotation of generated keys, on the monotonic clock */
    uint64_t seen;                /* digest of the file's status */
};

#ifdef HAVE_TLS

/* Creates or reads the keys if a listener uses TLS and tickets are enabled. Returns 0; ERROR_REFUSED after
 * logging what is wrong with the file; or -ENOMEM. */
int ticket_keeper_begin(struct ticket_keeper *keeper, const struct settings *settings, struct log *log,
                        uint64_t now_ms) MUST_CHECK;

/* Rotates the keys or reads the file again if needed. Call every few seconds. */
void ticket_keeper_look(struct ticket_keeper *keeper, uint64_t now_ms);

/* Frees the keys; may be called on a zeroed one. */
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
