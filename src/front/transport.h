/* A transport: the stream of a connection, with or without TLS.
 *
 * The functions are those of loop/stream.h, with the same rules, on the same struct stream and with the same
 * struct stream_events. With TLS, all bytes passed in and out are plaintext. For functions that are missing
 * here (stream_unacknowledged, stream_send_idle_ms, stream_peer_has_left) use those of the stream. Without
 * TLS a call costs one extra comparison. */
#ifndef FRONT_TRANSPORT_H
#define FRONT_TRANSPORT_H

#include "loop/stream.h"

/* Most bytes of an output that is gathered: one system call sends it, encrypted too, also when the records of
 * TLS are short, as at a connection's beginning: 20 of 54,560 bytes, and another one. */
#define TRANSPORT_CALL_BYTES_MAX ((size_t)63 << 10)
static_assert(TRANSPORT_CALL_BYTES_MAX <= STREAM_CALL_BYTES_MAX, "TLS adds to it");

#ifdef HAVE_TLS

/* The events of streams with TLS; the owner's are in struct tls_transport. */
extern const struct stream_events tls_transport_stream_events;

static inline bool transport_is_tls(const struct stream *stream)
{
    return UNLIKELY(stream->events == &tls_transport_stream_events);
}

#else

#define transport_is_tls(stream) false

#endif

/* See front/tls_transport.h; only for streams with TLS. */
void tls_transport_read_pause(struct stream *stream);
void tls_transport_read_resume(struct stream *stream);
void tls_transport_limit_reads(struct stream *stream, uint16_t bytes_max);
void tls_transport_hand_over(struct stream *stream, const struct stream_events *events);
bool tls_transport_is_reading(const struct stream *stream);
bool tls_transport_has_ended(const struct stream *stream);
bool tls_transport_waits_for_server(const struct stream *stream);
enum send_result tls_transport_send(struct stream *stream, const struct segment *segments,
                                    size_t segment_count) MUST_CHECK;
void tls_transport_send_later(struct stream *stream);
bool tls_transport_is_sending(const struct stream *stream);
size_t tls_transport_unsent(const struct stream *stream);
int tls_transport_error(const struct stream *stream);
bool tls_transport_end(struct stream *stream);
void tls_transport_shutdown(struct stream *stream);
void tls_transport_reset_on_close(struct stream *stream);
void tls_transport_close(struct stream *stream);

static inline void transport_read_pause(struct stream *stream)
{
    if (transport_is_tls(stream))
        tls_transport_read_pause(stream);
    else
        stream_read_pause(stream);
}

static inline void transport_read_resume(struct stream *stream)
{
    if (transport_is_tls(stream))
        tls_transport_read_resume(stream);
    else
        stream_read_resume(stream);
}

static inline void transport_limit_reads(struct stream *stream, uint16_t bytes_max)
{
    if (transport_is_tls(stream))
        tls_transport_limit_reads(stream, bytes_max);
    else
        stream_limit_reads(stream, bytes_max);
}

/* Changes the owner: events go to `events` from now on. */
static inline void transport_hand_over(struct stream *stream, const struct stream_events *events)
{
    if (transport_is_tls(stream))
        tls_transport_hand_over(stream, events);
    else
        stream->events = events;
}

/* Whether the owner is reading. */
static inline bool transport_is_reading(const struct stream *stream)
{
    return transport_is_tls(stream) ? tls_transport_is_reading(stream) : stream->flags & STREAM_READING;
}

/* Input that the peer has sent is not processed yet. */
static inline bool transport_waits_for_server(const struct stream *stream)
{
    return transport_is_tls(stream) && tls_transport_waits_for_server(stream);
}

/* Whether on_end was called. */
static inline bool transport_has_ended(const struct stream *stream)
{
    return transport_is_tls(stream) ? tls_transport_has_ended(stream) : stream->flags & STREAM_END_TOLD;
}

MUST_CHECK static inline enum send_result transport_send(struct stream *stream,
                                                         const struct segment *segments, size_t count)
{
    return transport_is_tls(stream) ? tls_transport_send(stream, segments, count)
                                    : stream_send(stream, segments, count);
}

static inline void transport_send_later(struct stream *stream)
{
    if (transport_is_tls(stream))
        tls_transport_send_later(stream);
    else
        stream_send_later(stream);
}

static inline bool transport_is_sending(const struct stream *stream)
{
    return transport_is_tls(stream) ? tls_transport_is_sending(stream) : stream_is_sending(stream);
}

static inline size_t transport_unsent(const struct stream *stream)
{
    return transport_is_tls(stream) ? tls_transport_unsent(stream) : stream_unsent(stream);
}

static inline int transport_error(const struct stream *stream)
{
    return transport_is_tls(stream) ? tls_transport_error(stream) : stream_error(stream);
}

/* Declares that nothing more will be sent. Returns true if closing now loses nothing that the client should
 * receive; with TLS, the close_notify may be pending. */
static inline bool transport_end(struct stream *stream)
{
    return transport_is_tls(stream) ? tls_transport_end(stream) : true;
}

/* With TLS sends a close_notify before the FIN. */
static inline void transport_shutdown(struct stream *stream)
{
    if (transport_is_tls(stream))
        tls_transport_shutdown(stream);
    else
        stream_shutdown(stream);
}

/* With TLS sends no close_notify. */
static inline void transport_reset_on_close(struct stream *stream)
{
    if (transport_is_tls(stream))
        tls_transport_reset_on_close(stream);
    else
        stream_reset_on_close(stream);
}

static inline void transport_close(struct stream *stream)
{
    if (transport_is_tls(stream))
        tls_transport_close(stream);
    else
        stream_close(stream);
}

#endif
