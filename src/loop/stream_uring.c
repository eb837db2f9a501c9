/* Reading, waiting and closing with io_uring.
 *
 * While a stream reads, it has one multishot receive in the kernel: bytes arrive in buffers shared by all
 * streams, with one completion each and without a system call. If the kernel ends the receive (as it may
 * when a queue is full or the buffers run out), it is submitted again.
 *
 * A pause leaves the receive in place, because usually nothing arrives. If bytes do arrive, they are
 * copied and held, and the receive is cancelled; so a peer can send at most half a mebibyte (32 buffers,
 * after which the kernel serves other streams) before its window closes.
 *
 * A reset during a pause is reported at once, even if bytes are held, because no response can be
 * delivered. If there is no receive in the kernel during a pause, a poll waits for the reset. It is a
 * multishot poll, which reports changes only: a one-shot poll would complete immediately, again and again,
 * once the peer has ended its sending side.
 *
 * Small sends are staged, see uring_send.c. Everything else is sent by separate system calls, as in other
 * backends: for files sendfile(2) was cheapest (per 64 KiB over loopback 23 us of CPU time; a linked read
 * and send in the ring 24, a splice 29, most of it in the kernel's helper threads).
 *
 * If operations are in the kernel, closing is submitted, too: their cancellation, followed by the close,
 * in one batch. on_closed is called after the last completion. */
#include "loop/uring.h"

#include "loop/stream.h"
#include "sys/socket.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>

static bool stream_uring_has(const struct stream *stream, unsigned flag)
{
    return stream->flags & flag;
}

/* ---- receiving ---- */

static void receive(struct stream *stream)
{
    struct io_uring_sqe *entry = uring_entry(uring_of(stream));
    io_uring_prep_recv_multishot(entry, stream->watch.fd, NULL, 0, 0);
    entry->flags |= IOSQE_BUFFER_SELECT;
    entry->buf_group = URING_BUFFER_GROUP;
    uring_mark(entry, stream, URING_RECEIVE);
}

static void receive_again(struct stream *stream)
{
    bool wants_more = stream_uring_has(stream, STREAM_READING) &&
                      !stream_uring_has(stream, STREAM_CLOSED | STREAM_END_TOLD);
    if (wants_more && !(stream->in_flight & (URING_RECEIVE | URING_HELD)))
        receive(stream);
}

static void stream_uring_tell_end(struct stream *stream, int result)
{
    if (result < 0) {
        stream_fail(stream, result);
        return;
    }
    stream->flags = (uint8_t)((stream->flags & ~STREAM_READING) | STREAM_END_TOLD);
    stream->events->on_end(stream);
}

/* Polls for the end of the connection, so that it is noticed during a pause. A pending send would notice
 * it itself. */
static void pause_reading(struct stream *stream)
{
    bool is_receiving = (stream->in_flight & (URING_RECEIVE | URING_CANCELLING)) == URING_RECEIVE;
    if (is_receiving || stream->sending || stream->in_flight & (URING_HANG_UP | URING_FIRST))
        return;
    struct io_uring_sqe *entry = uring_entry(uring_of(stream));
    io_uring_prep_poll_multishot(entry, stream->watch.fd, 0);
    uring_mark(entry, stream, URING_HANG_UP);
}

/* The first read is a plain recv(2), because a client that just connected has usually sent its request,
 * and the response to it is sent by a plain call, too; so a connection for one request never uses the
 * ring. Sending and closing through the ring would cost it a sixth more. */
static int stream_uring_start(struct stream *stream)
{
    struct loop *loop = stream->loop;
    stream->in_flight |= URING_FIRST;
    ssize_t count = sys_recv(stream->watch.fd, loop->read_buffer, sizeof(loop->read_buffer));
    if (count > 0)
        stream_tell_read(stream, slice_make(loop->read_buffer, (size_t)count));
    else if (count != -EAGAIN)
        stream_uring_tell_end(stream, (int)count);
    stream->in_flight &= (uint16_t)~URING_FIRST;
    receive_again(stream);
    if (!stream_uring_has(stream, STREAM_READING | STREAM_CLOSED))
        pause_reading(stream);
    return 0;
}

/* ---- bytes that arrive in a pause ---- */

