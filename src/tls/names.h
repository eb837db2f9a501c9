/* Which context serves which name (SNI, RFC 6066 section 3). */
#ifndef TLS_NAMES_H
#define TLS_NAMES_H

#include "base/hash.h"
#include "base/map.h"
#include "tls/context.h"

struct tls_names {
    struct map exact;     /* struct tls_name, by the name in lower case */
    struct map wildcards; /* the same, by what stands behind "*." */
    struct tls_context *fallback;
    struct hash_key key;
};

/* Without names. The key keeps strangers from choosing names that collide. */
void tls_names_init(struct tls_names *names);

/* Gives back all memory and all references; also right on a zeroed one. */
void tls_names_finish(struct tls_names *names);

/* Lets `host`, a name or "*." and a name, lead to the context, of which a reference is taken. Case and a
 * final dot do not matter. Returns 0; -EEXIST where the name is there already, -EINVAL where it is no name
 * that a client could send, or -ENOMEM. */
int tls_names_add(struct tls_names *names, struct slice host, struct tls_context *context) MUST_CHECK;

/* For clients that send no name, or one that is not known; NULL (as at first): they are refused. */
void tls_names_set_default(struct tls_names *names, struct tls_context *context);

/* The context for a name as a client sent it: of the name itself, else of the wildcard for its first label
 * (one label, never less or more), else the default one, or NULL. Borrowed. */
struct tls_context *tls_names_find(const struct tls_names *names, struct slice name) MUST_CHECK;

/* Lets all that leads to `old` lead to `context`: a certificate was renewed. Sessions keep what they began
 * with. */
void tls_names_replace(struct tls_names *names, struct tls_context *old, struct tls_context *context);

#endif
