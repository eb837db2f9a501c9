/* TLS output. Up to 63 KiB of plaintext at a time are encrypted into the worker's shared buffer and passed to
 * the stream in one call. If the socket is full, the connection keeps the buffer until it is sent; plaintext
 * that is not encrypted yet is kept as segments, whose memory belongs to the owner. */
#include "front/tls_transport.h"

#include "base/error.h"
#include "front/front.h"
#include "sys/file.h"

#include <errno.h>
#include <stdlib.h>

/* Most bytes that a connection sends in one turn. */
#define TURN_BYTES_MAX ((size_t)1 << 20)

/* When this many connections keep full-size buffers, others get small ones. */
#define HELD_FULL_MAX 256

#define SHORT_CONTENT_MAX TLS_RECORD_BYTES_MAX

struct tls_sending {
    struct buffer ciphertext; /* that the stream has; empty: it has none */
    size_t content;           /* bytes of plaintext in it */
    struct buffer next;       /* what the session made by itself meanwhile */
    size_t count;             /* segments not encrypted yet, from `at` on */
    size_t at;
    struct segment *segments;
};

/* ---- what has to wait ---- */

static struct tls_sending *ensure_sending(struct tls_transport *tls)
{
    if (tls->sending)
        return tls->sending;
    struct tls_sending *sending = calloc(1, sizeof(*sending));
    if (sending)
        buffer_init(&sending->next, TLS_OUTPUT_BYTES_MAX);
    tls->sending = sending;
    return sending;
}

static void release_ciphertext(struct tls_transport *tls)
{
    struct tls_worker *worker = tls_worker_of(tls);
    struct buffer *held = &tls->sending->ciphertext;
    if (held->data == NULL)
        return;
    worker->held_count--;
    if (worker->output.data == NULL) {
        buffer_clear(held);
        worker->output = *held;
    } else {
        buffer_finish(held);
    }
    *held = (struct buffer){0};
    tls->sending->content = 0;
}

void tls_output_drop(struct tls_transport *tls)
{
    struct tls_sending *sending = tls->sending;
    if (sending == NULL)
        return;
    release_ciphertext(tls);
    buffer_finish(&sending->next);
    free(sending->segments);
    free(sending);
    tls->sending = NULL;
}

/* The connection keeps the worker's buffer; the worker allocates another later. */
static void hold_ciphertext(struct tls_transport *tls, size_t content)
{
    struct tls_worker *worker = tls_worker_of(tls);
    tls->sending->ciphertext = worker->output;
    tls->sending->content = content;
    worker->held_count++;
    buffer_init(&worker->output, TLS_OUTPUT_BYTES_MAX);
}

static bool hold_segments(struct tls_transport *tls, const struct segment *segments, size_t count)
{
    struct tls_sending *sending = ensure_sending(tls);
    if (sending == NULL || count == 0)
        return sending != NULL;
    sending->segments = malloc(count * sizeof(*segments));
    if (sending->segments == NULL)
        return false;
    memcpy(sending->segments, segments, count * sizeof(*segments));
    sending->count = count;
    sending->at = 0;
    return true;
}

/* ---- making ciphertext ---- */

/* Many slow clients must not get a full-size buffer each. */
static size_t prepare_output(struct tls_worker *worker)
{
    bool is_short = worker->held_count >= HELD_FULL_MAX;
    if (is_short && worker->output.capacity > SHORT_CONTENT_MAX + TLS_OUTPUT_OVERHEAD(SHORT_CONTENT_MAX))
        buffer_finish(&worker->output);
    return is_short ? SHORT_CONTENT_MAX : TLS_OUTPUT_CONTENT_MAX;
}

/* The check comes after reading: if the file is unchanged then, so is what was read. */
static ssize_t tls_output_read_file(struct tls_transport *tls, const struct segment *segment, char *out,
                                    size_t size)
{
    ssize_t count = sys_read_at(segment->fd, out, MIN(segment->length, size), segment->offset, false);
    if (count <= 0)
        return count == 0 ? ERROR_CHANGED : count;
    return tls->events->may_send_file(tls_stream_of(tls), segment) ? count : ERROR_CHANGED;
}

/* Collects the plaintext of the first segments, at most `content_max` bytes. Returns the number of pieces, or
 * the error of reading a file. */
static ssize_t tls_output_collect(struct tls_transport *tls, const struct segment *segments, size_t count,
                                  size_t content_max, struct slice pieces[STREAM_SEGMENTS_MAX])
{
    char *room = tls_worker_of(tls)->file_room;
    size_t left = content_max, used = 0;
    for (size_t i = 0; i < count && left > 0; i++) {
        const struct segment *segment = &segments[i];
        size_t length = MIN(segment->length, left);
        const char *data = segment->data;
        if (data == NULL) {
            ssize_t got = tls_output_read_file(tls, segment, room, length);
            if (got < 0)
                return got;
            data = room;
            room += got;
            left = (size_t)got < length ? (size_t)got : left;
            length = (size_t)got;
        }
        pieces[used++] = slice_make(data, length);
        left -= length;
    }
    return (ssize_t)used;
}

