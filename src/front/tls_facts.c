/* TLS properties of a connection for handlers and the log: version, cipher, server name, client certificate.
 */
#include "front/tls_transport.h"

static void tell_client(const struct tls_session *session, struct arena *arena, struct peer_tls *tls)
{
    struct tls_client client;
    if (!tls_session_client(session, arena, &client))
        return;
    tls->client_subject = client.subject;
    tls->client_issuer = client.issuer;
    tls->client_fingerprint = arena_copy(arena, slice_from(client.fingerprint));
}

void tls_transport_tell(const struct stream *stream, struct arena *arena, struct peer_tls *ret_tls)
{
    const struct tls_session *session = &tls_transport_of(stream)->session;
    struct tls_info info;
    *ret_tls = (struct peer_tls){0};
    if (!tls_session_is_ready(session) || session->ssl == NULL)
        return;
    tls_session_info(session, &info);
    *ret_tls = (struct peer_tls){
        .name = info.name,
        .version = slice_from(info.version),
        .cipher = slice_from(info.cipher),
        .client_auth = session->context->client_auth,
        .is_resumed = info.is_resumed,
        .has_client = info.has_client,
    };
    if (arena && info.has_client)
        tell_client(session, arena, ret_tls);
}
