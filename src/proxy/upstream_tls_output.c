/* What is sent with TLS to a server. All of a call is encrypted into a buffer that the connections of a
 * worker share; what the stream does not take at once becomes the connection's.
 *
 * Records have an order: after one that cannot be sent, none may follow (upstream_tls_become_mute). */
#include "proxy/upstream_tls_state.h"

#include "base/error.h"

#include <errno.h>
#include <stdlib.h>

/* Of what is kept for the next connection. */
#define SPARE_BYTES_MAX ((size_t)256 << 10)

void upstream_tls_clear_output(struct upstream_tls_rooms *rooms)
{
    if (rooms->output.capacity > SPARE_BYTES_MAX)
        buffer_finish(&rooms->output);
    else
        buffer_clear(&rooms->output);
}

/* Passes the shared buffer to the stream. What it does not take at once becomes the connection's. */
static enum send_result upstream_tls_push(struct upstream_tls *tls)
{
    struct upstream_tls_rooms *rooms = upstream_tls_rooms_of(tls);
    struct segment segment = segment_memory(buffer_slice(&rooms->output));
    enum send_result result = stream_send(upstream_tls_stream(tls), &segment, 1);
    if (result == SEND_DONE) {
        upstream_tls_clear_output(rooms);
        return SEND_DONE;
    }
    if (result == SEND_FAILED)
        tls->error = (int16_t)stream_error(upstream_tls_stream(tls));
    tls->output = rooms->output;
    buffer_init(&rooms->output, OUTPUT_BYTES_MAX);
    return result;
}

/* The same, behind what is on its way. */
static enum send_result upstream_tls_send_output(struct upstream_tls *tls)
{
    struct upstream_tls_rooms *rooms = upstream_tls_rooms_of(tls);
    if (!stream_is_sending(upstream_tls_stream(tls)))
        return upstream_tls_push(tls);
    bool fits = buffer_append(&tls->next, buffer_slice(&rooms->output));
    upstream_tls_clear_output(rooms);
    tls->error = fits ? tls->error : (int16_t)-ENOMEM;
    return fits ? SEND_PENDING : SEND_FAILED;
}

/* No record may follow one that was not sent; but what the server sent before can still be read. */
static void upstream_tls_become_mute(struct upstream_tls *tls)
{
    tls->is_mute = true;
    if (stream_error(upstream_tls_stream(tls)) != 0)
        stream_drop_send(upstream_tls_stream(tls));
}

bool upstream_tls_flush(struct upstream_tls *tls)
{
    struct upstream_tls_rooms *rooms = upstream_tls_rooms_of(tls);
    if (tls->is_mute)
        upstream_tls_clear_output(rooms);
    if (rooms->output.length == 0 || upstream_tls_send_output(tls) != SEND_FAILED)
        return true;
    upstream_tls_become_mute(tls);
    return false;
}

/* Encrypts all of it into the shared buffer; or nothing (SEND_PENDING), as only a part of a message from the
 * server has come. */
static enum send_result upstream_tls_encrypt(struct upstream_tls *tls, const struct segment *segments,
                                             size_t count)
{
    struct slice pieces[STREAM_SEGMENTS_MAX];
    struct tls_call call = upstream_tls_call(tls, upstream_tls_rooms_of(tls)->write);
    size_t total = 0;
    for (size_t i = 0; i < count; i++) {
        pieces[i] = slice_make(segments[i].data, segments[i].length);
        total += segments[i].length;
    }
    ssize_t taken = tls_session_write(&tls->session, &call, pieces, count);
    if (taken >= 0 && (size_t)taken == total)
        return SEND_DONE;
    if (taken == 0)
        return SEND_PENDING;
    upstream_tls_clear_output(upstream_tls_rooms_of(tls));
    tls->error = (int16_t)(taken == ERROR_CLOSED ? -EPIPE : -ENOBUFS);
    return SEND_FAILED;
}

