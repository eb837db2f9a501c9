/* Without TLS a call costs one comparison. */
#include "proxy/upstream_link.h"

#include "proxy/proxy_protocol.h"
#include "proxy/upstream_tls.h"

#include <errno.h>

#ifdef HAVE_TLS
#define HAS_TLS(link) UNLIKELY((link)->tls != NULL)
#else
#define HAS_TLS(link) false
#endif

enum upstream_offer upstream_offer_of(const struct upstream *upstream)
{
    switch (upstream->http) {
    case PROXY_HTTP_1: return UPSTREAM_OFFER_H1;
    case PROXY_HTTP_2: return UPSTREAM_OFFER_H2;
    case PROXY_HTTP_AUTO: return UPSTREAM_OFFER_ANY;
    }
    UNREACHABLE();
}

static int upstream_link_begin_tls(struct upstream_link *link, struct upstream *upstream,
                                   const struct upstream_link_events *events)
{
#ifdef HAVE_TLS
    return upstream_tls_begin(link, upstream, events);
#else
    (void)link, (void)upstream, (void)events;
    return -EPROTONOSUPPORT;
#endif
}

/* In the clear, also in front of TLS. A new socket has room for it, so there is nothing to wait for; what
 * follows shares its packet. */
static int upstream_link_introduce(const struct upstream_link *link, unsigned version,
                                   const struct proxy_protocol_ends *client)
{
    char header[PROXY_PROTOCOL_BYTES_MAX];
    if (LIKELY(version == 0))
        return 0;
    struct iovec piece = {.iov_base = header, .iov_len = proxy_protocol_write(version, client, header)};
    ssize_t sent = sys_send(link->stream.watch.fd, &piece, 1, true);
    if (sent < 0)
        return (int)sent;
    return (size_t)sent == piece.iov_len ? 0 : -ENOBUFS;
}

int upstream_link_start(struct upstream_link *link, struct upstream *upstream, int fd,
                        const struct upstream_link_events *events, const struct upstream_link_plan *plan)
{
    stream_init(&link->stream, upstream->all->loop, fd, &events->stream);
    link->tls = NULL;
    int error = upstream->parts.is_secure ? upstream_link_begin_tls(link, upstream, events) : 0;
    if (error == 0)
        error = upstream_link_introduce(link, plan->settings->proxy_protocol, plan->client);
    if (error == 0)
        error = stream_start(&link->stream);
    bool is_open = error == 0 && !(link->stream.flags & STREAM_CLOSED);
    return is_open && HAS_TLS(link) ? upstream_tls_connect(link->tls, plan) : error;
}

bool upstream_link_is_securing(const struct upstream_link *link)
{
    return HAS_TLS(link) && upstream_tls_is_securing(link->tls);
}

bool upstream_link_chose_h2(const struct upstream_link *link)
{
    return HAS_TLS(link) && upstream_tls_chose_h2(link->tls);
}

bool upstream_link_refused_h2(const struct upstream_link *link)
{
    return HAS_TLS(link) && upstream_tls_refused_h2(link->tls);
}

const char *upstream_link_fault(const struct upstream_link *link)
{
    return HAS_TLS(link) ? upstream_tls_fault(link->tls) : NULL;
}

bool upstream_link_distrusts(const struct upstream_link *link)
{
    return HAS_TLS(link) && upstream_tls_distrusts(link->tls);
}

bool upstream_link_is_cut(const struct upstream_link *link)
{
    return HAS_TLS(link) && upstream_tls_is_cut(link->tls);
}

bool upstream_link_has_more(const struct upstream_link *link)
{
    return HAS_TLS(link) && upstream_tls_has_more(link->tls);
}

enum send_result upstream_link_send(struct upstream_link *link, const struct segment *segments, size_t count)
{
    return HAS_TLS(link) ? upstream_tls_send(link->tls, segments, count)
                         : stream_send(&link->stream, segments, count);
}

bool upstream_link_is_sending(const struct upstream_link *link)
{
    return HAS_TLS(link) ? upstream_tls_is_sending(link->tls) : stream_is_sending(&link->stream);
}

size_t upstream_link_unsent(const struct upstream_link *link)
{
    return HAS_TLS(link) ? upstream_tls_unsent(link->tls) : stream_unsent(&link->stream);
}

bool upstream_link_took_nothing(const struct upstream_link *link, size_t total)
{
    return HAS_TLS(link) ? upstream_tls_took_nothing(link->tls) : stream_unsent(&link->stream) == total;
}

void upstream_link_drop_send(struct upstream_link *link)
{
    if (HAS_TLS(link))
        upstream_tls_drop_send(link->tls);
    else
        stream_drop_send(&link->stream);
}

void upstream_link_pause(struct upstream_link *link)
{
    if (HAS_TLS(link))
        upstream_tls_pause(link->tls);
    else
        stream_read_pause(&link->stream);
}

void upstream_link_resume(struct upstream_link *link)
{
    if (HAS_TLS(link))
        upstream_tls_resume(link->tls);
    else
        stream_read_resume(&link->stream);
}

void upstream_link_shutdown(struct upstream_link *link)
{
    if (HAS_TLS(link))
        upstream_tls_shutdown(link->tls);
    else
        stream_shutdown(&link->stream);
}

void upstream_link_reset_on_close(struct upstream_link *link)
{
    if (HAS_TLS(link))
        upstream_tls_reset_on_close(link->tls);
    else
        stream_reset_on_close(&link->stream);
}

void upstream_link_close(struct upstream_link *link)
{
    if (HAS_TLS(link))
        upstream_tls_close(link->tls);
    else
        stream_close(&link->stream);
}
