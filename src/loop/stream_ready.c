/* Reading, waiting and closing with a readiness backend.
 *
 * All rules for edge-triggering are in this file: a read that fills the buffer is followed by another one
 * (in the next turn, so that a busy peer cannot starve the others); a shorter read has drained the socket;
 * after the peer's FIN, reading continues until it returns 0.
 *
 * A hang-up (usually a reset) shows as an error of the next read or send. If neither is in progress,
 * because reading is paused, the owner is told separately, so that it can drop work for this client.
 *
 * Level-triggered backends are made to behave the same: an event that was reported but not acted on
 * (STREAM_READABLE while paused) is remembered and no longer waited for, see wait_for_change. So a pause
 * costs them nothing unless bytes arrive in it. */
#include "loop/internal.h"
#include "loop/stream.h"
#include "sys/socket.h"

#include <errno.h>

static bool stream_ready_has(const struct stream *stream, unsigned flag)
{
    return stream->flags & flag;
}

static int ensure_registered(struct stream *stream)
{
    if (stream_ready_has(stream, STREAM_REGISTERED))
        return 0;
    int error = watch_start(stream->loop, &stream->watch, WATCH_STREAM);
    if (error == 0)
        stream->flags |= STREAM_REGISTERED;
    return error;
}

/* Waits for the next change, but not for what the socket is already known to be ready for. Call it
 * wherever that may have changed. */
static void wait_for_change(struct stream *stream)
{
    if (!stream_ready_has(stream, STREAM_REGISTERED) || stream_ready_has(stream, STREAM_CLOSED))
        return;
    bool reads = !stream_ready_has(stream, STREAM_READABLE | STREAM_END_TOLD);
    bool writes = stream->sending && !stream_ready_has(stream, STREAM_WRITABLE);
    watch_want(stream->loop, &stream->watch, (reads ? WATCH_READABLE : 0u) | (writes ? WATCH_WRITABLE : 0u));
}

/* One recv(2) and its callback. The stream may be closed afterwards. */
static void read_once(struct stream *stream)
{
    assert(!stream_ready_has(stream, STREAM_CLOSED | STREAM_END_TOLD));
    struct loop *loop = stream->loop;
    size_t size = stream->read_max ? stream->read_max : sizeof(loop->read_buffer);
    assert(size <= sizeof(loop->read_buffer));
    ssize_t count = sys_recv(stream->watch.fd, loop->read_buffer, size);
    if (count == -EAGAIN) {
        stream->flags &= (uint8_t)~STREAM_READABLE;
        return;
    }
    if (count < 0) {
        stream_fail(stream, (int)count);
        return;
    }
    if (count == 0) {
        stream->flags = (uint8_t)((stream->flags & ~(STREAM_READABLE | STREAM_READING)) | STREAM_END_TOLD);
        stream->events->on_end(stream);
        return;
    }
    bool drained = (size_t)count < size && !stream_ready_has(stream, STREAM_PEER_ENDED);
    if (drained)
        stream->flags &= (uint8_t)~STREAM_READABLE;
    else
        stream_go_on_later(stream);
    stream_tell_read(stream, slice_make(loop->read_buffer, (size_t)count));
}

static bool wants_read(const struct stream *stream)
{
    return (stream->flags & (STREAM_READING | STREAM_READABLE | STREAM_CLOSED)) ==
           (STREAM_READING | STREAM_READABLE);
}

/* Registers the socket only if there is nothing to read yet, see stream_start. */
static int stream_ready_start(struct stream *stream)
{
    stream->flags |= STREAM_READABLE;
    read_once(stream);
    if (stream_ready_has(stream, STREAM_CLOSED | STREAM_END_TOLD))
        return 0;
    int error = ensure_registered(stream);
    wait_for_change(stream);
    return error;
}

static void stream_ready_resume(struct stream *stream)
{
    if (stream_ready_has(stream, STREAM_READABLE))
        stream_go_on_later(stream);
}

/* With select(2), "readable" may be a reset. */
static bool has_hung_up(const struct stream *stream)
{
    bool must_ask = stream->loop->backend->lacks_failed && stream_ready_has(stream, STREAM_READABLE);
    return stream_ready_has(stream, STREAM_HUNG_UP) || (must_ask && sys_has_hung_up(stream->watch.fd));
}

/* For a hang-up that no read or send will report. */
static void tell_hang_up(struct stream *stream)
{
    if (!stream_ready_has(stream, STREAM_READING | STREAM_CLOSED) && !stream->sending && has_hung_up(stream))
        stream_fail(stream, -ECONNRESET);
}

static void stream_ready_read_on(struct stream *stream)
{
    if (wants_read(stream))
        read_once(stream);
    tell_hang_up(stream);
    wait_for_change(stream);
}

static int stream_ready_wait_writable(struct stream *stream)
{
    int error = ensure_registered(stream);
    wait_for_change(stream);
    return error;
}

static void shutdown_sending(struct stream *stream)
{
    sys_shutdown_send(stream->watch.fd);
}

static void stream_ready_close_socket(struct stream *stream)
{
    if (stream_ready_has(stream, STREAM_REGISTERED))
        watch_close(stream->loop, &stream->watch);
    else
        sys_close(stream->watch.fd);
    stream_is_gone(stream);
}

static void stream_ready_on_ready(struct watch *watch, unsigned events)
{
    struct stream *stream = CONTAINER_OF(watch, struct stream, watch);
    if (stream_ready_has(stream, STREAM_CLOSED))
        return;
    if (events & (WATCH_READABLE | WATCH_ENDED | WATCH_FAILED))
        stream->flags |= STREAM_READABLE;
    if (events & (WATCH_ENDED | WATCH_FAILED))
        stream->flags |= STREAM_PEER_ENDED;
    if (events & WATCH_FAILED)
        stream->flags |= STREAM_HUNG_UP;
    /* What the peer sent before it reset the connection can still be read: an answer to a request that it did
     * not want to receive to its end. The send would fail. */
    if (events & WATCH_FAILED)
        stream_ready_read_on(stream);
    if (stream->sending && events & (WATCH_WRITABLE | WATCH_FAILED) &&
        !stream_ready_has(stream, STREAM_CLOSED))
        stream_is_writable(stream);
    stream_ready_read_on(stream);
}

const struct stream_verbs stream_verbs_ready = {
    .watch_events = {.on_ready = stream_ready_on_ready, .describe = stream_describe},
    .start = stream_ready_start,
    .resume = stream_ready_resume,
    .read_on = stream_ready_read_on,
    .wait_writable = stream_ready_wait_writable,
    .shutdown = shutdown_sending,
    .close = stream_ready_close_socket,
};
