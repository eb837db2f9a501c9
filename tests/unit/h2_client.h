/* A client of HTTP/2 without I/O, made of nghttp2's: requests in, bytes out; bytes in, responses out. What it
 * is not able to say, since nghttp2 keeps the rules, is said by raw frames. */
#ifndef TESTS_UNIT_H2_CLIENT_H
#define TESTS_UNIT_H2_CLIENT_H

#include "tests/unit/test.h"

#include "base/buffer.h"

#include <nghttp2/nghttp2.h>
#include <stdlib.h>

#define H2_CLIENT_STREAMS_MAX 256

/* A response as it came. */
struct h2_client_stream {
    int32_t id;
    int status;
    unsigned interims;
    struct buffer fields; /* "name: value\n" each, without pseudo-headers */
    struct buffer content;
    unsigned frames; /* of DATA */
    bool has_ended;  /* by END_STREAM */
    bool is_closed;
    uint32_t code;
    struct slice upload; /* what is left of the request's content */
};

struct h2_client {
    nghttp2_session *session;
    struct h2_client_stream streams[H2_CLIENT_STREAMS_MAX];
    size_t stream_count;
    unsigned goaways;
    uint32_t goaway_code;
    int32_t goaway_last;
    size_t order[H2_CLIENT_STREAMS_MAX]; /* of the streams, in which they ended */
    size_t ended_count;
    bool holds_windows; /* gives no credit for content */
    bool leaves_open;   /* the content of a request does not end its stream */
};

static inline struct h2_client_stream *h2_client_find(struct h2_client *client, int32_t id)
{
    for (size_t i = 0; i < client->stream_count; i++) {
        if (client->streams[i].id == id)
            return &client->streams[i];
    }
    return NULL;
}

static inline int h2_client_on_header(nghttp2_session *session, const nghttp2_frame *frame,
                                      const uint8_t *name, size_t name_length, const uint8_t *value,
                                      size_t value_length, uint8_t flags, void *user_data)
{
    struct h2_client_stream *stream = h2_client_find(user_data, frame->hd.stream_id);
    struct slice n = slice_make((const char *)name, name_length);
    struct slice v = slice_make((const char *)value, value_length);
    (void)session, (void)flags;
    assert_non_null(stream);
    uint64_t status;
    if (slice_equal(n, SLICE(":status"))) {
        assert_true(slice_to_u64(v, &status));
        stream->status = (int)status;
        stream->interims += status < 200;
        if (status < 200)
            return 0;
        buffer_clear(&stream->fields);
        return 0;
    }
    buffer_printf(&stream->fields, "%.*s: %.*s\n", SLICE_ARGS(n), SLICE_ARGS(v));
    return 0;
}

static inline void h2_client_end(struct h2_client *client, struct h2_client_stream *stream)
{
    stream->has_ended = true;
    client->order[client->ended_count++] = (size_t)(stream - client->streams);
}

static inline int h2_client_on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *user_data)
{
    struct h2_client *client = user_data;
    struct h2_client_stream *stream = h2_client_find(client, frame->hd.stream_id);
    (void)session;
    if (frame->hd.type == NGHTTP2_GOAWAY) {
        client->goaways++;
        client->goaway_code = frame->goaway.error_code;
        client->goaway_last = frame->goaway.last_stream_id;
    }
    bool may_end = frame->hd.type == NGHTTP2_DATA || frame->hd.type == NGHTTP2_HEADERS;
    if (stream && may_end && frame->hd.flags & NGHTTP2_FLAG_END_STREAM)
        h2_client_end(client, stream);
    if (stream && frame->hd.type == NGHTTP2_DATA)
        stream->frames++;
    return 0;
}

static inline int h2_client_on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *bytes,
                                    size_t length, void *user_data)
{
    struct h2_client *client = user_data;
    struct h2_client_stream *stream = h2_client_find(client, id);
    (void)flags;
    assert_non_null(stream);
    buffer_append(&stream->content, slice_make((const char *)bytes, length));
    if (!client->holds_windows)
        assert_int_equal(nghttp2_session_consume(session, id, length), 0);
    return 0;
}

static inline int h2_client_on_close(nghttp2_session *session, int32_t id, uint32_t code, void *user_data)
{
    struct h2_client_stream *stream = h2_client_find(user_data, id);
    (void)session;
    if (stream) {
        stream->is_closed = true;
        stream->code = code;
    }
    return 0;
}

