/* The certificates of a worker: TLS contexts for the names of each listener, kept up to date with the files
 * that they come from.
 *
 * The files are looked at on the offload pool, two times a second. A change is taken up when it has settled:
 * a new context is built on the pool and put in the place of the old one on the loop; connections keep what
 * they began with. One that is not good is logged, once, and the old one stays. */
#ifndef SERVER_CERTIFICATES_H
#define SERVER_CERTIFICATES_H

#include "base/log.h"
#include "settings/settings.h"

struct certificates;
struct loop;
struct tls_listener;
struct tls_ticket_keys;

struct certificates_options {
    struct settings *settings;                 /* a reference is taken */
    const struct tls_ticket_keys *ticket_keys; /* outlives all connections; NULL: there are no tickets */
    struct loop *loop;                         /* outlives the certificates, as does the log */
    struct log *log;
    bool is_speaker; /* of all workers, the one that logs what it finds: all of them find the same */
};

#ifdef HAVE_TLS

/* Loads all of them; blocks. Returns 0, with NULL where no listener speaks TLS; or ERROR_REFUSED, when it was
 * logged what is wrong, or -ENOMEM. */
int certificates_create(const struct certificates_options *options,
                        struct certificates **ret_certificates) MUST_CHECK;

/* What connections of a listener share, by its number in the settings; NULL where it does not speak TLS. */
const struct tls_listener *certificates_of(const struct certificates *certificates, size_t listener);

/* When all connections have gone. NULL is ignored. */
void certificates_destroy(struct certificates *certificates);

#else

static inline int certificates_create(const struct certificates_options *options,
                                      struct certificates **ret_certificates)
{
    (void)options;
    *ret_certificates = NULL;
    return 0;
}

static inline const struct tls_listener *certificates_of(const struct certificates *certificates,
                                                         size_t listener)
{
    (void)certificates, (void)listener;
    return NULL;
}

static inline void certificates_destroy(struct certificates *certificates)
{
    (void)certificates;
}

#endif

#endif
