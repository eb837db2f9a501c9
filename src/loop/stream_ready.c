/* Reading, waiting and closing over a readiness backend.
 *
 * Edge-triggered rules kept here and nowhere else: a read that fills the buffer is followed by another (in
 * the next turn, so that one busy peer cannot starve the rest), one that does not has drained the socket;
 * after the peer's FIN reads go on until they return 0.
 *
 * A hang-up (a reset, as a rule) is an error that a read or a send runs into. Where neither is under way,
 * because reading is paused, the owner is told by itself: a job that is done for this client may be dropped.
 *
 * Level-triggered backends are made to look the same: what was told and not acted on (STREAM_READABLE while
 * paused) is remembered as an edge would have to be, and no longer waited for; see wait_for_change. So a
 * pause costs them nothing unless bytes come in it. */
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

/* Waits for the next change: what the socket is known to be ready for is not waited for. Called wherever that
 * may be another thing than before. */
static void wait_for_change(struct stream *stream)
{
    if (!stream_ready_has(stream, STREAM_REGISTERED) || stream_ready_has(stream, STREAM_CLOSED))
        return;
    bool reads = !stream_ready_has(stream, STREAM_READABLE | STREAM_END_TOLD);
    bool writes = stream->sending && !stream_ready_has(stream, STREAM_WRITABLE);
    watch_want(stream->loop, &stream->watch, (reads ? WATCH_READABLE : 0u) | (writes ? WATCH_WRITABLE : 0u));
}

/* One recv(2) and its callback. Afterwards the stream may be closed. */
static void read_once(struct stream *stream)
{
    struct loop *loop = stream->loop;
    size_t size = stream->read_max ? stream->read_max : sizeof(loop->read_buffer);
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
    stream->events->on_read(stream, slice_make(loop->read_buffer, (size_t)count));
}

static bool wants_read(const struct stream *stream)
{
    return (stream->flags & (STREAM_READING | STREAM_READABLE | STREAM_CLOSED)) ==
           (STREAM_READING | STREAM_READABLE);
}

/* Tries at once, because a client that just connected has mostly sent its request, and registers the socket
 * only if it must wait. */
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

/* What select(2) calls readable may be a reset. */
static bool has_hung_up(const struct stream *stream)
{
    bool must_ask = stream->loop->backend->lacks_failed && stream_ready_has(stream, STREAM_READABLE);
    return stream_ready_has(stream, STREAM_HUNG_UP) || (must_ask && sys_has_hung_up(stream->watch.fd));
}

/* Neither a read nor a send will run into it. */
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
    if (stream->sending && events & (WATCH_WRITABLE | WATCH_FAILED))
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
