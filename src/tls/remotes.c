/* Remotes are few, as many as routes with different TLS settings: a list that is searched is enough. */
#include "tls/remotes.h"

#include <stdlib.h>

struct tls_remote *tls_remote_create(uint64_t identity, struct tls_context *context)
{
    struct tls_remote *remote = malloc(sizeof(*remote));
    if (remote)
        *remote = (struct tls_remote){
            .identity = identity,
            .context = tls_context_ref(context),
            .references = 1,
        };
    return remote;
}

struct tls_remote *tls_remote_ref(struct tls_remote *remote)
{
    remote->references++;
    return remote;
}

void tls_remote_unref(struct tls_remote *remote)
{
    if (remote == NULL || --remote->references > 0)
        return;
    tls_context_unref(remote->context);
    free(remote);
}

void tls_remote_set_context(struct tls_remote *remote, struct tls_context *context)
{
    struct tls_context *former = remote->context;
    if (former == context)
        return;
    remote->context = tls_context_ref(context);
    remote->generation++;
    tls_context_unref(former);
}

struct tls_remote *tls_remotes_find(const struct tls_remotes *remotes, uint64_t identity)
{
    for (size_t i = 0; i < remotes->count; i++) {
        if (remotes->list[i]->identity == identity)
            return remotes->list[i];
    }
    return NULL;
}

bool tls_remotes_reserve(struct tls_remotes *remotes, size_t count)
{
    remotes->list = calloc(count + 1, sizeof(struct tls_remote *));
    return remotes->list != NULL;
}

void tls_remotes_finish(struct tls_remotes *remotes)
{
    for (size_t i = 0; i < remotes->count; i++)
        tls_remote_unref(remotes->list[i]);
    free(remotes->list);
    *remotes = (struct tls_remotes){0};
}
