/* The session ticket keys, which the master manages and all workers use, in memory that is shared from before
 * the first fork, so that replacement workers have them, too. The keys are generated and rotated, or read
 * from a file shared by several machines, and read again when it changes. */
#ifndef PROC_TICKET_KEEPER_H
#define PROC_TICKET_KEEPER_H

#include "base/log.h"
#include "settings/settings.h"

struct tls_tickets;

struct ticket_keeper {
    const struct settings *settings;
    struct log *log;
    struct tls_tickets *tickets; /* there are no keys in it while none are used */
    uint64_t next_ms;            /* next rotation of generated keys, on the monotonic clock */
    uint64_t seen;               /* digest of the file's status */
    int memory_fd;               /* of `tickets`, for the vif that takes the place of this one */
};

#ifdef HAVE_TLS

/* Creates the memory with the guard against replays of early data, and creates or reads the keys if a
 * listener uses TLS and tickets are enabled. Returns 0; ERROR_REFUSED after logging what is wrong with the
 * file; or -ENOMEM. */
int ticket_keeper_begin(struct ticket_keeper *keeper, const struct settings *settings, struct log *log,
                        uint64_t now_ms) MUST_CHECK;

/* The same with the memory `fd` of the vif whose place this one takes, in which the keys are already: so
 * tickets stay valid, and no early data is accepted by both. `bytes` is its size; if this version of vif has
 * another, or `fd` is -1, the memory is new. */
int ticket_keeper_continue(struct ticket_keeper *keeper, const struct settings *settings, struct log *log,
                           uint64_t now_ms, int fd, size_t bytes) MUST_CHECK;

/* The size of that memory; 0: there is none. */
size_t ticket_keeper_bytes(const struct ticket_keeper *keeper);

/* From now on these settings hold. If a key file cannot be used, that is logged, and the keys stay. */
void ticket_keeper_take(struct ticket_keeper *keeper, const struct settings *settings, uint64_t now_ms);

/* Rotates the keys or reads the file again if needed. Call every few seconds. */
void ticket_keeper_look(struct ticket_keeper *keeper, uint64_t now_ms);

/* In a worker, which uses the memory but not its descriptor. */
void ticket_keeper_leave(struct ticket_keeper *keeper);

/* Frees the keys; may be called on a zeroed one. */
void ticket_keeper_end(struct ticket_keeper *keeper);

#else

static inline int ticket_keeper_begin(struct ticket_keeper *keeper, const struct settings *settings,
                                      struct log *log, uint64_t now_ms)
{
    (void)keeper, (void)settings, (void)log, (void)now_ms;
    return 0;
}

static inline int ticket_keeper_continue(struct ticket_keeper *keeper, const struct settings *settings,
                                         struct log *log, uint64_t now_ms, int fd, size_t bytes)
{
    (void)fd, (void)bytes;
    return ticket_keeper_begin(keeper, settings, log, now_ms);
}

static inline size_t ticket_keeper_bytes(const struct ticket_keeper *keeper)
{
    (void)keeper;
    return 0;
}

static inline void ticket_keeper_take(struct ticket_keeper *keeper, const struct settings *settings,
                                      uint64_t now_ms)
{
    (void)keeper, (void)settings, (void)now_ms;
}

static inline void ticket_keeper_look(struct ticket_keeper *keeper, uint64_t now_ms)
{
    (void)keeper, (void)now_ms;
}

static inline void ticket_keeper_leave(struct ticket_keeper *keeper)
{
    (void)keeper;
}

static inline void ticket_keeper_end(struct ticket_keeper *keeper)
{
    (void)keeper;
}

#endif

#endif
