/* Small sends over io_uring: staged sends, submitted with the turn's one system call.
 *
 * A staged send is posted with MSG_DONTWAIT and IOSQE_CQE_SKIP_SUCCESS, so it is finished or has failed
 * when the submission returns. Success, the usual case, makes no completion; the stream is free of it
 * before the next event is delivered. A completion comes only if the socket did not take all of it. The
 * rest is then sent again without MSG_DONTWAIT ("patiently"): the kernel waits until the socket takes it,
 * and completes. If another send or the close waits for a staged send, it is made patient before it is
 * submitted, because the loop sleeps until there is a completion. */
#include "loop/uring.h"

#include "sys/socket.h"

#include <errno.h>

/* How long a staged send may still take after its stream was closed, if the peer is slow to receive. */
#define LATE_MS_MAX 30000

static size_t uring_send_total_length(const struct segment *segments, size_t count)
{
    size_t length = 0;
    for (size_t i = 0; i < count; i++)
        length += segments[i].data ? segments[i].length : SIZE_MAX / STREAM_SEGMENTS_MAX;
    return length;
}

static void post(struct stream *stream, struct staged_send *staged_send)
{
    struct io_uring_sqe *entry = uring_entry(uring_of(stream));
    io_uring_prep_send(entry, stream->watch.fd, staged_send->bytes, staged_send->length,
                       MSG_NOSIGNAL | MSG_WAITALL | MSG_DONTWAIT);
    entry->flags |= IOSQE_CQE_SKIP_SUCCESS;
    uring_mark(entry, stream, URING_SEND);
    staged_sends_post(uring_staged_sends(uring_of(stream)), staged_send, entry);
}

/* Makes the send wait for the socket and complete in any case. */
static void make_blocking(struct staged_send *staged_send)
{
    if (staged_send->entry == NULL)
        return;
    staged_send->entry->msg_flags &= ~(unsigned)MSG_DONTWAIT;
    staged_send->entry->flags &= (uint8_t)~IOSQE_CQE_SKIP_SUCCESS;
    staged_sends_unpost(staged_send);
}

/* Copies a small send and treats it as done, so that a short response needs no state, no timer and no
 * system call of its own. Only while the socket has never been full, since such a send rarely fails. */
enum stage_result uring_send_try_stage(struct stream *stream, const struct segment *segments, size_t count)
{
    struct staged_sends *staged_sends = uring_staged_sends(uring_of(stream));
    if (stream->in_flight & URING_SEND) {
        make_blocking(staged_sends_of(staged_sends, stream));
        return STAGE_BUSY;
    }
    size_t length = uring_send_total_length(segments, count);
    bool is_fit = length > 0 && length <= STAGED_SEND_BYTES &&
                  !(stream->in_flight & (URING_CONGESTED | URING_FIRST)) && uring_has_room(uring_of(stream));
    struct staged_send *staged_send = is_fit ? staged_sends_take(staged_sends, stream) : NULL;
    if (staged_send == NULL)
        return STAGE_NOT;
    for (size_t i = 0; i < count; i++) {
        memcpy(staged_send->bytes + staged_send->length, segments[i].data, segments[i].length);
        staged_send->length += (uint32_t)segments[i].length;
    }
    post(stream, staged_send);
    return STAGE_DONE;
}

size_t uring_send_unsent(const struct stream *stream)
{
    if (!(stream->in_flight & URING_SEND))
        return 0;
    const struct staged_send *staged_send = staged_sends_of(uring_staged_sends(uring_of(stream)), stream);
    return staged_send->length - staged_send->sent;
}

void uring_send_shutdown(struct stream *stream)
{
    if (!(stream->in_flight & URING_SEND)) {
        sys_shutdown_send(stream->watch.fd);
        return;
    }
    stream->in_flight |= URING_SHUTDOWN;
    make_blocking(staged_sends_of(uring_staged_sends(uring_of(stream)), stream));
}

/* ---- results ---- */

static void send_rest(struct stream *stream, struct staged_send *staged_send, int result)
{
    stream->in_flight |= URING_CONGESTED;
    staged_sends_unpost(staged_send);
    staged_send->sent = (uint32_t)MAX(result, 0);
    struct io_uring_sqe *entry = uring_entry(uring_of(stream));
    io_uring_prep_send(entry, stream->watch.fd, staged_send->bytes + staged_send->sent,
                       staged_send->length - staged_send->sent, MSG_NOSIGNAL | MSG_WAITALL);
    uring_mark(entry, stream, URING_SEND);
}

/* The error is not examined: sending again fails with the same error, and reports it. */
void uring_send_finish(struct backend_state *state)
{
    struct staged_sends *staged_sends = uring_staged_sends(state);
    struct stream *stream;
    for (struct io_uring_cqe *completion; (completion = uring_next_send(state, &stream)) != NULL;) {
        struct staged_send *staged_send = staged_sends_of(staged_sends, stream);
        if (staged_send->entry) {
            int result = completion->res;
            uring_forget(completion);
            send_rest(stream, staged_send, result);
        }
    }
    for (struct staged_send *staged_send; (staged_send = staged_sends_posted(staged_sends)) != NULL;) {
        staged_send->stream->in_flight &= (uint16_t)~URING_SEND;
        staged_sends_free(staged_sends, staged_send);
    }
}

/* The rest was taken by the kernel, too, or it failed. */
void uring_send_completed(struct stream *stream)
{
    struct staged_send *staged_send = staged_sends_of(uring_staged_sends(uring_of(stream)), stream);
    int result = uring_completion(uring_of(stream))->result;
    bool is_whole = result == (int)(staged_send->length - staged_send->sent);
    staged_sends_free(uring_staged_sends(uring_of(stream)), staged_send);
    if (stream->flags & STREAM_CLOSED)
        return;
    if (!is_whole) {
        stream->error = (int16_t)(result < 0 ? result : -EPIPE);
        stream_fail(stream, stream->error);
        return;
    }
    if (stream->in_flight & URING_SHUTDOWN)
        sys_shutdown_send(stream->watch.fd);
    else if (stream->sending)
        stream_send_on(stream);
}

/* ---- closed streams ---- */

void uring_send_before_close(struct stream *stream)
{
    struct staged_sends *staged_sends = uring_staged_sends(uring_of(stream));
    struct staged_send *staged_send = staged_sends_of(staged_sends, stream);
    make_blocking(staged_send);
    staged_sends_set_deadline(staged_sends, staged_send, loop_now_ms(stream->loop) + LATE_MS_MAX);
}

void uring_send_give_up(struct backend_state *state, uint64_t now_ms)
{
    struct staged_send *staged_send;
    while ((staged_send = staged_sends_overdue(uring_staged_sends(state), now_ms)) != NULL)
        uring_cancel(state, staged_send->stream, URING_SEND);
}
