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
struct context_set;
struct loop;
struct tls_listener;
struct tls_report;
struct tls_ticket_keys;

struct certificates_options {
    struct loop *loop; /* outlives the certificates, as does the log */
    struct log *log;
    const struct tls_ticket_keys *ticket_keys; /* of the set, for those of later settings; NULL: none */
    bool is_speaker; /* of all workers, the one that logs what it finds: all of them find the same */
    void (*on_renewed)(void *context); /* something was taken up; may be NULL */
    void *context;
};

#ifdef HAVE_TLS

/* From a set that was loaded, which is theirs from now on, also where this fails. Returns 0, with NULL where
 * `set` is NULL; or -ENOMEM. */
int certificates_create(const struct certificates_options *options, struct context_set *set,
                        struct certificates **ret_certificates) MUST_CHECK;

/* Logs what was found. `is_renewal`: a doubt was reason to refuse. NULL: nothing was. */
void certificates_log(struct log *log, const struct tls_report *report, bool is_renewal);

/* A set for other settings, with the same ticket keys, to be loaded anywhere: see server/context_set.h. NULL
 * where these are, or the settings have, no certificates. Returns 0 or -ENOMEM. */
int certificates_prepare(const struct certificates *certificates, struct settings *settings,
                         struct context_set **ret_set) MUST_CHECK;

/* Takes up such a set, which was loaded, for listeners with TLS that the new settings have, too; the others
 * keep theirs. Handshakes that are under way and connections keep what they began with. NULL changes nothing.
 * Where it fails with -ENOMEM nothing has changed, and the set is the caller's. */
int certificates_take(struct certificates *certificates, struct context_set *set) MUST_CHECK;

/* Logs what was found in a set that was loaded: errors in any case, the rest if that is ours to say. */
void certificates_tell(const struct certificates *certificates, const struct context_set *set);

/* What connections of a listener share, by its number in the settings; NULL where it does not speak TLS. */
const struct tls_listener *certificates_of(const struct certificates *certificates, size_t listener);

/* When all connections have gone. NULL is ignored. */
void certificates_destroy(struct certificates *certificates);

#else

static inline int certificates_create(const struct certificates_options *options, struct context_set *set,
                                      struct certificates **ret_certificates)
{
    (void)options, (void)set;
    *ret_certificates = NULL;
    return 0;
}

static inline int certificates_prepare(const struct certificates *certificates, struct settings *settings,
                                       struct context_set **ret_set)
{
    (void)certificates, (void)settings;
    *ret_set = NULL;
    return 0;
}

static inline int certificates_take(struct certificates *certificates, struct context_set *set)
{
    (void)certificates, (void)set;
    return 0;
}

static inline void certificates_tell(const struct certificates *certificates, const struct context_set *set)
{
    (void)certificates, (void)set;
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
