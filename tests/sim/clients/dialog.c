/* Frames as they come in, and the rules of RFC 9113 that they must keep. A response is collected in the form
 * that it would have over HTTP/1, so that one reader and one judge serve both. */
#include "dialog_parts.h"

#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <stdlib.h>

/* docs/http2.md: the first 16 KiB of a response come in frames of 4 KiB. */
#define FIRST_BYTES       16384
#define FIRST_FRAME_BYTES 4096

/* nghttp2's default, until our SETTINGS are known. */
#define TABLE_BYTES 4096

#define INBOX_BYTES_MAX (64u << 20)

void dialog_begin(struct dialog *dialog, struct scene *scene, unsigned number)
{
    *dialog = (struct dialog){
        .scene = scene,
        .number = number,
        .send_window = FRAME_WINDOW,
        .window = FRAME_WINDOW,
        .our_window = FRAME_WINDOW,
        .server_window = FRAME_WINDOW,
        .streams_max = UINT32_MAX,
        .last_stream = UINT32_MAX,
        .harms.all = &scene->harms,
        .began_us = sim_now_us(),
        .asked_us = sim_now_us(),
        .moved_us = sim_now_us(),
        .content_us = sim_now_us(),
    };
    int error = nghttp2_hd_inflate_new(&dialog->inflater);
    assert(error == 0), (void)error;
    buffer_init(&dialog->outbox, INBOX_BYTES_MAX);
    buffer_init(&dialog->inbox, INBOX_BYTES_MAX);
    buffer_init(&dialog->block, INBOX_BYTES_MAX);
}

void dialog_finish(struct dialog *dialog)
{
    for (size_t i = 0; i < dialog->stream_count; i++) {
        struct dialog_stream *stream = dialog->streams[i];
        ask_note_end(&stream->ask.ask);
        h2_ask_finish(&stream->ask);
        buffer_finish(&stream->inbox);
        free(stream);
    }
    dialog->stream_count = 0;
    nghttp2_hd_inflate_del(dialog->inflater);
    dialog->inflater = NULL;
    buffer_finish(&dialog->outbox);
    buffer_finish(&dialog->inbox);
    buffer_finish(&dialog->block);
}

size_t dialog_open_streams(const struct dialog *dialog)
{
    size_t count = 0;
    for (size_t i = 0; i < dialog->stream_count; i++) {
        const struct dialog_stream *stream = dialog->streams[i];
        bool is_closed = stream->is_reset || stream->reset_end > 0 || (stream->has_end && stream->end > 0);
        count += !is_closed;
    }
    return count;
}

bool dialog_owes(const struct dialog *dialog, const struct dialog_stream *stream)
{
    return stream->ask.ask.head_sent_us > 0 && !dialog_is_over(stream) && stream->id <= dialog->last_stream;
}

/* ---- windows ---- */

/* Remembers since when a window has been closed, and which responses it can have held up. */
void dialog_note_windows(struct dialog *dialog)
{
    bool is_closed = dialog->window <= 0;
    dialog->starved_us = !is_closed ? 0 : dialog->starved_us ? dialog->starved_us : sim_now_us() + 1;
    dialog->was_starved |= is_closed;
    for (size_t i = 0; i < dialog->stream_count; i++) {
        struct dialog_stream *stream = dialog->streams[i];
        is_closed = stream->window <= 0;
        stream->starved_us = !is_closed ? 0 : stream->starved_us ? stream->starved_us : sim_now_us() + 1;
        stream->was_starved |= is_closed || dialog->window <= 0;
    }
}

static void take_acknowledged_settings(struct dialog *dialog)
{
    if (dialog->settings_known == dialog->settings_count) {
        blame(&dialog->verdict, "an acknowledgement of SETTINGS that were not sent");
        return;
    }
    const struct dialog_settings *settings = &dialog->settings[dialog->settings_known++];
    int64_t more = (int64_t)settings->window - dialog->our_window;
    for (size_t i = 0; i < dialog->stream_count; i++) {
        dialog->streams[i]->window += more;
        if (more > 0)
            dialog->streams[i]->window_us = sim_now_us();
    }
    dialog->our_window = settings->window;
    dialog->settings_us = dialog->settings_known < dialog->settings_count ? sim_now_us() : 0;
    nghttp2_hd_inflate_change_table_size(dialog->inflater, settings->table_size);
    dialog_note_windows(dialog);
}