/* Until more comes from the server. As of any send, the owner keeps the bytes. */
static enum send_result upstream_tls_hold(struct upstream_tls *tls, const struct segment *segments,
                                          size_t count)
{
    tls->held = malloc(count * sizeof(*segments));
    if (tls->held == NULL) {
        tls->error = -ENOMEM;
        return SEND_FAILED;
    }
    memcpy(tls->held, segments, count * sizeof(*segments));
    tls->held_count = count;
    if (!tls->is_reading)
        upstream_tls_read_on(tls);
    return SEND_PENDING;
}

static enum send_result upstream_tls_write(struct upstream_tls *tls, const struct segment *segments,
                                           size_t count)
{
    if (tls->is_mute)
        return SEND_FAILED;
    switch (upstream_tls_encrypt(tls, segments, count)) {
    case SEND_DONE: return upstream_tls_send_output(tls);
    case SEND_PENDING: return upstream_tls_hold(tls, segments, count);
    case SEND_FAILED: return SEND_FAILED;
    }
    UNREACHABLE();
}

enum send_result upstream_tls_send(struct upstream_tls *tls, const struct segment *segments, size_t count)
{
    assert(!tls->sends && count <= STREAM_SEGMENTS_MAX);
    enum send_result result = upstream_tls_write(tls, segments, count);
    tls->sends = result == SEND_PENDING;
    return result;
}

bool upstream_tls_is_sending(const struct upstream_tls *tls)
{
    return tls->sends;
}

size_t upstream_tls_unsent(const struct upstream_tls *tls)
{
    size_t bytes = stream_unsent(upstream_tls_stream(tls)) + tls->next.length;
    for (size_t i = 0; tls->held && i < tls->held_count; i++)
        bytes += tls->held[i].length;
    return bytes;
}

bool upstream_tls_took_nothing(const struct upstream_tls *tls)
{
    return tls->next.length == 0 && stream_unsent(upstream_tls_stream(tls)) == tls->output.length;
}

void upstream_tls_drop_send(struct upstream_tls *tls)
{
    upstream_tls_become_mute(tls);
    buffer_finish(&tls->next);
    free(tls->held);
    tls->held = NULL;
    tls->sends = false;
}

bool upstream_tls_say_end(struct upstream_tls *tls)
{
    struct tls_call call = upstream_tls_call(tls, upstream_tls_rooms_of(tls)->write);
    tls_session_close(&tls->session, &call);
    return upstream_tls_flush(tls);
}

static void upstream_tls_send_fin(struct upstream_tls *tls)
{
    stream_shutdown(upstream_tls_stream(tls));
    tls->is_mute = true;
}

void upstream_tls_shutdown(struct upstream_tls *tls)
{
    tls->shuts_down = true;
    if (upstream_tls_say_end(tls) && !stream_is_sending(upstream_tls_stream(tls)))
        upstream_tls_send_fin(tls);
}

static void upstream_tls_tell_sent(struct upstream_tls *tls)
{
    tls->sends = false;
    tls->events->stream.on_sent(upstream_tls_stream(tls));
}

void upstream_tls_on_sent(struct stream *stream)
{
    struct upstream_tls *tls = upstream_tls_of(stream);
    buffer_finish(&tls->output);
    if (tls->next.length > 0) {
        tls->output = tls->next;
        buffer_init(&tls->next, OUTPUT_BYTES_MAX);
        struct segment segment = segment_memory(buffer_slice(&tls->output));
        enum send_result result = stream_send(stream, &segment, 1);
        if (result == SEND_FAILED)
            upstream_tls_fail(tls, stream_error(stream));
        if (result != SEND_DONE)
            return;
        buffer_finish(&tls->output);
    }
    if (tls->shuts_down)
        upstream_tls_send_fin(tls);
    if (tls->sends && tls->held == NULL)
        upstream_tls_tell_sent(tls);
}

void upstream_tls_send_held(struct upstream_tls *tls)
{
    struct segment *segments = tls->held;
    if (segments == NULL || upstream_tls_is_closed(tls))
        return;
    tls->held = NULL;
    enum send_result result = upstream_tls_write(tls, segments, tls->held_count);
    free(segments);
    if (result == SEND_FAILED)
        upstream_tls_fail(tls, tls->error);
    else if (result == SEND_DONE)
        upstream_tls_tell_sent(tls);
}