/* Found by the stream's address in the ring's map, which saves a pointer in each stream; few streams hold
 * bytes. */
struct held {
    struct map_link link;
    struct stream *stream;
    size_t length;
    size_t told; /* the first `told` bytes have been delivered */
    int end;     /* 1: none yet; otherwise the result that ended the receive: 0 or -errno */
    char bytes[];
};

#define HELD_NO_END 1

static uint64_t held_hash(const struct stream *stream)
{
    return (uintptr_t)stream / sizeof(*stream);
}

static struct held *find_held(const struct stream *stream)
{
    struct map_link *link = map_find(uring_held(uring_of(stream)), held_hash(stream));
    while (link && CONTAINER_OF(link, struct held, link)->stream != stream)
        link = map_find_next(link);
    return link ? CONTAINER_OF(link, struct held, link) : NULL;
}

static void stream_uring_take_out(struct stream *stream, struct held *held)
{
    map_remove(uring_held(uring_of(stream)), &held->link);
    stream->in_flight &= (uint16_t)~URING_HELD;
}

static void drop_held(struct stream *stream)
{
    if (!(stream->in_flight & URING_HELD))
        return;
    struct held *held = find_held(stream);
    stream_uring_take_out(stream, held);
    free(held);
}

/* Appends the bytes, or the end, to what is already held. */
static int hold(struct stream *stream, struct slice bytes, int end)
{
    struct held *before = NULL;
    if (stream->in_flight & URING_HELD) {
        before = find_held(stream);
        stream_uring_take_out(stream, before);
    }
    size_t length = before ? before->length : 0;
    struct held *held = realloc(before, sizeof(*held) + length + bytes.length);
    if (held == NULL) {
        free(before);
        return -ENOMEM;
    }
    if (before == NULL)
        *held = (struct held){.stream = stream};
    if (bytes.length > 0)
        memcpy(held->bytes + length, bytes.data, bytes.length);
    held->length = length + bytes.length;
    held->end = end;
    if (map_insert(uring_held(uring_of(stream)), &held->link, held_hash(stream)) < 0) {
        free(held);
        return -ENOMEM;
    }
    stream->in_flight |= URING_HELD;
    return 0;
}

/* Delivers a copy, because the owner may close the stream, which frees the held bytes. */
static void tell_held(struct stream *stream)
{
    struct held *held = find_held(stream);
    char *copy = stream->loop->read_buffer;
    size_t length = MIN(held->length - held->told, sizeof(stream->loop->read_buffer));
    int end = held->end;
    memcpy(copy, held->bytes + held->told, length);
    held->told += length;
    bool is_last = length == 0 || (held->told == held->length && end == HELD_NO_END);
    if (is_last) {
        stream_uring_take_out(stream, held);
        free(held);
    } else {
        stream_go_on_later(stream);
    }
    if (length > 0)
        stream_tell_read(stream, slice_make(copy, length));
    else
        stream_uring_tell_end(stream, end);
}

static void stream_uring_read_on(struct stream *stream)
{
    if (stream_uring_has(stream, STREAM_READING) && stream->in_flight & URING_HELD)
        tell_held(stream);
    receive_again(stream);
}

static void stream_uring_resume(struct stream *stream)
{
    if (stream->in_flight & URING_HELD)
        stream_go_on_later(stream);
    else
        receive_again(stream);
}

/* Keeps bytes, or an end, that cannot be delivered now. */
static void stream_uring_keep(struct stream *stream, struct slice bytes, int end)
{
    if (hold(stream, bytes, end) < 0) {
        stream_fail(stream, -ENOMEM);
        return;
    }
    if ((stream->in_flight & (URING_RECEIVE | URING_CANCELLING)) == URING_RECEIVE) {
        stream->in_flight |= URING_CANCELLING;
        uring_cancel(uring_of(stream), stream, URING_RECEIVE);
    }
    if (stream_uring_has(stream, STREAM_READING))
        stream_go_on_later(stream);
    else
        pause_reading(stream);
}

