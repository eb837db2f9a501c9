/* Requests and output. nghttp2 produces one frame at a time; they are gathered in the owner's room, into
 * which content is copied right behind the header of its frame. */
#include "h2/caller_internal.h"

#include <stdlib.h>

/* Headers of a request that have room on the stack. */
#define FIELDS_AT_HAND 64

/* Bytes of sent content that entitle the server to one WINDOW_UPDATE. */
#define BYTES_PER_CREDIT 1024

/* ---- content ---- */

static nghttp2_nv caller_header(struct slice name, struct slice value)
{
    return (nghttp2_nv){
        .name = (uint8_t *)name.data,
        .namelen = name.length,
        .value = (uint8_t *)value.data,
        .valuelen = value.length,
    };
}

static size_t caller_room_left(const struct h2_caller *caller)
{
    return caller->room_size - caller->room_used;
}

/* The frame of the trailers is the one that ends the stream. */
static int caller_submit_trailers(struct h2_caller *caller, int32_t stream,
                                  const struct http_response *trailers)
{
    nghttp2_nv *headers = malloc(trailers->field_count * sizeof(*headers));
    if (headers == NULL)
        return NGHTTP2_ERR_NOMEM;
    for (unsigned i = 0; i < trailers->field_count; i++)
        headers[i] = caller_header(trailers->fields[i].name, trailers->fields[i].value);
    int error = nghttp2_submit_trailer(caller->session, stream, headers, trailers->field_count);
    free(headers);
    return error;
}

/* Puts the content behind the space for its frame's header. The next call of nghttp2 is
 * h2_caller_put_content. */
static ssize_t caller_read_content(nghttp2_session *session, int32_t stream, uint8_t *buffer, size_t length,
                                   uint32_t *flags, nghttp2_data_source *source, void *user_data)
{
    struct h2_caller *caller = user_data;
    struct h2_call *call = nghttp2_session_get_stream_user_data(session, stream);
    struct h2_piece piece = {0};
    (void)buffer, (void)source;
    if (UNLIKELY(caller_room_left(caller) < H2_FRAME_BYTES_MAX)) {
        caller->is_full = true;
        return NGHTTP2_ERR_PAUSE;
    }
    if (call == NULL || call->is_cancelled)
        return NGHTTP2_ERR_DEFERRED;
    char *room = caller->room + caller->room_used + H2_FRAME_HEAD_BYTES;
    switch (h2_caller_events_of(caller)->pull(caller->owner, call, room, length, &piece)) {
    case H2_PULLED: break;
    case H2_PULL_WAIT: return NGHTTP2_ERR_DEFERRED;
    case H2_PULL_FAILED: return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    }
    assert(piece.bytes.length <= length && (piece.bytes.length > 0 || piece.is_last));
    caller->pulled = piece.bytes.length;
    *flags |= NGHTTP2_DATA_FLAG_NO_COPY | (piece.is_last ? (uint32_t)NGHTTP2_DATA_FLAG_EOF : 0u);
    if (piece.trailers && piece.trailers->field_count > 0) {
        *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
        if (caller_submit_trailers(caller, stream, piece.trailers) != 0)
            return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    }
    return (ssize_t)piece.bytes.length;
}

const nghttp2_data_provider h2_caller_content_provider = {.read_callback = caller_read_content};

/* What is sent entitles the server to WINDOW_UPDATE, and to a PING: some measure the network by it. */
int h2_caller_put_content(nghttp2_session *session, nghttp2_frame *frame, const uint8_t *frame_head,
                          size_t length, nghttp2_data_source *source, void *user_data)
{
    struct h2_caller *caller = user_data;
    (void)session, (void)frame, (void)source;
    assert(length == caller->pulled);
    assert(H2_FRAME_HEAD_BYTES + length <= caller_room_left(caller));
    memcpy(caller->room + caller->room_used, frame_head, H2_FRAME_HEAD_BYTES);
    caller->room_used += H2_FRAME_HEAD_BYTES + length;
    h2_floods_earn(&caller->floods, H2_FLOOD_WINDOWS, 1 + (uint32_t)(length / BYTES_PER_CREDIT));
    h2_floods_earn(&caller->floods, H2_FLOOD_PINGS, 1);
    return 0;
}

/* ---- writing ---- */

static enum h2_written caller_write_frames(struct h2_caller *caller)
{
    while (caller_room_left(caller) >= H2_FRAME_BYTES_MAX && !caller->is_full) {
        const uint8_t *bytes;
        ssize_t length = nghttp2_session_mem_send(caller->session, &bytes);
        if (length < 0)
            return H2_WRITTEN_FAILED;
        if (length == 0)
            return caller->is_full ? H2_WRITTEN_FULL : H2_WRITTEN_ALL;
        assert((size_t)length <= caller_room_left(caller));
        memcpy(caller->room + caller->room_used, bytes, (size_t)length);
        caller->room_used += (size_t)length;
    }
    return H2_WRITTEN_FULL;
}

static void caller_write_preface(struct h2_caller *caller)
{
    if (caller->has_begun)
        return;
    assert(caller->room_used == 0 && caller->room_size >= NGHTTP2_CLIENT_MAGIC_LEN);
    caller->has_begun = true;
    memcpy(caller->room, NGHTTP2_CLIENT_MAGIC, NGHTTP2_CLIENT_MAGIC_LEN);
    caller->room_used = NGHTTP2_CLIENT_MAGIC_LEN;
}

enum h2_written h2_caller_write(struct h2_caller *caller, char *room, size_t size, size_t *ret_length)
{
    assert(size >= H2_FRAME_BYTES_MAX + NGHTTP2_CLIENT_MAGIC_LEN);
    struct h2_memory *memory = &caller->shared->memory;
    caller->room = room;
    caller->room_size = size;
    caller->room_used = 0;
    caller->is_full = false;
    caller_write_preface(caller);
    h2_memory_open_frame(memory);
    enum h2_written written = caller_write_frames(caller);
    h2_memory_close_frame(memory);
    caller->room = NULL;
    *ret_length = caller->room_used;
    return written;
}

/* ---- requests ---- */

bool h2_caller_begin(struct h2_caller *caller, struct h2_call *call, const struct h2_request *request)
{
    nghttp2_nv at_hand[FIELDS_AT_HAND];
    nghttp2_nv *headers = at_hand;
    assert(request->field_count > 0);
    if (UNLIKELY(request->field_count > FIELDS_AT_HAND))
        headers = malloc(request->field_count * sizeof(*headers));
    if (headers == NULL)
        return false;
    for (unsigned i = 0; i < request->field_count; i++)
        headers[i] = caller_header(request->fields[i].name, request->fields[i].value);
    int32_t stream = nghttp2_submit_request(caller->session, NULL, headers, request->field_count,
                                            request->has_content ? &h2_caller_content_provider : NULL, call);
    if (UNLIKELY(headers != at_hand))
        free(headers);
    if (stream < 0)
        return false;
    call->stream = (uint32_t)stream;
    caller->call_count++;
    return true;
}

void h2_caller_resume(struct h2_caller *caller, const struct h2_call *call)
{
    (void)nghttp2_session_resume_data(caller->session, (int32_t)call->stream);
}