/* ---- heads ---- */

static bool is_lower(struct slice name)
{
    for (size_t i = 0; i < name.length; i++) {
        if (name.data[i] >= 'A' && name.data[i] <= 'Z')
            return false;
    }
    return name.length > 0;
}

/* A header of the response, as a line of HTTP/1. */
static bool dialog_take_header(struct dialog *dialog, struct buffer *head, struct slice name,
                               struct slice value)
{
    bool is_first = head->length == 0;
    if (is_first != slice_equal(name, SLICE(":status")))
        return blame(&dialog->verdict, "the header \"%.*s\" where it must not be", SLICE_ARGS(name));
    if (!is_lower(name) || slice_equal(name, SLICE("connection")) || slice_find(value, '\n') < value.length)
        return blame(&dialog->verdict, "the header \"%.*s\" over HTTP/2", SLICE_ARGS(name));
    if (is_first)
        return buffer_printf(head, "HTTP/1.1 %.*s OK\r\n", SLICE_ARGS(value));
    return buffer_printf(head, "%.*s: %.*s\r\n", SLICE_ARGS(name), SLICE_ARGS(value));
}

static bool decode(struct dialog *dialog, struct slice block, struct buffer *head)
{
    for (int flags = 0; !(flags & NGHTTP2_HD_INFLATE_FINAL);) {
        nghttp2_nv header;
        ssize_t used = nghttp2_hd_inflate_hd2(dialog->inflater, &header, &flags, (const uint8_t *)block.data,
                                              block.length, 1);
        if (used < 0)
            return blame(&dialog->verdict, "headers that cannot be decoded: %s", nghttp2_strerror((int)used));
        block = slice_skip(block, (size_t)used);
        if ((flags & NGHTTP2_HD_INFLATE_EMIT) &&
            !dialog_take_header(dialog, head, slice_make((const char *)header.name, header.namelen),
                                slice_make((const char *)header.value, header.valuelen)))
            return false;
    }
    nghttp2_hd_inflate_end_headers(dialog->inflater);
    return buffer_append(head, SLICE("\r\n"));
}

static void end_stream(struct dialog *dialog, struct dialog_stream *stream)
{
    if (stream->reset_end > 0)
        return;
    dialog_judge_response(dialog, stream, false);
    stream->has_end = true;
}

static void take_head(struct dialog *dialog, struct dialog_stream *stream, struct slice head)
{
    bool is_interim = slice_starts_with(head, SLICE("HTTP/1.1 1"));
    if (stream->has_head)
        blame(&dialog->verdict, "stream %u: headers behind the headers", stream->id);
    else if (is_interim && dialog->block_ends_stream)
        blame(&dialog->verdict, "stream %u: an interim response ends it", stream->id);
    else if (is_interim && !stream->ask.ask.expects)
        blame(&dialog->verdict, "stream %u: \"%.*s\" was not expected", stream->id, 12, head.data);
    if (is_interim)
        return;
    stream->has_head = true;
    buffer_append(&stream->inbox, head);
    if (dialog->block_ends_stream)
        end_stream(dialog, stream);
}

static void end_block(struct dialog *dialog)
{
    struct dialog_stream *stream = dialog->block_stream;
    struct buffer head;
    buffer_init(&head, 1u << 20);
    if (decode(dialog, buffer_slice(&dialog->block), &head))
        take_head(dialog, stream, buffer_slice(&head));
    buffer_finish(&head);
    buffer_clear(&dialog->block);
    dialog->block_stream = NULL;
}

static void take_block(struct dialog *dialog, const struct frame *frame)
{
    buffer_append(&dialog->block, frame->payload);
    if (frame->flags & FRAME_END_HEADERS)
        end_block(dialog);
}

/* ---- frames of a stream ---- */

