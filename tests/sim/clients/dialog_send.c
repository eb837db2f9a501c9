/* What a client sends over HTTP/2, and what the oracle must remember of it. Positions rather than times say
 * when a frame was sent: the network takes the queue in pieces. */
#include "dialog_parts.h"

#include <stdlib.h>

void dialog_queue(struct dialog *dialog, uint8_t type, uint8_t flags, uint32_t stream, struct slice payload)
{
    frame_write(&dialog->outbox, type, flags, stream, payload);
    dialog->queued_bytes += FRAME_HEAD_BYTES + payload.length;
    assert(!dialog->outbox.failed);
}

static void queue_numbers(struct dialog *dialog, uint8_t type, uint32_t stream, const uint32_t *numbers,
                          size_t count)
{
    struct buffer payload;
    buffer_init(&payload, 64);
    for (size_t i = 0; i < count; i++)
        frame_write_number(&payload, numbers[i]);
    dialog_queue(dialog, type, 0, stream, buffer_slice(&payload));
    buffer_finish(&payload);
}

void dialog_introduce(struct dialog *dialog, uint32_t window, uint32_t table_size)
{
    buffer_append(&dialog->outbox, FRAME_PREFACE);
    dialog->queued_bytes += FRAME_PREFACE.length;
    dialog->preface_end = dialog->queued_bytes;
    dialog_send_settings(dialog, window, table_size);
}

bool dialog_may_send_settings(const struct dialog *dialog)
{
    return dialog->settings_count < DIALOG_SETTINGS_MAX;
}

void dialog_send_settings(struct dialog *dialog, uint32_t window, uint32_t table_size)
{
    struct buffer payload;
    assert(dialog_may_send_settings(dialog));
    buffer_init(&payload, 64);
    frame_write_setting(&payload, FRAME_INITIAL_WINDOW_SIZE, window);
    frame_write_setting(&payload, FRAME_HEADER_TABLE_SIZE, table_size);
    if (dialog->settings_count == 0)
        frame_write_setting(&payload, FRAME_ENABLE_PUSH, 0);
    dialog->settings[dialog->settings_count++] =
        (struct dialog_settings){.window = window, .table_size = table_size};
    dialog_queue(dialog, FRAME_SETTINGS, 0, 0, buffer_slice(&payload));
    buffer_finish(&payload);
}

struct dialog_stream *dialog_open(struct dialog *dialog)
{
    if (dialog->stream_count == DIALOG_STREAMS_MAX)
        return NULL;
    struct dialog_stream *stream = calloc(1, sizeof(*stream));
    assert(stream);
    stream->id = 2 * (uint32_t)dialog->stream_count + 1;
    stream->send_window = dialog->server_window;
    stream->window = dialog->our_window;
    stream->window_us = sim_now_us();
    buffer_init(&stream->inbox, 8u << 20);
    dialog->streams[dialog->stream_count++] = stream;
    return stream;
}

static bool has_no_content(const struct dialog_stream *stream)
{
    return !stream->ask.ask.has_content && stream->ask.ask.end == ASK_ENDS;
}

/* The server takes eight: docs/http2.md. */
#define CONTINUATIONS_MAX 6

void dialog_send_head(struct dialog *dialog, struct dialog_stream *stream, size_t piece_bytes)
{
    struct slice rest = buffer_slice(&stream->ask.block);
    uint8_t type = FRAME_HEADERS;
    piece_bytes = MAX(piece_bytes, rest.length / CONTINUATIONS_MAX + 1);
    stream->head_begin = dialog->queued_bytes;
    do {
        struct slice piece = slice_take(rest, MIN(piece_bytes, rest.length));
        rest = slice_skip(rest, piece.length);
        uint8_t flags = rest.length == 0 ? FRAME_END_HEADERS : 0;
        if (type == FRAME_HEADERS && has_no_content(stream))
            flags |= FRAME_END_STREAM;
        dialog_queue(dialog, type, flags, stream->id, piece);
        type = FRAME_CONTINUATION;
    } while (rest.length > 0);
    stream->head_end = dialog->queued_bytes;
    stream->end = has_no_content(stream) ? dialog->queued_bytes : 0;
    dialog_note_windows(dialog);
}

static size_t sendable(const struct dialog *dialog, const struct dialog_stream *stream, size_t most)
{
    int64_t window = MIN(dialog->send_window, stream->send_window);
    most = MIN(MIN(most, (size_t)FRAME_BYTES_MAX), stream->ask.content.length - stream->content_sent);
    return window > 0 ? (size_t)MIN((int64_t)most, window) : 0;
}