static void on_received(struct stream *stream)
{
    int result = uring_completion(uring_of(stream))->result;
    struct slice bytes = uring_bytes(uring_of(stream));
    /* No buffers, or cancelled: not an error. By the next wait all buffers are back. */
    bool is_nothing = result == -ENOBUFS || result == -ECANCELED;
    bool must_wait = !stream_uring_has(stream, STREAM_READING) || stream->in_flight & URING_HELD;
    bool is_over = result < 0 && !is_nothing;
    if (is_over && !stream_uring_has(stream, STREAM_READING))
        stream_fail(stream, result);
    else if (!is_nothing && must_wait)
        stream_uring_keep(stream, bytes, result > 0 ? HELD_NO_END : result);
    else if (result > 0)
        stream_tell_read(stream, bytes);
    else if (!is_nothing)
        stream_uring_tell_end(stream, result);
}

/* If reading or sending is in progress, that will report the hang-up. */
static void on_hang_up(struct stream *stream)
{
    int events = uring_completion(uring_of(stream))->result;
    bool is_over = events >= 0 && events & (POLLERR | POLLHUP);
    if (!is_over)
        return;
    stream->flags |= STREAM_HUNG_UP;
    if (!stream_uring_has(stream, STREAM_READING) && !stream->sending)
        stream_fail(stream, -ECONNRESET);
}

/* ---- waiting to write, and closing ---- */

static int stream_uring_wait_writable(struct stream *stream)
{
    if (stream->in_flight & URING_SEND)
        return 0;
    stream->in_flight |= URING_CONGESTED;
    if (stream->in_flight & URING_WRITABLE)
        return 0;
    struct io_uring_sqe *entry = uring_entry(uring_of(stream));
    io_uring_prep_poll_add(entry, stream->watch.fd, POLLOUT);
    uring_mark(entry, stream, URING_WRITABLE);
    return 0;
}

static void stream_uring_close_socket(struct stream *stream)
{
    struct backend_state *state = uring_of(stream);
    drop_held(stream);
    if (!(stream->in_flight & URING_OPERATIONS)) {
        sys_close(stream->watch.fd);
        stream_is_gone(stream);
        return;
    }
    if (stream->in_flight & URING_RECEIVE)
        uring_cancel(state, stream, URING_RECEIVE);
    if (stream->in_flight & URING_WRITABLE)
        uring_cancel(state, stream, URING_WRITABLE);
    if (stream->in_flight & URING_HANG_UP)
        uring_cancel(state, stream, URING_HANG_UP);
    if (stream->in_flight & URING_SEND)
        uring_send_before_close(stream);
    struct io_uring_sqe *entry = uring_entry(state);
    io_uring_prep_close(entry, stream->watch.fd);
    entry->flags |= IOSQE_CQE_SKIP_SUCCESS;
    stream->loop->closing++;
}

/* Handles a completion of a stream that has been closed. */
static void stream_uring_on_late(struct stream *stream)
{
    if (stream->in_flight & URING_OPERATIONS)
        return;
    stream->loop->closing--;
    stream_is_gone(stream);
}

static void on_completed(struct watch *watch, unsigned event)
{
    struct stream *stream = CONTAINER_OF(watch, struct stream, watch);
    struct backend_state *state = uring_of(stream);
    bool was_closed = stream_uring_has(stream, STREAM_CLOSED);
    switch ((enum uring_operation)event) {
    case URING_SEND: uring_send_completed(stream); break;
    case URING_HANG_UP:
        if (!was_closed)
            on_hang_up(stream);
        break;
    case URING_WRITABLE:
        if (stream->sending)
            stream_is_writable(stream);
        break;
    case URING_RECEIVE:
        if (!was_closed)
            on_received(stream);
        uring_give_back(state);
        receive_again(stream);
        break;
    }
    if (was_closed)
        stream_uring_on_late(stream);
}

const struct stream_verbs stream_verbs_uring = {
    .watch_events = {.on_ready = on_completed, .describe = stream_describe},
    .start = stream_uring_start,
    .pause = pause_reading,
    .resume = stream_uring_resume,
    .read_on = stream_uring_read_on,
    .wait_writable = stream_uring_wait_writable,
    .try_stage = uring_send_try_stage,
    .unsent = uring_send_unsent,
    .shutdown = uring_send_shutdown,
    .close = stream_uring_close_socket,
};