/* Encrypts from the front of the segments into the worker's buffer; returns the byte count or an error. 0:
 * only after TLS_WRITABLE. */
static ssize_t encrypt(struct tls_transport *tls, struct segment *segments, size_t count, size_t *at)
{
    struct tls_worker *worker = tls_worker_of(tls);
    struct slice pieces[STREAM_SEGMENTS_MAX];
    size_t content_max = prepare_output(worker);
    ssize_t piece_count = tls_output_collect(tls, segments + *at, count - *at, content_max, pieces);
    if (piece_count < 0)
        return piece_count;
    size_t likely = 0;
    for (ssize_t i = 0; i < piece_count; i++)
        likely += pieces[i].length;
    if (!buffer_reserve(&worker->output, likely + TLS_OUTPUT_OVERHEAD(likely)))
        return -ENOMEM;
    struct tls_call call = tls_transport_call(tls, worker->write_room);
    ssize_t taken = tls_session_write(&tls->session, &call, pieces, (size_t)piece_count);
    if (taken > 0)
        *at = segments_advance(segments, *at, (size_t)taken);
    return taken;
}

/* ---- sending it ---- */

/* The buffer cannot become the connection's, and the next connection writes to it. */
static void take_output_back(struct tls_transport *tls)
{
    struct stream *stream = tls_stream_of(tls);
    if (stream_is_sending(stream))
        stream_break_send(stream, -ENOMEM);
    buffer_clear(&tls_worker_of(tls)->output);
    if (tls->error == 0)
        tls->error = -ENOMEM;
}

/* Passes the worker's buffer to the stream. */
static enum send_result tls_output_push(struct tls_transport *tls, size_t content)
{
    struct tls_worker *worker = tls_worker_of(tls);
    struct segment segment = segment_memory(buffer_slice(&worker->output));
    enum send_result result = stream_send(tls_stream_of(tls), &segment, 1);
    if (result == SEND_FAILED)
        tls->error = (int16_t)stream_error(tls_stream_of(tls));
    if (result == SEND_DONE) {
        buffer_clear(&worker->output);
    } else if (ensure_sending(tls)) {
        hold_ciphertext(tls, content);
    } else {
        take_output_back(tls);
        result = SEND_FAILED;
    }
    return result;
}

static enum send_result break_off(struct tls_transport *tls, ssize_t error)
{
    buffer_clear(&tls_worker_of(tls)->output);
    tls->error = (int16_t)(error == ERROR_CLOSED ? -EPIPE : error);
    return SEND_FAILED;
}

/* Encrypts and sends until all is done, the stream is full, or the connection's share of the turn is used up;
 * advances `*at`. */
static enum send_result tls_output_send_some(struct tls_transport *tls, struct segment *segments,
                                             size_t count, size_t *at)
{
    size_t allowed = TURN_BYTES_MAX;
    while (*at < count) {
        bool is_much = allowed <= TURN_BYTES_MAX - TLS_OUTPUT_CONTENT_MAX;
        if (allowed == 0 || (is_much && !loop_has_time(tls_worker_of(tls)->front->loop))) {
            stream_send_later(tls_stream_of(tls));
            return SEND_PENDING;
        }
        ssize_t taken = encrypt(tls, segments, count, at);
        if (UNLIKELY(taken == 0) && tls_transport_block(tls))
            return SEND_PENDING;
        if (taken <= 0)
            return break_off(tls, taken == 0 ? ERROR_CLOSED : taken);
        enum send_result result = tls_output_push(tls, (size_t)taken);
        if (result != SEND_DONE)
            return result;
        allowed -= MIN(allowed, (size_t)taken);
    }
    return SEND_DONE;
}

enum send_result tls_transport_send(struct stream *stream, const struct segment *segments,
                                    size_t segment_count)
{
    struct tls_transport *tls = tls_transport_of(stream);
    struct segment rest[STREAM_SEGMENTS_MAX];
    assert(!tls->sends && segment_count <= STREAM_SEGMENTS_MAX);
    size_t count = segments_copy_filled(rest, segments, segment_count);
    size_t at = 0;
    enum send_result result = tls->sending ? SEND_PENDING : tls_output_send_some(tls, rest, count, &at);
    if (LIKELY(result == SEND_DONE))
        return SEND_DONE;
    if (!hold_segments(tls, rest + at, count - at)) {
        tls->error = -ENOMEM;
        return SEND_FAILED;
    }
    tls->sends = result == SEND_PENDING;
    return result;
}

