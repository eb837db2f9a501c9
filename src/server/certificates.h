/* The certificates of a worker: TLS contexts for the names of each listener, and for connections to other
 * servers, kept up to date with their files.
 *
 * The offload pool checks the files when one of them has changed (server/file_alarm.h), or twice a second
 * while a file cannot be watched. When a changed file has stopped changing, the pool builds a new context,
 * and the loop replaces the old one by it; connections keep the context that they began with. A bad
 * certificate is logged once, and the old one stays in use. */
#ifndef SERVER_CERTIFICATES_H
#define SERVER_CERTIFICATES_H

#include "base/log.h"
#include "settings/settings.h"

struct certificates;
struct context_set;
struct loop;
struct tls_listener;
struct tls_remotes;
struct tls_report;
struct tls_tickets;

struct certificates_options {
    struct loop *loop; /* must outlive the certificates, like the log */
    struct log *log;
    struct tls_tickets *tickets; /* also used for later settings; NULL: none */
    bool is_speaker; /* this worker logs findings; set for one worker only, as all find the same */
    void (*on_renewed)(void *context); /* changed certificates took effect, one or many; may be NULL */
    void *context;
};

/* A certificate of a site or a listener. */
struct certificate_in_use {
    const char *file; /* NULL: there is none of this number */
    int64_t expires;  /* when it or an issuer's expires: seconds since 1970 */
};

#ifdef HAVE_TLS

/* Which certificate is in use, by number; returns false after the last one. */
bool certificates_next(const struct certificates *certificates, size_t number,
                       struct certificate_in_use *ret_used) MUST_CHECK;

/* Creates them from a loaded set, of which it takes ownership, also on failure; NULL: nothing uses TLS so
 * far. Returns 0 or -ENOMEM. */
int certificates_create(const struct certificates_options *options, struct context_set *set,
                        struct certificates **ret_certificates) MUST_CHECK;

/* Logs the findings of a report. `is_renewal`: doubts led to rejection. NULL is ignored. */
void certificates_log(struct log *log, const struct tls_report *report, bool is_renewal);

/* Creates a set for other settings with the same ticket keys; it may be loaded on any thread, see
 * server/context_set.h. The set is NULL if `certificates` is NULL or the settings have none. Returns 0 or
 * -ENOMEM. */
int certificates_prepare(const struct certificates *certificates, struct settings *settings,
                         struct context_set **ret_set) MUST_CHECK;

/* Puts such a set, which was loaded, into effect for the listeners and routes of its settings; NULL: none
 * uses TLS any more. `numbers` says which of them were there before. Connections and handshakes in progress
 * keep their contexts. Returns 0, or -ENOMEM: then nothing has changed and the caller still owns the set. */
int certificates_take(struct certificates *certificates, struct context_set *set,
                      const struct listener_numbers *numbers) MUST_CHECK;

/* Logs the findings of a loaded set: errors in any case, others if this worker is the one that logs
 * (is_speaker). */
void certificates_tell(const struct certificates *certificates, const struct context_set *set);

/* The struct tls_listener of a listener, by its number in the settings; NULL if it does not use TLS. */
const struct tls_listener *certificates_of(const struct certificates *certificates, size_t listener);

/* What routes need to speak TLS with servers (tls/remotes.h), by the identity of their settings; the pointer
 * stays. NULL without certificates. */
const struct tls_remotes *certificates_remotes(const struct certificates *certificates);

/* Frees them. No connection may be left. NULL is ignored. */
void certificates_destroy(struct certificates *certificates);

#else

static inline bool certificates_next(const struct certificates *certificates, size_t number,
                                     struct certificate_in_use *ret_used)
{
    (void)certificates, (void)number, (void)ret_used;
    return false;
}

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

static inline int certificates_take(struct certificates *certificates, struct context_set *set,
                                    const struct listener_numbers *numbers)
{
    (void)certificates, (void)set, (void)numbers;
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

static inline const struct tls_remotes *certificates_remotes(const struct certificates *certificates)
{
    (void)certificates;
    return NULL;
}

static inline void certificates_destroy(struct certificates *certificates)
{
    (void)certificates;
}

#endif

#endif
