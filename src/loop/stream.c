/* Streams over a readiness backend: try the system call first, wait only when it says EAGAIN.
 *
 * Edge-triggered rules kept here and nowhere else: a read that fills the buffer is followed by another (in
 * the next turn, so that one busy peer cannot starve the rest), one that does not has drained the socket;
 * after the peer's FIN reads go on until they return 0. Sending rests until the next turn too, when a peer
 * takes all that it is given.
 *
 * Level-triggered backends are made to look the same: what was told and not acted on (STREAM_READABLE while
 * paused) is remembered as an edge would have to be, and no longer waited for; see wait_for_change. So a
 * pause costs them nothing unless bytes come in it. */
#include "loop/stream.h"

#include "base/error.h"
#include "loop/internal.h"
#include "sys/file.h"
#include "sys/socket.h"

#include <errno.h>
#include <stdlib.h>

/* Bytes sent in one turn before others get theirs: a tenth of a millisecond or two. */
#define SEND_BYTES_MAX ((size_t)1 << 20)

/* What is left of a send that the socket did not take whole. */
struct sending {
    size_t count;
    size_t next; /* the first segment that is not sent whole; its data/offset/length have moved on */
    struct segment segments[];
};

static const struct watch_events stream_watch_events;

static bool has(const struct stream *stream, unsigned flag)
{
    return stream->flags & flag;
}

void stream_init(struct stream *stream, struct loop *loop, int fd, const struct stream_events *events)
{
    *stream = (struct stream){
        .watch = {.events = &stream_watch_events, .fd = fd},
        .loop = loop,
        .events = events,
    };
    list_init(&stream->again);
}

static int ensure_registered(struct stream *stream)
{
    if (has(stream, STREAM_REGISTERED))
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
    if (!has(stream, STREAM_REGISTERED) || has(stream, STREAM_CLOSED))
        return;
    bool reads = !has(stream, STREAM_READABLE | STREAM_END_TOLD);
    bool writes = stream->sending && !has(stream, STREAM_WRITABLE);
    watch_want(stream->loop, &stream->watch, (reads ? WATCH_READABLE : 0u) | (writes ? WATCH_WRITABLE : 0u));
}

static void fail(struct stream *stream, int error)
{
    if (!has(stream, STREAM_CLOSED))
        stream->events->on_error(stream, error);
}

static void go_on_later(struct stream *stream)
{
    if (list_is_empty(&stream->again))
        list_append(&stream->loop->again, &stream->again);
}

/* One recv(2) and its callback. Afterwards the stream may be closed. */
static void read_once(struct stream *stream)
{
    struct loop *loop = stream->loop;
    ssize_t count = sys_recv(stream->watch.fd, loop->read_buffer, sizeof(loop->read_buffer));
    if (count == -EAGAIN) {
        stream->flags &= (uint8_t)~STREAM_READABLE;
        return;
    }
    if (count < 0) {
        fail(stream, (int)count);
        return;
    }
    if (count == 0) {
        stream->flags = (uint8_t)((stream->flags & ~(STREAM_READABLE | STREAM_READING)) | STREAM_END_TOLD);
        stream->events->on_end(stream);
        return;
    }
    bool drained = (size_t)count < sizeof(loop->read_buffer) && !has(stream, STREAM_PEER_ENDED);
    if (drained)
        stream->flags &= (uint8_t)~STREAM_READABLE;
    else
        go_on_later(stream);
    stream->events->on_read(stream, slice_make(loop->read_buffer, (size_t)count));
}

static bool wants_read(const struct stream *stream)
{
    return (stream->flags & (STREAM_READING | STREAM_READABLE | STREAM_CLOSED)) ==
           (STREAM_READING | STREAM_READABLE);
}

int stream_start(struct stream *stream)
{
    stream->flags |= STREAM_READING | STREAM_READABLE;
    read_once(stream);
    if (has(stream, STREAM_CLOSED | STREAM_END_TOLD))
        return 0;
    int error = ensure_registered(stream);
    wait_for_change(stream);
    return error;
}

void stream_read_pause(struct stream *stream)
{
    stream->flags &= (uint8_t)~STREAM_READING;
}

void stream_read_resume(struct stream *stream)
{
    if (has(stream, STREAM_READING | STREAM_END_TOLD | STREAM_CLOSED))
        return;
    stream->flags |= STREAM_READING;
    if (has(stream, STREAM_READABLE))
        go_on_later(stream);
}

