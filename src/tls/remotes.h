/* What connections to other servers share that have the same TLS settings: a context. It is replaced when its
 * files change, or the settings are loaded again; who uses it stays, with its connections. All calls on the
 * loop's thread. */
#ifndef TLS_REMOTES_H
#define TLS_REMOTES_H

#include "tls/context.h"

struct tls_remote {
    uint64_t identity;           /* of the settings */
    struct tls_context *context; /* a reference */
    unsigned generation;         /* grows when the context is replaced */
    int references;
};

/* A remote of this context, which it refers to. NULL if out of memory. */
struct tls_remote *tls_remote_create(uint64_t identity, struct tls_context *context) MUST_CHECK;

struct tls_remote *tls_remote_ref(struct tls_remote *remote);

/* NULL is ignored. */
void tls_remote_unref(struct tls_remote *remote);

/* New connections use this context, and resume no session of an earlier one. */
void tls_remote_set_context(struct tls_remote *remote, struct tls_context *context);

/* The remotes of some settings. Zeroed: none. */
struct tls_remotes {
    struct tls_remote **list;
    size_t count;
};

/* NULL: there is none with that identity. */
struct tls_remote *tls_remotes_find(const struct tls_remotes *remotes, uint64_t identity);

/* Makes room for so many. Returns false if out of memory. */
bool tls_remotes_reserve(struct tls_remotes *remotes, size_t count) MUST_CHECK;

/* Frees the list and its references. */
void tls_remotes_finish(struct tls_remotes *remotes);

#endif
