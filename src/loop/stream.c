/* Streams: their lifetime, and sending, which is the same with every readiness backend: try the system call
 * first, wait only after EAGAIN. Sending also pauses until the next turn if a peer receives as fast as vif
 * sends. Reading, waiting and closing are done by the backend: stream_ready.c for readiness, stream_uring.c
 * for completions. */
#include "loop/stream.h"

#include "base/error.h"
#include "loop/internal.h"
#include "sys/file.h"
#include "sys/socket.h"

#include <errno.h>
#include <stdlib.h>

/* The most bytes that a stream sends per turn: one or two tenths of a millisecond. */
#define SEND_BYTES_MAX ((size_t)1 << 20)

/* The most bytes for one sendfile(2) while the turn has time. It copies nothing, so the reason for
 * STREAM_CALL_BYTES_MAX does not apply; and each call ends with a packet that is not full, so that many
 * small calls cost more. See docs/architecture.md for figures. */
#define SENDFILE_BYTES_MAX ((size_t)512 << 10)

/* Segments of memory that are together no longer than this are copied and sent by send(2): for two, with 1.3
 * KB, that takes 0.1 us less than sendmsg(2). */
#define JOINED_BYTES_MAX 4096

/* The unsent rest of a send. */
struct sending {
    size_t count;
    size_t next; /* index of the first segment with unsent bytes; its data/offset/length have been advanced */
    struct segment segments[];
};

static bool stream_has(const struct stream *stream, unsigned flag)
{
    return stream->flags & flag;
}

static const struct stream_verbs *verbs_of(const struct stream *stream)
{
    return stream->loop->backend->streams;
}

void stream_init(struct stream *stream, struct loop *loop, int fd, const struct stream_events *events)
{
    *stream = (struct stream){
        .watch = {.events = &loop->backend->streams->watch_events, .fd = fd},
        .loop = loop,
        .events = events,
    };
    list_init(&stream->again);
}

void stream_fail(struct stream *stream, int error)
{
    if (!stream_has(stream, STREAM_CLOSED))
        stream->events->on_error(stream, error);
}

void stream_go_on_later(struct stream *stream)
{
    if (list_is_empty(&stream->again))
        list_append(&stream->loop->again, &stream->again);
}

int stream_start(struct stream *stream)
{
    assert(!stream_has(stream, STREAM_CLOSED | STREAM_READING));
    stream->flags |= STREAM_READING;
    return verbs_of(stream)->start(stream);
}

void stream_read_pause(struct stream *stream)
{
    stream->flags &= (uint8_t)~STREAM_READING;
    if (verbs_of(stream)->pause && !stream_has(stream, STREAM_CLOSED))
        verbs_of(stream)->pause(stream);
}

void stream_read_resume(struct stream *stream)
{
    if (stream_has(stream, STREAM_READING | STREAM_END_TOLD | STREAM_CLOSED))
        return;
    stream->flags |= STREAM_READING;
    verbs_of(stream)->resume(stream);
}

/* Sends consecutive memory segments in one call. Returns the number of bytes taken, or -errno. */
static ssize_t send_memory(struct stream *stream, const struct segment *segments, size_t count)
{
    assert(count > 0 && segments[0].data != NULL);
    struct iovec pieces[STREAM_SEGMENTS_MAX];
    size_t used = 0;
    size_t room = STREAM_CALL_BYTES_MAX;
    while (used < count && segments[used].data != NULL && room > 0) {
        size_t length = MIN(segments[used].length, room);
        pieces[used] = (struct iovec){.iov_base = (void *)segments[used].data, .iov_len = length};
        room -= length;
        used++;
    }
    /* With MSG_MORE, a head and the file after it share packets. */
    bool file_follows = used < count && segments[used].data == NULL && room > 0;
    return sys_send(stream->watch.fd, pieces, used, file_follows);
}

/* The check comes after reading: a write sets the file's time before it changes a byte, so if the file is
 * still the same, the bytes read are, too. */
