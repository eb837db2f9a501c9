/* The certificates as the master has them: read before the first worker starts, so that what is bad is told
 * by one process, and read again when workers have taken up others. Every worker inherits them by fork: one
 * that is replaced begins with the last good ones, whatever has become of the files. */
#ifndef PROC_CERTIFICATE_KEEPER_H
#define PROC_CERTIFICATE_KEEPER_H

#include "base/log.h"
#include "proc/slot.h"
#include "settings/settings.h"

struct context_set;
struct tls_ticket_keys;

struct certificate_keeper {
    struct context_set *contexts; /* NULL: no listener speaks TLS */
    unsigned renewals;            /* of all slots, when the files were read */
};

#ifdef HAVE_TLS

/* Returns 0; ERROR_REFUSED after it was logged what is wrong with the files; or -ENOMEM. */
int certificate_keeper_begin(struct certificate_keeper *keeper, struct settings *settings,
                             const struct tls_ticket_keys *ticket_keys, struct log *log) MUST_CHECK;

/* To be called when a worker may have taken up another certificate. The files are looked at only then: their
 * file system has just answered, and so does not hold up the master. */
void certificate_keeper_look(struct certificate_keeper *keeper, const struct slot *slots, size_t count);

/* Also right on a zeroed one. */
void certificate_keeper_end(struct certificate_keeper *keeper);

#else

static inline int certificate_keeper_begin(struct certificate_keeper *keeper, struct settings *settings,
                                           const struct tls_ticket_keys *ticket_keys, struct log *log)
{
    (void)keeper, (void)settings, (void)ticket_keys, (void)log;
    return 0;
}

static inline void certificate_keeper_look(struct certificate_keeper *keeper, const struct slot *slots,
                                           size_t count)
{
    (void)keeper, (void)slots, (void)count;
}

static inline void certificate_keeper_end(struct certificate_keeper *keeper)
{
    (void)keeper;
}

#endif

#endif