static inline void h2_client_init(struct h2_client *client, uint32_t window)
{
    nghttp2_session_callbacks *callbacks;
    nghttp2_option *options;
    *client = (struct h2_client){0};
    assert_int_equal(nghttp2_session_callbacks_new(&callbacks), 0);
    assert_int_equal(nghttp2_option_new(&options), 0);
    nghttp2_option_set_no_auto_window_update(options, 1);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, h2_client_on_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, h2_client_on_frame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, h2_client_on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, h2_client_on_close);
    assert_int_equal(nghttp2_session_client_new2(&client->session, callbacks, client, options), 0);
    nghttp2_session_callbacks_del(callbacks);
    nghttp2_option_del(options);
    nghttp2_settings_entry settings[] = {{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, window},
                                         {NGHTTP2_SETTINGS_ENABLE_PUSH, 0}};
    assert_int_equal(nghttp2_submit_settings(client->session, 0, settings, ARRAY_LENGTH(settings)), 0);
    if (window > 65535)
        nghttp2_session_set_local_window_size(client->session, 0, 0, (int32_t)window);
}

static inline void h2_client_finish(struct h2_client *client)
{
    nghttp2_session_del(client->session);
    for (size_t i = 0; i < client->stream_count; i++) {
        buffer_finish(&client->streams[i].fields);
        buffer_finish(&client->streams[i].content);
    }
}

static inline ssize_t h2_client_read_upload(nghttp2_session *session, int32_t id, uint8_t *buffer,
                                            size_t length, uint32_t *flags, nghttp2_data_source *source,
                                            void *user_data)
{
    const struct h2_client *client = user_data;
    struct h2_client_stream *stream = h2_client_find(user_data, id);
    (void)session, (void)source;
    size_t count = MIN(length, stream->upload.length);
    memcpy(buffer, stream->upload.data, count);
    stream->upload = slice_skip(stream->upload, count);
    if (stream->upload.length == 0)
        *flags |= NGHTTP2_DATA_FLAG_EOF | (client->leaves_open ? NGHTTP2_DATA_FLAG_NO_END_STREAM : 0u);
    return (ssize_t)count;
}

static inline nghttp2_nv h2_client_header(struct slice name, struct slice value)
{
    return (nghttp2_nv){
        .name = (uint8_t *)name.data,
        .value = (uint8_t *)value.data,
        .namelen = name.length,
        .valuelen = value.length,
    };
}

/* A request with these headers; `content` (data NULL: none) must live on. */
static inline struct h2_client_stream *h2_client_ask(struct h2_client *client, const nghttp2_nv *headers,
                                                     size_t count, struct slice content)
{
    nghttp2_data_provider provider = {.read_callback = h2_client_read_upload};
    struct h2_client_stream *stream = &client->streams[client->stream_count++];
    assert_true(client->stream_count <= H2_CLIENT_STREAMS_MAX);
    *stream = (struct h2_client_stream){.upload = content};
    buffer_init(&stream->fields, SIZE_MAX);
    buffer_init(&stream->content, SIZE_MAX);
    stream->id =
        nghttp2_submit_request(client->session, NULL, headers, count, content.data ? &provider : NULL, NULL);
    assert_true(stream->id > 0);
    return stream;
}

static inline struct h2_client_stream *h2_client_get(struct h2_client *client, const char *path)
{
    nghttp2_nv headers[] = {
        h2_client_header(SLICE(":method"), SLICE("GET")),
        h2_client_header(SLICE(":scheme"), SLICE("http")),
        h2_client_header(SLICE(":authority"), SLICE("x")),
        h2_client_header(SLICE(":path"), slice_from(path)),
    };
    return h2_client_ask(client, headers, ARRAY_LENGTH(headers), (struct slice){0});
}

/* What the client has to say now. */
static inline void h2_client_write(struct h2_client *client, struct buffer *out)
{
    const uint8_t *bytes;
    ssize_t length;
    while ((length = nghttp2_session_mem_send(client->session, &bytes)) > 0)
        buffer_append(out, slice_make((const char *)bytes, (size_t)length));
    assert_int_equal(length, 0);
}

static inline void h2_client_read(struct h2_client *client, struct slice bytes)
{
    ssize_t used = nghttp2_session_mem_recv(client->session, (const uint8_t *)bytes.data, bytes.length);
    if (used != (ssize_t)bytes.length)
        fail_msg("the client does not understand: %s", nghttp2_strerror((int)used));
}

#endif