static ssize_t send_copy(struct stream *stream, const struct segment *segment, size_t length)
{
    assert(segment->data == NULL && length > 0);
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
    assert(segment->data == NULL && segment->fd >= 0 && length_max > 0);
    size_t length = MIN(segment->length, length_max);
    if (segment->is_copied || !stream->loop->may_sendfile)
        return send_copy(stream, segment, MIN(length, STREAM_CALL_BYTES_MAX));
    if (!stream->events->may_send_file(stream, segment))
        return ERROR_CHANGED;
    off_t offset = segment->offset;
    size_t call_max = loop_has_time(stream->loop) ? SENDFILE_BYTES_MAX : STREAM_CALL_BYTES_MAX;
    ssize_t sent = sys_sendfile(stream->watch.fd, segment->fd, &offset, MIN(length, call_max));
    return sent == 0 ? ERROR_CHANGED : sent;
}

size_t segments_advance(struct segment *segments, size_t next, size_t sent)
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
    stream_go_on_later(stream);
}

/* Sends until everything is sent, EAGAIN, or the stream has used its share of this turn; advances `*next`.
 * Returns 1 if everything is sent, 0 if not, or a negative error. */
static int stream_send_some(struct stream *stream, struct segment *segments, size_t count, size_t *next)
{
    size_t allowed = SEND_BYTES_MAX;
    while (*next < count) {
        bool is_much = allowed <= SEND_BYTES_MAX - STREAM_CALL_BYTES_MAX;
        if (allowed == 0 || (is_much && !loop_has_time(stream->loop))) {
            send_on_later(stream);
            return 0;
        }
        ssize_t sent = segments[*next].data ? send_memory(stream, segments + *next, count - *next)
                                            : send_file(stream, &segments[*next], allowed);
        if (sent == -EAGAIN)
            return 0;
        if (sent < 0)
            return (int)sent;
        *next = segments_advance(segments, *next, (size_t)sent);
        allowed -= MIN(allowed, (size_t)sent);
    }
    return 1;
}

static size_t stream_total_length(const struct segment *segments, size_t count)
{
    size_t length = 0;
    for (size_t i = 0; i < count; i++)
        length += segments[i].length;
    return length;
}

/* Of a failed send only the number of bytes is known; the owner calls stream_unsent before any other stream
 * is used. */
static void note_lost_bytes(struct stream *stream, const struct segment *segments, size_t count)
{
    stream->loop->lost_stream = stream;
    stream->loop->lost_bytes = stream_total_length(segments, count);
}

/* Keeps the rest of a send, to continue it; or, after a failure, for stream_unsent. If memory runs out, the
 * stream fails. */
static bool keep_rest(struct stream *stream, const struct segment *segments, size_t count)
{
    struct sending *sending = malloc(sizeof(*sending) + count * sizeof(struct segment));
    if (sending == NULL) {
        note_lost_bytes(stream, segments, count);
        return false;
    }
    sending->count = count;
    sending->next = 0;
    memcpy(sending->segments, segments, count * sizeof(struct segment));
    stream->sending = sending;
    return true;
}

static enum send_result remember(struct stream *stream, const struct segment *segments, size_t count)
{
    int error = -ENOMEM;
    if (keep_rest(stream, segments, count))
        error = stream_has(stream, STREAM_WRITABLE) ? 0 : verbs_of(stream)->wait_writable(stream);
    stream->error = (int16_t)error;
    return error == 0 ? SEND_PENDING : SEND_FAILED;
}

/* The total length of segments that are joined before they are sent; 0: they are not. */
static size_t joined_length(const struct segment *segments, size_t count)
{
    size_t length = 0;
    for (size_t i = 0; i < count && length <= JOINED_BYTES_MAX; i++) {
        if (segments[i].data == NULL)
            return 0;
        length += segments[i].length;
    }
    return length <= JOINED_BYTES_MAX ? length : 0;
}

/* As send_memory. */
static ssize_t send_joined(struct stream *stream, const struct segment *segments, size_t count)
{
    char joined[JOINED_BYTES_MAX];
    struct iovec piece = {.iov_base = joined};
    for (size_t i = 0; i < count; i++) {
        memcpy(joined + piece.iov_len, segments[i].data, segments[i].length);
        piece.iov_len += segments[i].length;
    }
    return sys_send(stream->watch.fd, &piece, 1, false);
}

/* Drops empty segments: if nothing is sent after MSG_MORE, the kernel holds the bytes back for 200 ms. */
size_t segments_copy_filled(struct segment *to, const struct segment *from, size_t count)
{
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        if (from[i].length > 0)
            to[used++] = from[i];
    }
    return used;
}

