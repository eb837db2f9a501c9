/* The checks of h2_client.h. Credit is counted generously (the largest window that was ever set, and updates
 * of streams that were not there yet), so that what is found is a fault. */
#include "tests/fuzz/h2_client.h"

#include <stdlib.h>

#define FRAME_BYTES_MAX  (17u << 20) /* as their head can say */
#define PREFACE_BYTES    24
#define FRAME_HEAD_BYTES 9
#define WINDOW_AT_FIRST  65535

struct frame {
    uint8_t kind, flags;
    uint32_t stream;
    struct slice payload;
};

static uint32_t read_u32(const char *bytes)
{
    const uint8_t *b = (const uint8_t *)bytes;
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

/* False where there is no whole frame. */
static bool next_frame(struct slice *bytes, struct frame *ret_frame)
{
    if (bytes->length < FRAME_HEAD_BYTES)
        return false;
    size_t length = read_u32(bytes->data) >> 8;
    if (bytes->length - FRAME_HEAD_BYTES < length)
        return false;
    *ret_frame = (struct frame){
        .kind = (uint8_t)bytes->data[3],
        .flags = (uint8_t)bytes->data[4],
        .stream = read_u32(bytes->data + 5) & INT32_MAX,
        .payload = slice_make(bytes->data + FRAME_HEAD_BYTES, length),
    };
    *bytes = slice_skip(*bytes, FRAME_HEAD_BYTES + length);
    return true;
}

static char content[H2_CLIENT_CONTENT_MAX + H2_CLIENT_STREAMS];

static void make_content(void)
{
    for (size_t i = 0; content[1] == 0 && i < sizeof(content); i++)
        content[sizeof(content) - 1 - i] = (char)(i * 7 + (i >> 8) + 1);
}

const char *h2_client_content(uint32_t stream)
{
    return content + stream % H2_CLIENT_STREAMS;
}

void h2_client_init(struct h2_client *client)
{
    make_content();
    *client =
        (struct h2_client){.credit = WINDOW_AT_FIRST, .window = WINDOW_AT_FIRST, .last_stream = INT32_MAX};
    buffer_init(&client->unread, FRAME_BYTES_MAX);
    int error = nghttp2_hd_inflate_new(&client->inflater);
    assert(error == 0);
    (void)error;
}

void h2_client_finish(struct h2_client *client)
{
    nghttp2_hd_inflate_del(client->inflater);
    buffer_finish(&client->unread);
}

/* ---- what it has sent ---- */

static void count_settings(struct h2_client *client, struct slice payload)
{
    for (; payload.length >= 6; payload = slice_skip(payload, 6)) {
        bool is_window = payload.data[0] == 0 && payload.data[1] == NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE;
        if (is_window)
            client->window = MAX(client->window, (uint64_t)read_u32(payload.data + 2));
    }
}

static void count_credit(struct h2_client *client, const struct frame *frame)
{
    if (frame->payload.length != 4)
        return;
    uint32_t credit = read_u32(frame->payload.data) & INT32_MAX;
    if (frame->stream == 0)
        client->credit += credit;
    else if (frame->stream < H2_CLIENT_STREAMS)
        client->streams[frame->stream].credit += credit;
}

void h2_client_send(struct h2_client *client, struct slice bytes)
{
    size_t preface = client->sent < PREFACE_BYTES ? PREFACE_BYTES - (size_t)client->sent : 0;
    client->sent += bytes.length;
    buffer_append(&client->unread, slice_skip(bytes, MIN(preface, bytes.length)));
    assert(!client->unread.failed);
    struct slice rest = buffer_slice(&client->unread);
    struct frame frame;
    while (next_frame(&rest, &frame)) {
        if (frame.kind == NGHTTP2_SETTINGS)
            count_settings(client, frame.payload);
        if (frame.kind == NGHTTP2_WINDOW_UPDATE)
            count_credit(client, &frame);
    }
    buffer_consume(&client->unread, client->unread.length - rest.length);
}

/* ---- what it receives ---- */

static struct h2_client_stream *open_stream(struct h2_client *client, const struct frame *frame)
{
    static struct h2_client_stream unknown;
    assert(frame->stream % 2 == 1);
    if (frame->stream >= H2_CLIENT_STREAMS)
        return unknown = (struct h2_client_stream){.has_head = true, .credit = UINT32_MAX}, &unknown;
    assert(!client->streams[frame->stream].is_reset);
    return &client->streams[frame->stream];
}

/* Returns the status. All headers are in one frame. */
static int read_head(struct h2_client *client, struct slice block)
{
    int status = 0, flags = 0;
    while (true) {
        nghttp2_nv header;
        ssize_t used = nghttp2_hd_inflate_hd2(client->inflater, &header, &flags, (const uint8_t *)block.data,
                                              block.length, 1);
        assert(used >= 0);
        block = slice_skip(block, (size_t)used);
        if (flags & NGHTTP2_HD_INFLATE_FINAL)
            break;
        assert(flags & NGHTTP2_HD_INFLATE_EMIT);
        if (header.namelen == 7 && memcmp(header.name, ":status", 7) == 0) {
            assert(status == 0 && header.valuelen == 3);
            status = atoi((const char *)header.value);
        }
    }
    nghttp2_hd_inflate_end_headers(client->inflater);
    return status;
}

static void take_head(struct h2_client *client, const struct frame *frame)
{
    struct h2_client_stream *stream = open_stream(client, frame);
    assert(frame->flags & NGHTTP2_FLAG_END_HEADERS);
    int status = read_head(client, frame->payload);
    bool is_end = frame->flags & NGHTTP2_FLAG_END_STREAM;
    assert(status >= 100 && (status >= 200 || !is_end));
    assert(!stream->has_ended && (!stream->has_head || frame->stream >= H2_CLIENT_STREAMS));
    stream->has_head = status >= 200;
    stream->has_ended = is_end;
}

static void take_content(struct h2_client *client, const struct frame *frame)
{
    struct h2_client_stream *stream = open_stream(client, frame);
    assert(stream->has_head && !stream->has_ended && !(frame->flags & NGHTTP2_FLAG_PADDED));
    client->received += frame->payload.length;
    assert(client->received <= client->credit);
    if (frame->stream < H2_CLIENT_STREAMS)
        assert(slice_equal(frame->payload, slice_make(h2_client_content(frame->stream) + stream->received,
                                                      frame->payload.length)));
    stream->received += frame->payload.length;
    assert(stream->received <= client->window + stream->credit);
    stream->has_ended = frame->flags & NGHTTP2_FLAG_END_STREAM;
}

static void take_goodbye(struct h2_client *client, const struct frame *frame)
{
    assert(frame->payload.length >= 8);
    uint32_t last = read_u32(frame->payload.data);
    assert(last <= client->last_stream);
    client->last_stream = last;
    client->has_goodbye = true;
}

static void take_ping(struct h2_client *client, const struct frame *frame)
{
    assert(frame->payload.length == 8 && frame->stream == 0);
    if (!(frame->flags & NGHTTP2_FLAG_ACK))
        memcpy(&client->ping, frame->payload.data, sizeof(client->ping));
}

static void take_frame(struct h2_client *client, const struct frame *frame)
{
    assert(frame->payload.length <= H2_FRAME_BYTES_MAX - FRAME_HEAD_BYTES);
    switch (frame->kind) {
    case NGHTTP2_DATA: take_content(client, frame); return;
    case NGHTTP2_HEADERS: take_head(client, frame); return;
    case NGHTTP2_RST_STREAM: open_stream(client, frame)->is_reset = true; return;
    case NGHTTP2_GOAWAY: take_goodbye(client, frame); return;
    case NGHTTP2_PING: take_ping(client, frame); return;
    case NGHTTP2_SETTINGS:
    case NGHTTP2_WINDOW_UPDATE: return;
    default: assert(!"a frame that no server sends");
    }
}

void h2_client_receive(struct h2_client *client, const struct h2_output *output)
{
    struct buffer whole;
    struct frame frame;
    buffer_init(&whole, FRAME_BYTES_MAX);
    for (size_t i = 0; i < output->piece_count; i++)
        buffer_append(&whole, output->pieces[i]);
    assert(whole.length == output->bytes);
    struct slice rest = buffer_slice(&whole);
    while (next_frame(&rest, &frame))
        take_frame(client, &frame);
    assert(rest.length == 0);
    buffer_finish(&whole);
}
