/* Output. nghttp2 produces one frame at a time; they are gathered here, so that the output of many streams is
 * sent in few pieces. Small content is copied after its frame header; large content is not copied and becomes
 * a piece of its own. */
#include "h2/internal.h"

#include "base/buffer.h"
#include "http/date.h"

#include <stdlib.h>

/* What every client takes. */
#define FRAME_BYTES 16384

/* A frame that is cut because the output ends is not shorter than this, with its header: a frame costs more
 * than room that is left empty. */
#define CUT_FRAME_BYTES_MIN 1024

/* Bytes of sent content that entitle the client to one WINDOW_UPDATE. */
#define BYTES_PER_CREDIT 1024

/* ---- pieces ---- */

static size_t room_left(const struct h2_output *output)
{
    return output->room_size - output->room_used;
}

static uint64_t h2_output_bytes_left(const struct h2_output *output)
{
    return output->bytes_max - MIN(output->bytes, output->bytes_max);
}

/* Whether a frame fits, with its content as a separate piece if necessary. */
static bool h2_output_has_room(const struct h2_output *output)
{
    return h2_output_bytes_left(output) >= CUT_FRAME_BYTES_MIN && room_left(output) >= H2_FRAME_BYTES_MAX &&
           output->piece_count + 3 <= output->piece_max;
}

static void add_piece(struct h2_output *output, const char *bytes, size_t length)
{
    struct slice *next = &output->pieces[output->piece_count];
    output->bytes += length;
    if (output->piece_count > 0 && next[-1].data + next[-1].length == bytes) {
        next[-1].length += length;
    } else if (length > 0) {
        assert(output->piece_count < output->piece_max);
        *next = slice_make(bytes, length);
        output->piece_count++;
    }
}

static void add_copy(struct h2_output *output, const void *bytes, size_t length)
{
    assert(length <= room_left(output));
    char *to = output->room + output->room_used;
    if (length > 0) /* the end of a response without content has no address */
        memcpy(to, bytes, length);
    output->room_used += length;
    add_piece(output, to, length);
}

/* ---- content ---- */

static nghttp2_nv header(struct slice name, struct slice value)
{
    return (nghttp2_nv){
        .name = (uint8_t *)name.data,
        .namelen = name.length,
        .value = (uint8_t *)value.data,
        .valuelen = value.length,
    };
}

/* How long the next frame may be. If the output is full, it is not written after all. */
ssize_t h2_content_length(nghttp2_session *session, uint8_t frame_type, int32_t stream_id,
                          int32_t connection_window, int32_t stream_window, uint32_t frame_size_max,
                          void *user_data)
{
    const struct h2 *h2 = user_data;
    uint32_t length = MIN(frame_size_max, (uint32_t)FRAME_BYTES);
    (void)session, (void)frame_type, (void)stream_id, (void)connection_window, (void)stream_window;
    uint64_t left =
        MAX(h2_output_bytes_left(h2->output), (uint64_t)CUT_FRAME_BYTES_MIN) - H2_FRAME_HEAD_BYTES;
    return (ssize_t)MIN(length, left);
}

/* The frame of the trailers is the one that ends the stream. */
static int submit_trailers(struct h2 *h2, int32_t stream, const struct http_response *trailers)
{
    nghttp2_nv *headers = malloc(trailers->field_count * sizeof(*headers));
    if (headers == NULL)
        return NGHTTP2_ERR_NOMEM;
    for (unsigned i = 0; i < trailers->field_count; i++)
        headers[i] = header(trailers->fields[i].name, trailers->fields[i].value);
    int error = nghttp2_submit_trailer(h2->session, stream, headers, trailers->field_count);
    free(headers);
    return error;
}

/* Puts the content after the space for its frame's header. The next call of nghttp2 is h2_put_content, for
 * the header. */
static ssize_t h2_output_read_content(nghttp2_session *session, int32_t stream, uint8_t *buffer,
                                      size_t length, uint32_t *flags, nghttp2_data_source *source,
                                      void *user_data)
{
    struct h2 *h2 = user_data;
    struct h2_output *output = h2->output;
    struct h2_piece piece = {0};
    (void)buffer, (void)source;
    if (UNLIKELY(!h2_output_has_room(output))) {
        h2->is_full = true;
        return NGHTTP2_ERR_PAUSE;
    }
    void *context = nghttp2_session_get_stream_user_data(session, stream);
    if (context == NULL)
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    char *room = output->room + output->room_used + H2_FRAME_HEAD_BYTES;
    switch (h2_events_of(h2)->pull(h2->owner, context, room, length, &piece)) {
    case H2_PULLED: break;
    case H2_PULL_WAIT: return NGHTTP2_ERR_DEFERRED;
    case H2_PULL_FAILED: return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    }
    assert(piece.bytes.length <= length && (piece.bytes.length > 0 || piece.is_last));
    h2->pulled = piece.bytes;
    *flags |= NGHTTP2_DATA_FLAG_NO_COPY | (piece.is_last ? (uint32_t)NGHTTP2_DATA_FLAG_EOF : 0u);
    if (UNLIKELY(piece.trailers != NULL)) {
        *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
        if (submit_trailers(h2, stream, piece.trailers) != 0)
            return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    }
    return (ssize_t)piece.bytes.length;
}

const nghttp2_data_provider h2_content_provider = {.read_callback = h2_output_read_content};