/* The stream that a frame is about, which must be one that we opened and that goes on. */
static struct dialog_stream *stream_of(struct dialog *dialog, const struct frame *frame)
{
    size_t index = frame->stream / 2;
    struct dialog_stream *stream =
        frame->stream % 2 == 1 && index < dialog->stream_count ? dialog->streams[index] : NULL;
    bool is_known = stream && (stream->ask.ask.head_sent_us > 0 ||
                               (stream->ask.ask.began_us > 0 && frame->type == FRAME_RST_STREAM));
    if (!is_known)
        blame(&dialog->verdict, "a frame of type %u for stream %u, which was not opened", frame->type,
              frame->stream);
    else if (stream->is_gone)
        blame(&dialog->verdict, "a frame of type %u for stream %u, which the server knows to be reset",
              frame->type, frame->stream);
    else if (stream->is_reset || (stream->has_end && frame->type != FRAME_RST_STREAM))
        blame(&dialog->verdict, "a frame of type %u behind the end of stream %u", frame->type, frame->stream);
    else if (frame->stream > dialog->last_stream)
        blame(&dialog->verdict, "a frame of type %u for stream %u, the last of which was to be %u",
              frame->type, frame->stream, dialog->last_stream);
    return dialog->verdict.is_bad ? NULL : stream;
}

static void take_headers(struct dialog *dialog, const struct frame *frame)
{
    dialog->block_stream = stream_of(dialog, frame);
    dialog->block_ends_stream = frame->flags & FRAME_END_STREAM;
    if (dialog->block_stream)
        take_block(dialog, frame);
}

static void judge_data(struct dialog *dialog, const struct dialog_stream *stream, const struct frame *frame)
{
    int64_t length = (int64_t)frame->payload.length;
    if (length > 0 && (length > stream->window || length > dialog->window))
        blame(&dialog->verdict,
              "stream %u: %lld bytes, and the windows are %lld of the stream and %lld of the connection",
              stream->id, (long long)length, (long long)stream->window, (long long)dialog->window);
    if (stream->reset_end > 0)
        return;
    if (!stream->has_head)
        blame(&dialog->verdict, "stream %u: content before the headers", stream->id);
    if (length == 0 && !(frame->flags & FRAME_END_STREAM))
        blame(&dialog->verdict, "stream %u: an empty frame that does not end it", stream->id);
    if (stream->content_bytes < FIRST_BYTES && length > FIRST_FRAME_BYTES)
        blame(&dialog->verdict, "stream %u: a frame of %lld bytes at the beginning", stream->id,
              (long long)length);
}

static void take_data(struct dialog *dialog, const struct frame *frame)
{
    struct dialog_stream *stream = stream_of(dialog, frame);
    int64_t length = (int64_t)frame->payload.length;
    if (stream == NULL)
        return;
    judge_data(dialog, stream, frame);
    stream->window -= length;
    dialog->window -= length;
    stream->content_bytes += frame->payload.length;
    dialog->content_bytes += frame->payload.length;
    stream->window_us = dialog->content_us = sim_now_us();
    if (stream->reset_end == 0)
        buffer_append(&stream->inbox, frame->payload);
    if (frame->flags & FRAME_END_STREAM)
        end_stream(dialog, stream);
    dialog_note_windows(dialog);
}

static void take_reset(struct dialog *dialog, const struct frame *frame)
{
    struct dialog_stream *stream = stream_of(dialog, frame);
    if (stream == NULL)
        return;
    stream->is_reset = true;
    stream->reset_code = frame_number(frame->payload.data);
    sim_trace("client %u: stream %u is reset (%u)", dialog->number, stream->id, stream->reset_code);
    if (stream->reset_end == 0)
        dialog_judge_reset(dialog, stream, stream->reset_code);
    ask_note_end(&stream->ask.ask);
}

static void open_window(struct dialog *dialog, int64_t *window, uint32_t bytes)
{
    *window += bytes;
    if (bytes == 0 || *window > FRAME_WINDOW_MAX)
        blame(&dialog->verdict, "a window is opened by %u to %lld", bytes, (long long)*window);
}

/* A stream that has ended for us may still be opened: its server did not know that we had sent everything. */
static void take_window_update(struct dialog *dialog, const struct frame *frame)
{
    uint32_t bytes = frame_number(frame->payload.data);
    size_t index = frame->stream / 2;
    if (frame->stream == 0)
        open_window(dialog, &dialog->send_window, bytes);
    else if (index < dialog->stream_count)
        open_window(dialog, &dialog->streams[index]->send_window, bytes);
    else
        blame(&dialog->verdict, "a window of stream %u, which was not opened", frame->stream);
}