/* Continues a send of several segments after `sent` bytes of it, or an error. Returns the same as
 * stream_send_some. */
static int send_further(struct stream *stream, struct segment *segments, size_t count, size_t *next,
                        ssize_t sent)
{
    if (sent < 0)
        return sent == -EAGAIN ? 0 : (int)sent;
    *next = segments_advance(segments, 0, (size_t)sent);
    return stream_send_some(stream, segments, count, next);
}

/* `sent`: the bytes of the first segments that have been sent, or the error. */
static enum send_result send_all(struct stream *stream, const struct segment *segments, size_t segment_count,
                                 ssize_t sent)
{
    struct segment rest[STREAM_SEGMENTS_MAX];
    size_t count = segments_copy_filled(rest, segments, segment_count);
    size_t next = 0;
    int result = send_further(stream, rest, count, &next, sent);
    if (LIKELY(result > 0))
        return SEND_DONE;
    if (result == 0)
        return remember(stream, rest + next, count - next);
    (void)keep_rest(stream, rest + next, count - next);
    stream->error = (int16_t)result;
    return SEND_FAILED;
}

/* Sends with a backend that may stage the whole of it. */
static enum send_result send_or_stage(struct stream *stream, const struct segment *segments,
                                      size_t segment_count)
{
    struct segment rest[STREAM_SEGMENTS_MAX];
    size_t count = segments_copy_filled(rest, segments, segment_count);
    switch (verbs_of(stream)->try_stage(stream, rest, count)) {
    case STAGE_DONE: return SEND_DONE;
    case STAGE_BUSY:
        stream->flags &= (uint8_t)~STREAM_WRITABLE; /* must not be sent before the staged send */
        return remember(stream, rest, count);
    case STAGE_NOT: return send_all(stream, rest, count, 0);
    }
    UNREACHABLE();
}

/* The usual case of a response. */
static bool is_small_memory(const struct segment *segment)
{
    return segment->data != NULL && segment->length > 0 && segment->length <= STREAM_CALL_BYTES_MAX;
}

enum send_result stream_send(struct stream *stream, const struct segment *segments, size_t segment_count)
{
    ssize_t sent = 0;
    size_t length;
    assert(stream->sending == NULL && !stream_has(stream, STREAM_CLOSED));
    assert(segment_count <= STREAM_SEGMENTS_MAX);
    if (verbs_of(stream)->try_stage)
        return send_or_stage(stream, segments, segment_count);
    if (LIKELY(segment_count == 1 && is_small_memory(segments))) {
        struct iovec piece = {.iov_base = (void *)segments->data, .iov_len = segments->length};
        sent = sys_send(stream->watch.fd, &piece, 1, false);
        if (LIKELY(sent == (ssize_t)segments->length))
            return SEND_DONE;
    } else if (segment_count > 1 && (length = joined_length(segments, segment_count)) > 0) {
        sent = send_joined(stream, segments, segment_count);
        if (LIKELY(sent == (ssize_t)length))
            return SEND_DONE;
    }
    return send_all(stream, segments, segment_count, sent);
}

void stream_send_on(struct stream *stream)
{
    assert(stream->sending != NULL && !stream_has(stream, STREAM_CLOSED));
    struct sending *sending = stream->sending;
    stream->flags &= (uint8_t)~STREAM_WRITABLE;
    int result = stream_send_some(stream, sending->segments, sending->count, &sending->next);
    if (result == 0 && !stream_has(stream, STREAM_WRITABLE))
        result = verbs_of(stream)->wait_writable(stream);
    if (result == 0)
        return;
    if (result < 0) {
        /* The unsent bytes are kept until the stream is closed: see stream_unsent. */
        stream->error = (int16_t)result;
        stream_fail(stream, result);
        return;
    }
    stream->sending = NULL;
    free(sending);
    stream->events->on_sent(stream);
}

void stream_is_writable(struct stream *stream)
{
    assert(stream->sending != NULL);
    if (loop_has_time(stream->loop))
        stream_send_on(stream);
    else
        send_on_later(stream);
}

void stream_send_later(struct stream *stream)
{
    assert(stream->sending == NULL && !stream_has(stream, STREAM_CLOSED));
    send_on_later(stream);
}