int h2_put_content(nghttp2_session *session, nghttp2_frame *frame, const uint8_t *frame_head, size_t length,
                   nghttp2_data_source *source, void *user_data)
{
    struct h2 *h2 = user_data;
    struct h2_output *output = h2->output;
    (void)session, (void)frame, (void)source;
    assert(length == h2->pulled.length);
    add_copy(output, frame_head, H2_FRAME_HEAD_BYTES);
    if (h2->pulled.data == output->room + output->room_used) {
        output->room_used += length;
        add_piece(output, h2->pulled.data, length);
    } else if (length <= H2_COPY_BYTES_MAX) {
        add_copy(output, h2->pulled.data, length);
    } else {
        add_piece(output, h2->pulled.data, length);
    }
    h2_floods_earn(&h2->floods, H2_FLOOD_WINDOWS, 1 + (uint32_t)(length / BYTES_PER_CREDIT));
    if (LIKELY(h2_output_has_room(output)))
        return 0;
    h2->is_full = true;
    return NGHTTP2_ERR_PAUSE;
}

/* ---- writing ---- */

static enum h2_written write_frames(struct h2 *h2)
{
    assert(h2->output != NULL);
    while (h2_output_has_room(h2->output) && !h2->is_full) {
        const uint8_t *bytes;
        ssize_t length = nghttp2_session_mem_send(h2->session, &bytes);
        if (length < 0) {
            h2->is_broken = true;
            return H2_WRITTEN_FAILED;
        }
        if (length == 0)
            return h2->is_full ? H2_WRITTEN_FULL : H2_WRITTEN_ALL;
        add_copy(h2->output, bytes, (size_t)length);
    }
    return H2_WRITTEN_FULL;
}

enum h2_written h2_write(struct h2 *h2, struct h2_output *output)
{
    assert(output->room_size >= H2_FRAME_BYTES_MAX && output->piece_max >= 4);
    assert(output->bytes_max >= CUT_FRAME_BYTES_MIN);
    struct h2_memory *memory = &h2->shared->memory;
    h2->output = output;
    h2->is_full = false;
    h2_memory_open_frame(memory);
    if (UNLIKELY(h2->drain == H2_DRAIN_LAST))
        h2_say_last(h2);
    enum h2_written written = write_frames(h2);
    if (UNLIKELY(h2->drain == H2_DRAIN_SAID) && written == H2_WRITTEN_ALL) {
        h2_ask_whether_seen(h2);
        written = write_frames(h2);
    }
    h2_memory_close_frame(memory);
    h2->output = NULL;
    return written;
}

/* ---- heads ---- */

/* Fields of a response that have room on the stack. */
#define FIELDS_AT_HAND 48

/* The text of numbers, which nghttp2 copies. */
struct numbers {
    char status[U64_DIGITS_MAX];
    char length[U64_DIGITS_MAX];
};

static size_t put_headers(nghttp2_nv *out, const struct http_response *response, const char *date,
                          uint8_t flags, struct numbers *numbers)
{
    size_t count = 0;
    size_t digits = format_u64(numbers->status, (uint64_t)response->status);
    out[count++] = header(SLICE(":status"), slice_make(numbers->status, digits));
    if (date)
        out[count++] =
            header(SLICE("date"), response->date.data ? response->date : slice_make(date, HTTP_DATE_LENGTH));
    for (unsigned i = 0; i < response->field_count; i++) {
        out[count] = header(response->fields[i].name, response->fields[i].value);
        out[count++].flags = flags;
    }
    if (!response->no_length && response->content_length != HTTP_LENGTH_UNKNOWN) {
        digits = format_u64(numbers->length, response->content_length);
        out[count++] = header(SLICE("content-length"), slice_make(numbers->length, digits));
    }
    return count;
}

static int h2_output_submit(struct h2 *h2, uint32_t stream, const nghttp2_nv *headers, size_t count,
                            bool is_interim, bool has_content)
{
    if (is_interim)
        return nghttp2_submit_headers(h2->session, NGHTTP2_FLAG_NONE, (int32_t)stream, NULL, headers, count,
                                      NULL);
    return nghttp2_submit_response(h2->session, (int32_t)stream, headers, count,
                                   has_content ? &h2_content_provider : NULL);
}

static bool submit_head(struct h2 *h2, uint32_t stream, const struct http_response *response,
                        const char *date, uint8_t flags, bool is_interim, bool has_content)
{
    nghttp2_nv at_hand[FIELDS_AT_HAND];
    nghttp2_nv *headers = at_hand;
    struct numbers numbers;
    if (UNLIKELY(response->field_count + 3 > FIELDS_AT_HAND)) {
        headers = malloc((response->field_count + 3) * sizeof(*headers));
        if (headers == NULL)
            return false;
    }
    size_t count = put_headers(headers, response, date, flags, &numbers);
    int error = h2_output_submit(h2, stream, headers, count, is_interim, has_content);
    if (UNLIKELY(headers != at_hand))
        free(headers);
    return error == 0;
}

bool h2_respond(struct h2 *h2, uint32_t stream, const struct http_response *response, const char *date,
                bool has_content)
{
    return submit_head(h2, stream, response, date, NGHTTP2_NV_FLAG_NONE, false, has_content);
}

/* If the stream ends while the head is in nghttp2's queue, the head is dropped without being read. */
bool h2_respond_lasting(struct h2 *h2, uint32_t stream, const struct http_response *response,
                        const char *date, bool has_content)
{
    return submit_head(h2, stream, response, date,
                       NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE, false, has_content);
}

bool h2_send_interim(struct h2 *h2, uint32_t stream, const struct http_response *response)
{
    return submit_head(h2, stream, response, NULL, NGHTTP2_NV_FLAG_NONE, true, false);
}

void h2_resume(struct h2 *h2, uint32_t stream)
{
    (void)nghttp2_session_resume_data(h2->session, (int32_t)stream);
}