/* ---- frames of the connection ---- */

static void take_setting(struct dialog *dialog, unsigned setting, uint32_t value)
{
    if (setting == FRAME_MAX_CONCURRENT_STREAMS)
        dialog->streams_max = value;
    if (setting == FRAME_MAX_FRAME_SIZE && (value < FRAME_BYTES_MAX || value > 0xffffff))
        blame(&dialog->verdict, "frames of %u bytes are allowed", value);
    if (setting != FRAME_INITIAL_WINDOW_SIZE)
        return;
    if (value > FRAME_WINDOW_MAX)
        blame(&dialog->verdict, "an initial window of %u bytes", value);
    for (size_t i = 0; i < dialog->stream_count; i++)
        dialog->streams[i]->send_window += (int64_t)value - dialog->server_window;
    dialog->server_window = value;
}

static void take_settings(struct dialog *dialog, const struct frame *frame)
{
    if (frame->flags & FRAME_ACK) {
        take_acknowledged_settings(dialog);
        return;
    }
    dialog->is_introduced = true;
    for (size_t i = 0; i + 6 <= frame->payload.length; i += 6) {
        const unsigned char *at = (const unsigned char *)frame->payload.data + i;
        take_setting(dialog, (unsigned)at[0] << 8 | at[1], frame_number((const char *)at + 2));
    }
    if (!dialog->is_finished)
        dialog_queue(dialog, FRAME_SETTINGS, FRAME_ACK, 0, (struct slice){0});
}

/* What was sent before the PING has been read: streams that we reset are over. */
static void take_pong(struct dialog *dialog, const struct frame *frame)
{
    if (dialog->ping_us == 0 || frame_number(frame->payload.data + 4) != dialog->ping_number) {
        blame(&dialog->verdict, "an acknowledgement of a PING that was not sent");
        return;
    }
    for (size_t i = 0; i < dialog->stream_count; i++) {
        struct dialog_stream *stream = dialog->streams[i];
        stream->is_gone |= stream->reset_end > 0 && stream->reset_end <= dialog->ping_end;
    }
    dialog->ping_end = dialog->ping_us = 0;
}

static void take_ping(struct dialog *dialog, const struct frame *frame)
{
    if (frame->flags & FRAME_ACK)
        take_pong(dialog, frame);
    else if (!dialog->is_finished)
        dialog_queue(dialog, FRAME_PING, FRAME_ACK, 0, frame->payload);
}

static void take_goaway(struct dialog *dialog, const struct frame *frame)
{
    uint32_t last = frame_number(frame->payload.data) & FRAME_STREAM_LAST;
    uint32_t code = frame_number(frame->payload.data + 4);
    sim_trace("client %u: GOAWAY, last stream %u, code %u", dialog->number, last, code);
    dialog->goaways++;
    if (last > dialog->last_stream)
        blame(&dialog->verdict, "GOAWAY with stream %u after one with %u", last, dialog->last_stream);
    for (size_t i = 0; i < dialog->stream_count; i++) {
        const struct dialog_stream *stream = dialog->streams[i];
        if (stream->has_head && stream->id > last)
            blame(&dialog->verdict, "GOAWAY with stream %u, and %u is being answered", last, stream->id);
    }
    dialog->last_stream = last;
    dialog->said_last = last != FRAME_STREAM_LAST;
    dialog_judge_goaway(dialog, code);
}

/* ---- all frames ---- */

/* The shapes that RFC 9113 section 6 gives them; what vif does not send has none. */
static bool is_well_formed(const struct frame *frame)
{
    size_t length = frame->payload.length;
    bool is_of_stream = frame->stream != 0;
    switch (frame->type) {
    case FRAME_DATA: return is_of_stream && (frame->flags & ~FRAME_END_STREAM) == 0;
    case FRAME_HEADERS: return is_of_stream && (frame->flags & ~(FRAME_END_STREAM | FRAME_END_HEADERS)) == 0;
    case FRAME_CONTINUATION: return is_of_stream && (frame->flags & ~FRAME_END_HEADERS) == 0;
    case FRAME_RST_STREAM: return is_of_stream && length == 4 && frame->flags == 0;
    case FRAME_SETTINGS:
        return !is_of_stream &&
               (frame->flags == 0 ? length % 6 == 0 : frame->flags == FRAME_ACK && length == 0);
    case FRAME_PING: return !is_of_stream && length == FRAME_PING_BYTES && (frame->flags & ~FRAME_ACK) == 0;
    case FRAME_GOAWAY: return !is_of_stream && length >= 8 && frame->flags == 0;
    case FRAME_WINDOW_UPDATE: return length == 4 && frame->flags == 0;
    default: return false;
    }
}