/* Sends a run of memory segments in one call. Returns the bytes taken or -errno. */
static ssize_t send_memory(struct stream *stream, const struct segment *segments, size_t count)
{
    struct iovec pieces[STREAM_SEGMENTS_MAX];
    size_t used = 0;
    size_t room = LOOP_CALL_BYTES_MAX;
    while (used < count && segments[used].data != NULL && room > 0) {
        size_t length = MIN(segments[used].length, room);
        pieces[used] = (struct iovec){.iov_base = (void *)segments[used].data, .iov_len = length};
        room -= length;
        used++;
    }
    /* A head and the file behind it fill packets together. */
    bool file_follows = used < count && segments[used].data == NULL && room > 0;
    return sys_send(stream->watch.fd, pieces, used, file_follows);
}

/* The check comes behind the reading: a write sets the file's time before it changes a byte, so what was read
 * of a file that is still the same is the same too. */
static ssize_t send_copy(struct stream *stream, const struct segment *segment, size_t length)
{
    char *copy = stream->loop->copy_buffer;
    ssize_t count = sys_read_at(segment->fd, copy, length, segment->offset, false);
    if (count <= 0)
        return count == 0 ? ERROR_CHANGED : count;
    if (!stream->events->may_send_file(stream, segment))
        return ERROR_CHANGED;
    struct iovec piece = {.iov_base = copy, .iov_len = (size_t)count};
    return sys_send(stream->watch.fd, &piece, 1, false);
}

static ssize_t send_file(struct stream *stream, const struct segment *segment, size_t length_max)
{
    size_t length = MIN(MIN(segment->length, length_max), LOOP_CALL_BYTES_MAX);
    if (segment->is_copied)
        return send_copy(stream, segment, length);
    if (!stream->events->may_send_file(stream, segment))
        return ERROR_CHANGED;
    off_t offset = segment->offset;
    ssize_t sent = sys_sendfile(stream->watch.fd, segment->fd, &offset, length);
    return sent == 0 ? ERROR_CHANGED : sent;
}

/* Moves `next` past `sent` bytes. */
static size_t advance(struct segment *segments, size_t next, size_t sent)
{
    while (sent > 0) {
        struct segment *segment = &segments[next];
        size_t part = MIN(sent, segment->length);
        segment->length -= part;
        if (segment->data)
            segment->data += part;
        else
            segment->offset += (off_t)part;
        sent -= part;
        next += segment->length == 0;
    }
    return next;
}

static void send_on_later(struct stream *stream)
{
    stream->flags |= STREAM_WRITABLE;
    go_on_later(stream);
}

/* Sends until done, EAGAIN, or SEND_BYTES_MAX; `*next` moves on. Returns 1 when done, 0 when not, or a
 * negative error. */
static int send_some(struct stream *stream, struct segment *segments, size_t count, size_t *next)
{
    size_t allowed = SEND_BYTES_MAX;
    while (*next < count) {
        if (allowed == 0) {
            send_on_later(stream);
            return 0;
        }
        ssize_t sent = segments[*next].data ? send_memory(stream, segments + *next, count - *next)
                                            : send_file(stream, &segments[*next], allowed);
        if (sent == -EAGAIN)
            return 0;
        if (sent < 0)
            return (int)sent;
        *next = advance(segments, *next, (size_t)sent);
        allowed -= MIN(allowed, (size_t)sent);
    }
    return 1;
}

static enum send_result remember(struct stream *stream, const struct segment *segments, size_t count)
{
    struct sending *sending = malloc(sizeof(*sending) + count * sizeof(struct segment));
    if (sending == NULL || ensure_registered(stream) < 0) {
        free(sending);
        return SEND_FAILED;
    }
    sending->count = count;
    sending->next = 0;
    memcpy(sending->segments, segments, count * sizeof(struct segment));
    stream->sending = sending;
    wait_for_change(stream);
    return SEND_PENDING;
}

/* Copies the segments that are not empty: behind MSG_MORE nothing may follow that sends nothing, or the
 * kernel holds the bytes back for 200 ms. */
static size_t copy_segments(struct segment *to, const struct segment *from, size_t count)
{
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        if (from[i].length > 0)
            to[used++] = from[i];
    }
    return used;
}