static void stream_go_on(struct stream *stream)
{
    assert(!stream_has(stream, STREAM_CLOSED));
    bool writable = stream_has(stream, STREAM_WRITABLE);
    stream->flags &= (uint8_t)~STREAM_WRITABLE;
    if (writable && stream->sending)
        stream_send_on(stream);
    else if (writable)
        stream->events->on_sent(stream);
    if (!stream_has(stream, STREAM_CLOSED))
        verbs_of(stream)->read_on(stream);
}

void streams_go_on(struct loop *loop)
{
    loop->slice_began_ns = loop->checked_ns;
    while (!list_is_empty(&loop->due)) {
        struct stream *stream = CONTAINER_OF(loop->due.next, struct stream, again);
        list_remove(&stream->again);
        stream_go_on(stream);
        loop_check_stall(loop, &stream->watch);
        if (!loop_has_time(loop))
            return;
    }
}

void stream_shutdown(struct stream *stream)
{
    assert(stream->sending == NULL && !stream_has(stream, STREAM_CLOSED));
    verbs_of(stream)->shutdown(stream);
}

bool stream_peer_has_left(const struct stream *stream)
{
    assert(!stream_has(stream, STREAM_CLOSED));
    return stream_has(stream, STREAM_HUNG_UP) || sys_has_hung_up(stream->watch.fd);
}

size_t stream_unsent(const struct stream *stream)
{
    const struct stream_verbs *verbs = verbs_of(stream);
    size_t bytes = verbs->unsent ? verbs->unsent(stream) : 0;
    const struct sending *sending = stream->sending;
    if (sending)
        bytes += stream_total_length(sending->segments + sending->next, sending->count - sending->next);
    else if (UNLIKELY(stream->loop->lost_stream == stream))
        bytes += stream->loop->lost_bytes;
    return bytes;
}

void stream_break_send(struct stream *stream, int error)
{
    struct sending *sending = stream->sending;
    assert(sending != NULL && error < 0);
    note_lost_bytes(stream, sending->segments + sending->next, sending->count - sending->next);
    free(sending);
    stream->sending = NULL;
    stream->error = stream->error ? stream->error : (int16_t)error;
    stream->flags &= (uint8_t)~STREAM_WRITABLE;
}

void stream_drop_send(struct stream *stream)
{
    assert(stream->error != 0);
    free(stream->sending);
    stream->sending = NULL;
    stream->error = 0;
    stream->flags &= (uint8_t)~STREAM_WRITABLE;
    if (UNLIKELY(stream->loop->lost_stream == stream))
        stream->loop->lost_stream = NULL;
}

size_t stream_unacknowledged(const struct stream *stream)
{
    assert(!stream_has(stream, STREAM_CLOSED));
    return sys_unacknowledged(stream->watch.fd);
}

void stream_reset_on_close(struct stream *stream)
{
    assert(!stream_has(stream, STREAM_CLOSED));
    sys_reset_on_close(stream->watch.fd);
}

uint64_t stream_send_idle_ms(const struct stream *stream)
{
    assert(!stream_has(stream, STREAM_CLOSED));
    return sys_send_idle_ms(stream->watch.fd);
}

void stream_close(struct stream *stream)
{
    if (stream_has(stream, STREAM_CLOSED))
        return;
    stream->flags |= STREAM_CLOSED;
    free(stream->sending);
    stream->sending = NULL;
    if (UNLIKELY(stream->loop->lost_stream == stream))
        stream->loop->lost_stream = NULL;
    list_remove(&stream->again);
    verbs_of(stream)->close(stream);
    stream->watch.fd = -1;
}

void stream_is_gone(struct stream *stream)
{
    assert(stream_has(stream, STREAM_CLOSED));
    list_append(&stream->loop->closed, &stream->again);
}

void streams_tell_closed(struct loop *loop)
{
    while (!list_is_empty(&loop->closed)) {
        struct stream *stream = CONTAINER_OF(loop->closed.next, struct stream, again);
        list_remove(&stream->again);
        assert(stream_has(stream, STREAM_CLOSED));
        stream->events->on_closed(stream);
    }
}

size_t stream_describe(const struct watch *watch, char *out, size_t size)
{
    const struct stream *stream = CONTAINER_OF(watch, const struct stream, watch);
    return stream->events->describe(stream, out, size);
}
