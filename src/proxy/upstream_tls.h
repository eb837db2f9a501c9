/* TLS on the stream of a connection to a server, for upstream_link.c alone: the layer between the functions
 * of a link and the socket. Bytes have a buffer of the connection only while they have to wait. */
#ifndef PROXY_UPSTREAM_TLS_H
#define PROXY_UPSTREAM_TLS_H

#include "proxy/upstream_link.h"

/* Gives an initialised stream TLS; nothing is sent yet. Returns 0, or -errno with the link in the clear. */
int upstream_tls_begin(struct upstream_link *link, struct upstream *upstream,
                       const struct upstream_link_events *events) MUST_CHECK;

/* Sends the first message, once the stream has started. Returns 0 or -errno. */
int upstream_tls_connect(struct upstream_tls *tls, const struct upstream_link_plan *plan) MUST_CHECK;

/* As those of a link. */
bool upstream_tls_is_securing(const struct upstream_tls *tls);
bool upstream_tls_chose_h2(const struct upstream_tls *tls);
bool upstream_tls_refused_h2(const struct upstream_tls *tls);
const char *upstream_tls_fault(const struct upstream_tls *tls);
bool upstream_tls_distrusts(const struct upstream_tls *tls);
bool upstream_tls_is_cut(const struct upstream_tls *tls);
bool upstream_tls_has_more(const struct upstream_tls *tls);
enum send_result upstream_tls_send(struct upstream_tls *tls, const struct segment *segments,
                                   size_t count) MUST_CHECK;
bool upstream_tls_is_sending(const struct upstream_tls *tls);
size_t upstream_tls_unsent(const struct upstream_tls *tls);
bool upstream_tls_took_nothing(const struct upstream_tls *tls);
void upstream_tls_drop_send(struct upstream_tls *tls);
void upstream_tls_pause(struct upstream_tls *tls);
void upstream_tls_resume(struct upstream_tls *tls);
void upstream_tls_shutdown(struct upstream_tls *tls);
void upstream_tls_reset_on_close(struct upstream_tls *tls);
void upstream_tls_close(struct upstream_tls *tls);

/* Forgets the session that new connections to this upstream would resume. */
void upstream_tls_forget(struct upstream *upstream);

/* Frees the buffers that all connections of a worker share. */
void upstream_tls_finish(struct upstreams *all);

#endif
