/* Receive windows. They begin small, since content that arrives before it is wanted must be buffered, and
 * grow as needed: a PING is sent while content is consumed. If more than two thirds of a window were consumed
 * before its answer arrived, the sender was limited by the window rather than by the network or the consumer,
 * and the window is doubled. */
#include "h2/internal.h"

/* What marks our PING. */
static const uint8_t probe_opaque[8] = {'v', 'i', 'f', ' ', 'r', 't', 't', '?'};

/* The connection's window is this many times that of a stream. */
#define STREAMS_AT_FULL_WINDOW 4

static int set_windows(struct h2 *h2)
{
    assert(h2->window > 0 && h2->window <= INT32_MAX);
    nghttp2_settings_entry entry = {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, h2->window};
    int64_t whole = MIN((int64_t)h2->window * STREAMS_AT_FULL_WINDOW, (int64_t)INT32_MAX);
    int error = nghttp2_submit_settings(h2->session, NGHTTP2_FLAG_NONE, &entry, 1);
    return error ? error
                 : nghttp2_session_set_local_window_size(h2->session, NGHTTP2_FLAG_NONE, 0, (int32_t)whole);
}

bool h2_awaits_window(const struct h2 *h2, uint32_t stream)
{
    return nghttp2_session_get_stream_remote_window_size(h2->session, (int32_t)stream) == 0;
}

bool h2_offers_window(const struct h2 *h2, uint32_t stream)
{
    return nghttp2_session_get_stream_local_window_size(h2->session, (int32_t)stream) > 0 &&
           nghttp2_session_get_local_window_size(h2->session) > 0;
}

int h2_window_open(struct h2 *h2)
{
    const struct h2_limits *limits = h2->shared->limits;
    h2->window = limits->window_bytes;
    assert(h2->window > 0);
    int64_t whole = MIN((int64_t)h2->window * STREAMS_AT_FULL_WINDOW, (int64_t)INT32_MAX);
    return nghttp2_session_set_local_window_size(h2->session, NGHTTP2_FLAG_NONE, 0, (int32_t)whole);
}

void h2_window_count(struct h2 *h2, size_t bytes)
{
    h2->probe_bytes += bytes;
    if (h2->is_probing || h2->window >= h2->shared->limits->window_bytes_max)
        return;
    h2->probe_bytes = bytes;
    h2->is_probing = nghttp2_submit_ping(h2->session, NGHTTP2_FLAG_NONE, probe_opaque) == 0;
}

void h2_window_pong(struct h2 *h2)
{
    uint64_t largest = h2->shared->limits->window_bytes_max;
    if (!h2->is_probing)
        return;
    h2->is_probing = false;
    if (h2->probe_bytes * 3 < (uint64_t)h2->window * 2)
        return;
    h2->window = (uint32_t)MIN((uint64_t)h2->window * 2, largest);
    (void)set_windows(h2);
}