bool tls_output_flush(struct tls_transport *tls)
{
    struct tls_worker *worker = tls_worker_of(tls);
    if (UNLIKELY(worker->output.failed)) { /* what is missing in it cannot be made again */
        (void)break_off(tls, -ENOMEM);
        return false;
    }
    if (worker->output.length == 0)
        return true;
    if (tls->sending == NULL)
        return tls_output_push(tls, 0) != SEND_FAILED;
    bool fits = buffer_append(&tls->sending->next, buffer_slice(&worker->output));
    buffer_clear(&worker->output);
    if (!fits)
        tls->error = -ENOMEM;
    return fits;
}

static enum send_result send_on(struct tls_transport *tls)
{
    struct tls_sending *sending = tls->sending;
    struct buffer *output = &tls_worker_of(tls)->output;
    release_ciphertext(tls);
    if (sending->next.length > 0) {
        buffer_append(output, buffer_slice(&sending->next));
        buffer_finish(&sending->next);
        if (output->failed)
            return break_off(tls, -ENOMEM);
        enum send_result result = tls_output_push(tls, 0);
        if (result != SEND_DONE)
            return result;
    }
    return tls_output_send_some(tls, sending->segments, sending->count, &sending->at);
}

void tls_output_on_sent(struct stream *stream)
{
    struct tls_transport *tls = tls_transport_of(stream);
    enum send_result result = tls->sending ? send_on(tls) : SEND_DONE;
    if (result == SEND_PENDING)
        return;
    if (result == SEND_FAILED) {
        tls->events->on_error(stream, tls->error);
        return;
    }
    tls_output_drop(tls);
    if (tls->shuts_down && !tls_session_is_early(&tls->session))
        stream_shutdown(stream);
    bool is_awaited = tls->sends || tls->sends_later;
    tls->sends = tls->sends_later = false;
    if (is_awaited)
        tls->events->on_sent(stream);
}

void tls_transport_send_later(struct stream *stream)
{
    struct tls_transport *tls = tls_transport_of(stream);
    assert(!tls->sends);
    tls->sends_later = true;
    if (tls->sending == NULL)
        stream_send_later(stream);
}

bool tls_transport_is_sending(const struct stream *stream)
{
    return tls_transport_of(stream)->sends;
}

size_t tls_transport_unsent(const struct stream *stream)
{
    const struct tls_sending *sending = tls_transport_of(stream)->sending;
    if (sending == NULL)
        return 0;
    size_t bytes = MIN(sending->content, stream_unsent(stream));
    for (size_t i = sending->at; i < sending->count; i++)
        bytes += sending->segments[i].length;
    return bytes;
}

/* ---- the end ---- */

static bool say_close_notify(struct tls_transport *tls)
{
    struct tls_call call = tls_transport_call(tls, tls_worker_of(tls)->write_room);
    tls_session_close(&tls->session, &call);
    return tls_output_flush(tls);
}

/* The peer's close_notify may still arrive: closing with it unread makes the kernel send RST (see
 * h1_connection_finish). So the connection lingers, although nothing follows over HTTP. */
bool tls_transport_end(struct stream *stream)
{
    struct tls_transport *tls = tls_transport_of(stream);
    if (tls_session_is_early(&tls->session))
        return false;
    return !say_close_notify(tls) || (tls->end_told && tls->sending == NULL);
}

static void shut_down(struct tls_transport *tls)
{
    if (tls_session_is_early(&tls->session))
        return;
    /* A stream that failed has something left to send: its owner lingers until that is reported. */
    if (say_close_notify(tls) && tls->sending == NULL)
        stream_shutdown(tls_stream_of(tls));
}

/* After early data it waits for the end of the handshake: see tls_output_confirmed. */
void tls_transport_shutdown(struct stream *stream)
{
    struct tls_transport *tls = tls_transport_of(stream);
    assert(!tls->sends);
    tls->shuts_down = true;
    shut_down(tls);
}

void tls_output_confirmed(struct tls_transport *tls)
{
    if (tls->shuts_down)
        shut_down(tls);
}

/* Sends a close_notify if everything was sent, as the client cannot otherwise know that it has all data. It
 * may get lost, like a FIN. */
void tls_transport_close(struct stream *stream)
{
    struct tls_transport *tls = tls_transport_of(stream);
    if (stream->flags & STREAM_CLOSED)
        return;
    bool is_whole = !tls->resets && !tls->is_working && tls->sending == NULL && tls->error == 0;
    if (is_whole)
        (void)say_close_notify(tls);
    list_remove(&tls->link);
    stream_close(stream);
}