bool dialog_send_content(struct dialog *dialog, struct dialog_stream *stream, size_t most)
{
    size_t length = sendable(dialog, stream, most);
    struct slice content = slice_take(slice_skip(stream->ask.content, stream->content_sent), length);
    bool is_last = stream->content_sent + length == stream->ask.content.length;
    bool ends = is_last && stream->ask.ask.end == ASK_ENDS;
    if (length == 0 && !ends)
        return false;
    dialog_queue(dialog, FRAME_DATA, ends ? FRAME_END_STREAM : 0, stream->id, content);
    stream->content_sent += length;
    stream->send_window -= (int64_t)length;
    dialog->send_window -= (int64_t)length;
    if (ends)
        stream->end = dialog->queued_bytes;
    return true;
}

void dialog_reset(struct dialog *dialog, struct dialog_stream *stream, enum frame_code code)
{
    queue_numbers(dialog, FRAME_RST_STREAM, stream->id, &(uint32_t){code}, 1);
    stream->reset_end = dialog->queued_bytes;
    ask_note_end(&stream->ask.ask);
}

void dialog_grant(struct dialog *dialog, struct dialog_stream *stream, uint32_t bytes)
{
    queue_numbers(dialog, FRAME_WINDOW_UPDATE, stream ? stream->id : 0, &bytes, 1);
    if (stream) {
        stream->window += bytes;
        stream->window_us = sim_now_us();
    } else {
        dialog->window += bytes;
    }
    dialog_note_windows(dialog);
}

void dialog_send_ping(struct dialog *dialog)
{
    if (dialog->ping_end > 0)
        return;
    queue_numbers(dialog, FRAME_PING, 0, (uint32_t[]){0x73696d21, ++dialog->ping_number}, 2);
    dialog->ping_end = dialog->queued_bytes;
}

void dialog_send_priority(struct dialog *dialog, const struct dialog_stream *stream, unsigned urgency,
                          bool is_incremental)
{
    struct buffer payload;
    buffer_init(&payload, 64);
    frame_write_number(&payload, stream->id);
    buffer_printf(&payload, "u=%u%s", urgency, is_incremental ? ", i" : "");
    dialog_queue(dialog, FRAME_PRIORITY_UPDATE, 0, 0, buffer_slice(&payload));
    buffer_finish(&payload);
}

void dialog_send_goaway(struct dialog *dialog)
{
    dialog->said_goaway = true;
    queue_numbers(dialog, FRAME_GOAWAY, 0, (uint32_t[]){0, FRAME_NO_ERROR}, 2);
}

void dialog_break(struct dialog *dialog, uint8_t type, uint32_t stream, struct slice payload, uint32_t code)
{
    dialog->is_provoked = true;
    dialog->provoked_code = code;
    dialog->provoked_begin = dialog->queued_bytes;
    dialog_queue(dialog, type, 0, stream, payload);
    dialog->provoked_end = dialog->queued_bytes;
}

/* ---- on its way ---- */

struct slice dialog_unsent(const struct dialog *dialog)
{
    return buffer_slice(&dialog->outbox);
}

static void note_sent(struct dialog *dialog, struct dialog_stream *stream, uint64_t before)
{
    struct ask *ask = &stream->ask.ask;
    uint64_t now = dialog->sent_bytes;
    if (now <= stream->head_begin || (stream->end > 0 && before >= stream->end))
        return;
    if (ask->began_us == 0)
        ask_note_begin(ask);
    if (ask->head_sent_us == 0 && now >= stream->head_end)
        ask->head_sent_us = sim_now_us();
    if (ask->completed_us == 0 && stream->end > 0 && now >= stream->end)
        ask->completed_us = sim_now_us();
    if (!dialog_is_over(stream))
        ask->last_sent_us = dialog->asked_us = sim_now_us();
}

void dialog_sent(struct dialog *dialog, size_t count)
{
    uint64_t before = dialog->sent_bytes;
    if (count == 0)
        return;
    dialog->sent_bytes += count;
    dialog->moved_us = sim_now_us();
    buffer_consume(&dialog->outbox, count);
    for (size_t i = 0; i < dialog->stream_count; i++)
        note_sent(dialog, dialog->streams[i], before);
    if (dialog->settings_us == 0 && dialog->settings_known < dialog->settings_count)
        dialog->settings_us = sim_now_us();
    if (dialog->ping_end > 0 && dialog->ping_us == 0 && dialog->sent_bytes >= dialog->ping_end)
        dialog->ping_us = sim_now_us();
    if (dialog->is_provoked && dialog->provoked_from_us == 0 && dialog->sent_bytes > dialog->provoked_begin)
        dialog->provoked_from_us = sim_now_us();
    if (dialog->is_provoked && dialog->provoked_us == 0 && dialog->sent_bytes >= dialog->provoked_end)
        dialog->provoked_us = sim_now_us();
}
