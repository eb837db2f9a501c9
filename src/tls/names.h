/* Maps server names (SNI, RFC 6066 section 3) to contexts. */
#ifndef TLS_NAMES_H
#define TLS_NAMES_H

#include "base/hash.h"
#include "base/map.h"
#include "tls/context.h"

struct tls_names {
    struct map exact;     /* struct tls_name, by name in lower case */
    struct map wildcards; /* the same, by the part after "*." */
    struct tls_context *fallback;
    struct hash_key key;
};

/* Initialises an empty map. Its random hash key keeps attackers from choosing names that collide. */
void tls_names_init(struct tls_names *names);

/* Frees all memory and releases all references; may be called on a zeroed one. */
void tls_names_finish(struct tls_names *names);

/* Maps `host`, a name or "*." and a name, to the context, of which it takes a reference. Ignores case and a
 * final dot. Returns 0; -EEXIST if the name exists already; -EINVAL if no client could send such a name; or
 * -ENOMEM. */
int tls_names_add(struct tls_names *names, struct slice host, struct tls_context *context) MUST_CHECK;

/* Sets the context for clients that send no name or an unknown one. NULL (the initial value): they are
 * refused. */
void tls_names_set_default(struct tls_names *names, struct tls_context *context);

/* The context for a name as a client sent it: an exact match, else a wildcard that replaces exactly the first
 * label, else the default context, which may be NULL. Borrowed. */
struct tls_context *tls_names_find(const struct tls_names *names, struct slice name) MUST_CHECK;

/* Replaces `old` by `context` everywhere, after a certificate was renewed. Existing sessions keep their
 * context. */
void tls_names_replace(struct tls_names *names, struct tls_context *old, struct tls_context *context);

#endif
