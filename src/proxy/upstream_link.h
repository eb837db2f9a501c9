/* A link: the stream of a connection to a server, in the clear or with TLS.
 *
 * The functions are those of loop/stream.h, with the same rules, and so are the owner's events. With TLS all
 * bytes passed in and out are plaintext; the stream is of no use to the owner before it is secured. What is
 * encrypted counts as sent when the kernel has all of it. */
#ifndef PROXY_UPSTREAM_LINK_H
#define PROXY_UPSTREAM_LINK_H

#include "proxy/upstream.h"

struct proxy_protocol_ends;
struct upstream_tls;

struct upstream_link {
    struct stream stream;
    struct upstream_tls *tls; /* NULL: in the clear */
};

/* What is offered to a server with TLS, by ALPN. */
enum upstream_offer {
    UPSTREAM_OFFER_H1,
    UPSTREAM_OFFER_H2,
    UPSTREAM_OFFER_ANY, /* rather HTTP/2 */
};

/* As the route wants the server to be spoken to. */
enum upstream_offer upstream_offer_of(const struct upstream *upstream);

/* How a link begins. */
struct upstream_link_plan {
    const struct proxy_settings *settings;
    enum upstream_offer offer;
    const struct proxy_protocol_ends *client; /* for the PROXY protocol; NULL: vif itself */
};

/* Besides the events of the stream. */
struct upstream_link_events {
    struct stream_events stream;
    /* With TLS: the handshake is complete, the server is who it should be, and has chosen what it was
     * offered. Before that the stream's events are on_error and on_closed alone. */
    void (*on_secured)(struct stream *stream);
};

/* Begins on a connected socket, which it takes over, in any case, as stream_init and stream_start: in the
 * clear, or with TLS if the server's URL says so. Before all else it sends a header of the PROXY protocol, if
 * the settings want one. Returns 0 or -errno: close it then. */
int upstream_link_start(struct upstream_link *link, struct upstream *upstream, int fd,
                        const struct upstream_link_events *events,
                        const struct upstream_link_plan *plan) MUST_CHECK;

/* Whether TLS is not complete yet. */
bool upstream_link_is_securing(const struct upstream_link *link);

/* After on_secured: whether the server has chosen HTTP/2, rather than HTTP/1.1 or nothing. */
bool upstream_link_chose_h2(const struct upstream_link *link);

/* After on_error: whether the server refused HTTP/2, which was all that it was offered. */
bool upstream_link_refused_h2(const struct upstream_link *link);

/* After on_error: why, in a few words for the log; NULL: the error says all. */
const char *upstream_link_fault(const struct upstream_link *link);

/* After on_error: whether the server's certificate was refused. */
bool upstream_link_distrusts(const struct upstream_link *link);

/* After on_end: whether the end may be that of an attacker. */
bool upstream_link_is_cut(const struct upstream_link *link);

/* Within on_read: whether more has come than its bytes. */
bool upstream_link_has_more(const struct upstream_link *link);

enum send_result upstream_link_send(struct upstream_link *link, const struct segment *segments,
                                    size_t count) MUST_CHECK;
bool upstream_link_is_sending(const struct upstream_link *link);
size_t upstream_link_unsent(const struct upstream_link *link);

/* After SEND_FAILED: whether the kernel took no byte of what was to be sent. `total` are its bytes. */
bool upstream_link_took_nothing(const struct upstream_link *link, size_t total);

/* After SEND_FAILED, or on_error with stream_error: as stream_drop_send. With TLS a send can fail although
 * the stream did not. */
void upstream_link_drop_send(struct upstream_link *link);
void upstream_link_pause(struct upstream_link *link);
void upstream_link_resume(struct upstream_link *link);
void upstream_link_shutdown(struct upstream_link *link);
void upstream_link_reset_on_close(struct upstream_link *link);
void upstream_link_close(struct upstream_link *link);

#endif