static bool judge_frame(struct dialog *dialog, const struct frame *frame)
{
    bool is_continued = dialog->block_stream != NULL;
    bool continues = frame->type == FRAME_CONTINUATION;
    if (!is_well_formed(frame))
        return blame(&dialog->verdict, "a frame of type %u, flags %#x, %zu bytes, for stream %u", frame->type,
                     frame->flags, frame->payload.length, frame->stream);
    if (is_continued != continues || (continues && dialog->block_stream->id != frame->stream))
        return blame(&dialog->verdict, "a frame of type %u between headers and their continuation",
                     frame->type);
    if (!dialog->is_introduced && (frame->type != FRAME_SETTINGS || frame->flags & FRAME_ACK))
        return blame(&dialog->verdict, "a frame of type %u before SETTINGS", frame->type);
    return true;
}

static void take_frame(struct dialog *dialog, const struct frame *frame)
{
    if (!judge_frame(dialog, frame))
        return;
    switch ((enum frame_type)frame->type) {
    case FRAME_DATA: take_data(dialog, frame); break;
    case FRAME_HEADERS: take_headers(dialog, frame); break;
    case FRAME_CONTINUATION: take_block(dialog, frame); break;
    case FRAME_RST_STREAM: take_reset(dialog, frame); break;
    case FRAME_SETTINGS: take_settings(dialog, frame); break;
    case FRAME_PING: take_ping(dialog, frame); break;
    case FRAME_GOAWAY: take_goaway(dialog, frame); break;
    case FRAME_WINDOW_UPDATE: take_window_update(dialog, frame); break;
    case FRAME_PRIORITY:
    case FRAME_PUSH_PROMISE:
    case FRAME_PRIORITY_UPDATE: break;
    }
}

/* A connection that nobody takes, or whose preface is late, is answered as HTTP/1. */
static bool is_http1(const struct dialog *dialog)
{
    return !dialog->is_introduced && dialog->inbox.length > 0 && dialog->inbox.data[0] == 'H';
}

static void take_http1(struct dialog *dialog)
{
    struct answer answer;
    if (answer_read(buffer_slice(&dialog->inbox), false, &answer, &dialog->verdict) != ANSWER_WHOLE)
        return;
    sim_trace("client %u: %d over HTTP/1", dialog->number, answer.status);
    bool is_late = answer.status == 408 && dialog->sent_bytes < dialog->preface_end;
    bool is_refusal = answer.status == 503 && (dialog_may_be_crowded(dialog) || dialog_has_fault(dialog));
    dialog->turned_away = true;
    if (!is_late && !is_refusal)
        blame(&dialog->verdict, "%d over HTTP/1", answer.status);
    buffer_clear(&dialog->inbox);
}

static void take_frames(struct dialog *dialog)
{
    struct frame frame;
    while (!dialog->verdict.is_bad && dialog->inbox.length >= FRAME_HEAD_BYTES) {
        struct slice input = buffer_slice(&dialog->inbox);
        if (frame_payload_length(input) > FRAME_BYTES_MAX) {
            blame(&dialog->verdict, "a frame of %zu bytes", frame_payload_length(input));
            return;
        }
        if (!frame_read(input, &frame))
            return;
        take_frame(dialog, &frame);
        buffer_consume(&dialog->inbox, FRAME_HEAD_BYTES + frame.payload.length);
    }
}

void dialog_received(struct dialog *dialog, struct slice bytes)
{
    dialog->moved_us = sim_now_us();
    buffer_append(&dialog->inbox, bytes);
    assert(!dialog->inbox.failed);
    if (dialog->has_ended || dialog->turned_away)
        blame(&dialog->verdict, "bytes behind the end of the connection");
    else if (is_http1(dialog))
        take_http1(dialog);
    else
        take_frames(dialog);
}