enum send_result stream_send(struct stream *stream, const struct segment *segments, size_t segment_count)
{
    assert(stream->sending == NULL && !has(stream, STREAM_CLOSED));
    assert(segment_count <= STREAM_SEGMENTS_MAX);
    struct segment rest[STREAM_SEGMENTS_MAX];
    size_t count = copy_segments(rest, segments, segment_count);
    size_t next = 0;
    int result = send_some(stream, rest, count, &next);
    if (LIKELY(result > 0))
        return SEND_DONE;
    return result < 0 ? SEND_FAILED : remember(stream, rest + next, count - next);
}

static void continue_sending(struct stream *stream)
{
    struct sending *sending = stream->sending;
    stream->flags &= (uint8_t)~STREAM_WRITABLE;
    int result = send_some(stream, sending->segments, sending->count, &sending->next);
    if (result == 0)
        return;
    stream->sending = NULL;
    free(sending);
    if (result > 0)
        stream->events->on_sent(stream);
    else
        fail(stream, result);
}

static void on_ready(struct watch *watch, unsigned events)
{
    struct stream *stream = CONTAINER_OF(watch, struct stream, watch);
    if (has(stream, STREAM_CLOSED))
        return;
    if (events & (WATCH_READABLE | WATCH_ENDED | WATCH_FAILED))
        stream->flags |= STREAM_READABLE;
    if (events & (WATCH_ENDED | WATCH_FAILED))
        stream->flags |= STREAM_PEER_ENDED;
    if (stream->sending && events & (WATCH_WRITABLE | WATCH_FAILED))
        continue_sending(stream);
    if (wants_read(stream))
        read_once(stream);
    wait_for_change(stream);
}

void stream_send_later(struct stream *stream)
{
    assert(stream->sending == NULL && !has(stream, STREAM_CLOSED));
    send_on_later(stream);
}

static void go_on(struct stream *stream)
{
    bool writable = has(stream, STREAM_WRITABLE);
    stream->flags &= (uint8_t)~STREAM_WRITABLE;
    if (writable && stream->sending)
        continue_sending(stream);
    else if (writable)
        stream->events->on_sent(stream);
    if (wants_read(stream))
        read_once(stream);
    wait_for_change(stream);
}

void streams_go_on(struct loop *loop)
{
    struct list due;
    list_init(&due);
    list_splice(&due, &loop->again);
    while (!list_is_empty(&due)) {
        struct stream *stream = CONTAINER_OF(due.next, struct stream, again);
        list_remove(&stream->again);
        go_on(stream);
        loop_check_stall(loop, &stream->watch);
    }
}

void stream_shutdown(struct stream *stream)
{
    assert(stream->sending == NULL && !has(stream, STREAM_CLOSED));
    sys_shutdown_send(stream->watch.fd);
}

size_t stream_unsent(const struct stream *stream)
{
    size_t bytes = 0;
    const struct sending *sending = stream->sending;
    for (size_t i = sending ? sending->next : 0; sending && i < sending->count; i++)
        bytes += sending->segments[i].length;
    return bytes;
}

size_t stream_unacknowledged(const struct stream *stream)
{
    assert(!has(stream, STREAM_CLOSED));
    return sys_unacknowledged(stream->watch.fd);
}

void stream_close(struct stream *stream)
{
    if (has(stream, STREAM_CLOSED))
        return;
    stream->flags |= STREAM_CLOSED;
    free(stream->sending);
    stream->sending = NULL;
    if (has(stream, STREAM_REGISTERED))
        watch_close(stream->loop, &stream->watch);
    else
        sys_close(stream->watch.fd);
    stream->watch.fd = -1;
    list_remove(&stream->again);
    list_append(&stream->loop->closed, &stream->again);
}

void streams_tell_closed(struct loop *loop)
{
    while (!list_is_empty(&loop->closed)) {
        struct stream *stream = CONTAINER_OF(loop->closed.next, struct stream, again);
        list_remove(&stream->again);
        stream->events->on_closed(stream);
    }
}

static size_t describe(const struct watch *watch, char *out, size_t size)
{
    const struct stream *stream = CONTAINER_OF(watch, const struct stream, watch);
    return stream->events->describe(stream, out, size);
}

static const struct watch_events stream_watch_events = {
    .on_ready = on_ready, .name = "serving a stream", .describe = describe};
