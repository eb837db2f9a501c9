/* The engine's life cycle and input. Read h2_receive, then the callbacks in the order of a stream's life:
 * on_begin_headers, on_header, on_frame, on_data, on_stream_close. */
#include "h2/internal.h"
#include "h2/library.h"

#include <stdlib.h>

enum { FRAME_PRIORITY_UPDATE = 0x10 };

/* Sends GOAWAY and accepts nothing more. Returns the result for nghttp2's callback. */
static int h2_break(struct h2 *h2, uint32_t code, const char *fault)
{
    if (h2->is_broken)
        return NGHTTP2_ERR_CALLBACK_FAILURE;
    h2->is_broken = true;
    h2->fault = fault;
    (void)nghttp2_session_terminate_session(h2->session, code);
    return NGHTTP2_ERR_CALLBACK_FAILURE;
}

/* The client exceeded a limit. */
static int h2_give_up(struct h2 *h2, enum h2_flood flood)
{
    if (!h2->is_broken)
        h2->flood = (uint8_t)flood;
    return h2_break(h2, NGHTTP2_ENHANCE_YOUR_CALM, h2_floods_text(flood));
}

static int spend(struct h2 *h2, enum h2_flood kind)
{
    return LIKELY(h2_floods_spend(&h2->floods, kind)) ? 0 : h2_give_up(h2, kind);
}

/* ---- frames ---- */

/* HEADERS or DATA for a stream that the client has opened. Returns the result for nghttp2's callback. */
static int h2_on_late(struct h2 *h2, uint32_t stream)
{
    bool is_of_client = stream % 2 == 1 && stream <= h2->late.last;
    if (LIKELY(!is_of_client || h2->late.may_be_crossed) ||
        nghttp2_session_get_stream_remote_close(h2->session, (int32_t)stream) >= 0)
        return 0;
    return h2_break(h2, h2->late.has_gaps ? NGHTTP2_PROTOCOL_ERROR : NGHTTP2_STREAM_CLOSED,
                    "a frame for a stream that is over");
}

/* nghttp2 ignores PRIORITY, and checks only its length. */
static int on_priority(struct h2 *h2, const nghttp2_frame_hd *frame)
{
    if (frame->stream_id == 0)
        return h2_break(h2, NGHTTP2_PROTOCOL_ERROR, "PRIORITY of no stream");
    return spend(h2, H2_FLOOD_PRIORITIES);
}

static int on_priority_update(struct h2 *h2, const nghttp2_frame *frame)
{
    const nghttp2_ext_priority_update *update = frame->ext.payload;
    return update->stream_id == 0 ? h2_break(h2, NGHTTP2_PROTOCOL_ERROR, "PRIORITY_UPDATE of no stream") : 0;
}

static int on_reset(struct h2 *h2, uint32_t stream)
{
    h2->late.reset = stream;
    return spend(h2, H2_FLOOD_RESETS);
}

static int on_continuation(struct h2 *h2)
{
    bool is_flood = h2->head && ++h2->head->continuations > H2_CONTINUATIONS_MAX;
    return is_flood ? h2_give_up(h2, H2_FLOOD_CONTINUATIONS) : 0;
}

/* The first that is known of any frame. */
static int on_begin_frame(nghttp2_session *session, const nghttp2_frame_hd *frame, void *user_data)
{
    struct h2 *h2 = user_data;
    (void)session;
    h2->has_begun = true;
    switch (frame->type) {
    case NGHTTP2_DATA:
        return frame->length == 0 && !(frame->flags & NGHTTP2_FLAG_END_STREAM)
                   ? spend(h2, H2_FLOOD_EMPTY_FRAMES)
                   : 0;
    case NGHTTP2_HEADERS: return h2_on_late(h2, (uint32_t)frame->stream_id);
    case NGHTTP2_PRIORITY: return on_priority(h2, frame);
    case FRAME_PRIORITY_UPDATE: return spend(h2, H2_FLOOD_PRIORITIES);
    case NGHTTP2_RST_STREAM: return on_reset(h2, (uint32_t)frame->stream_id);
    case NGHTTP2_SETTINGS: return frame->flags & NGHTTP2_FLAG_ACK ? 0 : spend(h2, H2_FLOOD_SETTINGS);
    case NGHTTP2_PING: return frame->flags & NGHTTP2_FLAG_ACK ? 0 : spend(h2, H2_FLOOD_PINGS);
    case NGHTTP2_WINDOW_UPDATE: return spend(h2, H2_FLOOD_WINDOWS);
    case NGHTTP2_CONTINUATION: return on_continuation(h2);
    default: return 0;
    }
}

/* Of DATA that is padding only nothing came either. */
static int on_data_frame(struct h2 *h2, const nghttp2_frame *frame, void *context)
{
    bool is_end = frame->hd.flags & NGHTTP2_FLAG_END_STREAM;
    bool is_padding = frame->hd.length > 0 && frame->hd.length == frame->data.padlen;
    if (is_end && context)
        h2_events_of(h2)->on_end(h2->owner, context, NULL);
    return is_padding && !is_end ? spend(h2, H2_FLOOD_EMPTY_FRAMES) : 0;
}

/* ---- heads ---- */

static struct h2_head *h2_take_head(struct h2_shared *shared)
{
    struct h2_head *head = shared->spare_head;
    shared->spare_head = NULL;
    bool fits = head && head->text_max == shared->limits->head_bytes &&
                head->fields_max == shared->limits->fields + 2;
    if (LIKELY(fits))
        return head;
    free(head);
    return h2_head_create(shared->limits);
}

static void give_head_back(struct h2 *h2)
{
    free(h2->shared->spare_head);
    h2->shared->spare_head = h2->head;
    h2->head = NULL;
}

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *user_data)
{
    struct h2 *h2 = user_data;
    (void)session;
    assert(frame->hd.type == NGHTTP2_HEADERS);
    /* An unfinished head is left if its stream was reset. */
    if (h2->head == NULL)
        h2->head = h2_take_head(h2->shared);
    if (h2->head == NULL)
        return NGHTTP2_ERR_CALLBACK_FAILURE;
    if (frame->headers.cat == NGHTTP2_HCAT_REQUEST)
        h2_late_open(&h2->late, (uint32_t)frame->hd.stream_id);
    h2_head_begin(h2->head);
    return 0;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, nghttp2_rcbuf *name,
                     nghttp2_rcbuf *value, uint8_t flags, void *user_data)
{
    struct h2 *h2 = user_data;
    nghttp2_vec n = nghttp2_rcbuf_get_buf(name), v = nghttp2_rcbuf_get_buf(value);
    (void)session, (void)frame, (void)flags;
    bool is_bearable = h2_head_add(h2->head, slice_make((const char *)n.base, n.len),
                                   slice_make((const char *)v.base, v.len));
    return LIKELY(is_bearable) ? 0 : h2_give_up(h2, H2_FLOOD_HEADERS);
}

/* By default nghttp2 would drop the header and accept the request. */
static int on_invalid_header(nghttp2_session *session, const nghttp2_frame *frame, nghttp2_rcbuf *name,
                             nghttp2_rcbuf *value, uint8_t flags, void *user_data)
{
    (void)session, (void)frame, (void)name, (void)value, (void)flags, (void)user_data;
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

static int begin_stream(struct h2 *h2, int32_t stream, const struct h2_head_event *event)
{
    /* If the last GOAWAY is not written yet, it will tell the client that this request was not processed. */
    void *context =
        h2->drain == H2_DRAIN_DONE ? NULL : h2_events_of(h2)->on_request(h2->owner, (uint32_t)stream, event);
    if (context == NULL)
        return nghttp2_submit_rst_stream(h2->session, NGHTTP2_FLAG_NONE, stream, NGHTTP2_REFUSED_STREAM);
    return nghttp2_session_set_stream_user_data(h2->session, stream, context);
}

static int h2_on_request(struct h2 *h2, const nghttp2_frame *frame)
{
    struct h2_head *head = h2->head;
    h2_head_end(head, !(frame->hd.flags & NGHTTP2_FLAG_END_STREAM));
    struct h2_head_event event = {
        .request = &head->request,
        .text = slice_make(head->text, head->text_used),
        .reject_status = head->reject_status,
    };
    return begin_stream(h2, frame->hd.stream_id, &event);
}

static void on_trailers(struct h2 *h2, void *context)
{
    const struct h2_head *head = h2->head;
    const struct h2_trailers trailers = {
        .fields = head->fields,
        .count = head->request.field_count,
        .reject_status = head->reject_status,
    };
    h2_events_of(h2)->on_end(h2->owner, context, &trailers);
}

static int on_headers_frame(struct h2 *h2, const nghttp2_frame *frame, void *context)
{
    int error = 0;
    if (h2->head == NULL)
        return 0;
    if (frame->headers.cat == NGHTTP2_HCAT_REQUEST)
        error = h2_on_request(h2, frame);
    else if (context)
        on_trailers(h2, context);
    give_head_back(h2);
    return error;
}

/* ---- streams ---- */

/* What marks the PING behind a first GOAWAY. */
static const uint8_t last_opaque[8] = {'v', 'i', 'f', ' ', 'l', 'a', 's', 't'};

static int on_ping(struct h2 *h2, const nghttp2_frame *frame)
{
    if (!(frame->hd.flags & NGHTTP2_FLAG_ACK))
        return 0;
    if (memcmp(frame->ping.opaque_data, last_opaque, sizeof(last_opaque)) == 0)
        h2_finish(h2);
    else
        h2_window_pong(h2);
    return 0;
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *user_data)
{
    struct h2 *h2 = user_data;
    switch (frame->hd.type) {
    case NGHTTP2_HEADERS:
        return on_headers_frame(h2, frame,
                                nghttp2_session_get_stream_user_data(session, frame->hd.stream_id));
    case NGHTTP2_DATA:
        return on_data_frame(h2, frame, nghttp2_session_get_stream_user_data(session, frame->hd.stream_id));
    case NGHTTP2_PING: return on_ping(h2, frame);
    case FRAME_PRIORITY_UPDATE: return on_priority_update(h2, frame);
    default: return 0;
    }
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t stream, const uint8_t *bytes,
                   size_t length, void *user_data)
{
    struct h2 *h2 = user_data;
    void *context = nghttp2_session_get_stream_user_data(session, stream);
    (void)flags;
    if (context)
        h2_events_of(h2)->on_content(h2->owner, context, slice_make((const char *)bytes, length));
    else
        h2_consume(h2, (uint32_t)stream, length);
    return 0;
}

static int on_stream_close(nghttp2_session *session, int32_t stream, uint32_t code, void *user_data)
{
    struct h2 *h2 = user_data;
    void *context = nghttp2_session_get_stream_user_data(session, stream);
    (void)code;
    h2->late.may_be_crossed |=
        (uint32_t)stream != h2->late.reset && nghttp2_session_get_stream_remote_close(session, stream) == 0;
    if (context)
        h2_events_of(h2)->on_closed(h2->owner, context);
    return 0;
}

/* nghttp2 resets the stream, or says goodbye. The rest of an invalid head is not reported, nor is its end. */
static int on_invalid_frame(nghttp2_session *session, const nghttp2_frame *frame, int error, void *user_data)
{
    struct h2 *h2 = user_data;
    (void)session;
    h2->fault = nghttp2_strerror(error);
    h2->late.may_be_crossed = true;
    if (frame->hd.type == NGHTTP2_HEADERS && h2->head)
        h2->head->is_invalid = true;
    return spend(h2, H2_FLOOD_FAULTS);
}

/* ---- what all share ---- */

static int make_callbacks(nghttp2_session_callbacks **ret_callbacks)
{
    nghttp2_session_callbacks *callbacks;
    int error = nghttp2_session_callbacks_new(&callbacks);
    if (error)
        return error;
    nghttp2_session_callbacks_set_on_begin_frame_callback(callbacks, on_begin_frame);
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback2(callbacks, on_header);
    nghttp2_session_callbacks_set_on_invalid_header_callback2(callbacks, on_invalid_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
    nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(callbacks, on_invalid_frame);
    nghttp2_session_callbacks_set_send_data_callback(callbacks, h2_put_content);
    nghttp2_session_callbacks_set_data_source_read_length_callback(callbacks, h2_content_length);
    *ret_callbacks = callbacks;
    return 0;
}

static int make_options(nghttp2_option **ret_options)
{
    int error = h2_library_options(ret_options);
    if (error)
        return error;
    nghttp2_option_set_builtin_recv_extension_type(*ret_options, NGHTTP2_PRIORITY_UPDATE);
#ifdef HAVE_NGHTTP2_OPTION_SET_STREAM_RESET_RATE_LIMIT
    nghttp2_option_set_stream_reset_rate_limit(*ret_options, UINT32_MAX, UINT32_MAX);
#endif
    return 0;
}

const char *h2_library_version(void)
{
    return nghttp2_version(0)->version_str;
}

struct h2_shared *h2_shared_create(const struct h2_limits *limits, const struct h2_events *events)
{
    struct h2_shared *shared = calloc(1, sizeof(*shared));
    if (shared == NULL)
        return NULL;
    shared->limits = limits;
    shared->events = events;
    h2_memory_init(&shared->memory);
    if (make_callbacks(&shared->callbacks) == 0 && make_options(&shared->options) == 0)
        return shared;
    h2_shared_destroy(shared);
    return NULL;
}

void h2_shared_destroy(struct h2_shared *shared)
{
    if (shared == NULL)
        return;
    nghttp2_session_callbacks_del(shared->callbacks);
    nghttp2_option_del(shared->options);
    free(shared->spare_head);
    h2_memory_finish(&shared->memory);
    free(shared);
}

/* ---- an engine ---- */

static int introduce(struct h2 *h2)
{
    const struct h2_limits *limits = h2->shared->limits;
    const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, limits->streams},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, limits->window_bytes},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, limits->head_bytes + 32 * limits->fields},
        {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},
        {NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1},
    };
    size_t count = ARRAY_LENGTH(settings) - !limits->takes_connect;
    int error = nghttp2_submit_settings(h2->session, NGHTTP2_FLAG_NONE, settings, count);
    return error ? error : h2_window_open(h2);
}

static int create_session(struct h2 *h2)
{
    struct h2_shared *shared = h2->shared;
    shared->memory.is_creating = true;
    int error = nghttp2_session_server_new3(&h2->session, shared->callbacks, h2, shared->options,
                                            &shared->memory.calls);
    shared->memory.is_creating = false;
    return error;
}

struct h2 *h2_create(struct h2_shared *shared, void *owner)
{
    struct h2 *h2 = calloc(1, sizeof(*h2));
    if (h2 == NULL)
        return NULL;
    h2->shared = shared;
    h2->owner = owner;
    h2_late_init(&h2->late);
    if (create_session(h2) != 0) {
        free(h2);
        return NULL;
    }
    if (introduce(h2) == 0)
        return h2;
    h2_destroy(h2);
    return NULL;
}

bool h2_upgrade(struct h2 *h2, struct slice settings, const struct h2_head_event *head, uint64_t now_ms)
{
    bool is_head = head->request->method == HTTP_METHOD_HEAD;
    h2_floods_pass(&h2->floods, now_ms);
    h2_late_open(&h2->late, 1);
    return nghttp2_session_upgrade2(h2->session, (const uint8_t *)settings.data, settings.length, is_head,
                                    NULL) == 0 &&
           begin_stream(h2, 1, head) == 0;
}

void h2_destroy(struct h2 *h2)
{
    if (h2 == NULL)
        return;
    nghttp2_session_del(h2->session);
    if (h2->head)
        give_head_back(h2);
    free(h2);
}

/* Negative results of nghttp2 are final. For those caused by the client it sends no GOAWAY itself. */
static void note_error(struct h2 *h2, int error)
{
    h2->is_broken = true;
    if (h2->fault == NULL)
        h2->fault = nghttp2_strerror(error);
    if (error == NGHTTP2_ERR_FLOODED)
        h2->flood = H2_FLOOD_PINGS;
    uint32_t code = error == NGHTTP2_ERR_BAD_CLIENT_MAGIC ? H2_PROTOCOL_ERROR : H2_ENHANCE_YOUR_CALM;
    (void)nghttp2_session_terminate_session(h2->session, code);
}

static void receive_part(struct h2 *h2, struct slice bytes)
{
    if (bytes.length == 0 || h2->is_broken)
        return;
    ssize_t used = nghttp2_session_mem_recv(h2->session, (const uint8_t *)bytes.data, bytes.length);
    if (UNLIKELY(used < 0))
        note_error(h2, (int)used);
}

bool h2_receive(struct h2 *h2, struct slice bytes, uint64_t now_ms)
{
    h2_floods_pass(&h2->floods, now_ms);
    while (bytes.length > 0 && !h2->is_broken) {
        size_t before;
        uint32_t stream;
        size_t part = h2_late_find_data(&h2->late, bytes, &before, &stream);
        receive_part(h2, slice_take(bytes, before));
        if (stream != 0 && !h2->is_broken)
            (void)h2_on_late(h2, stream);
        receive_part(h2, slice_skip(slice_take(bytes, part), before));
        bytes = slice_skip(bytes, part);
    }
    if (UNLIKELY(nghttp2_session_get_outbound_queue_size(h2->session) > H2_QUEUE_MAX))
        (void)h2_give_up(h2, H2_FLOOD_QUEUE);
    return !h2->is_broken;
}

bool h2_is_one_head(struct slice bytes)
{
    const uint8_t *head = (const uint8_t *)bytes.data;
    return bytes.length >= H2_FRAME_HEAD_BYTES && head[3] == NGHTTP2_HEADERS &&
           bytes.length - H2_FRAME_HEAD_BYTES == ((size_t)head[0] << 16 | (size_t)head[1] << 8 | head[2]);
}

bool h2_is_inside_head(const struct h2 *h2)
{
    return (h2->head && !h2->head->is_invalid) || !h2->has_begun;
}

void h2_consume(struct h2 *h2, uint32_t stream, size_t bytes)
{
    h2_window_count(h2, bytes);
    (void)nghttp2_session_consume(h2->session, (int32_t)stream, bytes);
}

void h2_reset(struct h2 *h2, uint32_t stream, enum h2_code code)
{
    (void)nghttp2_submit_rst_stream(h2->session, NGHTTP2_FLAG_NONE, (int32_t)stream, (uint32_t)code);
}

void h2_drain(struct h2 *h2)
{
    if (h2->drain != H2_DRAIN_NOT)
        return;
    h2->drain = H2_DRAIN_SAID;
    (void)nghttp2_submit_shutdown_notice(h2->session);
}

void h2_ask_whether_seen(struct h2 *h2)
{
    h2->drain = H2_DRAIN_ASKED;
    (void)nghttp2_submit_ping(h2->session, NGHTTP2_FLAG_NONE, last_opaque);
}

void h2_finish(struct h2 *h2)
{
    if (h2->drain < H2_DRAIN_LAST && !h2->is_broken)
        h2->drain = H2_DRAIN_LAST;
}

void h2_say_last(struct h2 *h2)
{
    h2->drain = H2_DRAIN_DONE;
    if (!h2->is_broken)
        (void)nghttp2_submit_goaway(h2->session, NGHTTP2_FLAG_NONE,
                                    nghttp2_session_get_last_proc_stream_id(h2->session), NGHTTP2_NO_ERROR,
                                    NULL, 0);
}

bool h2_is_over(const struct h2 *h2)
{
    return !nghttp2_session_want_read(h2->session) && !nghttp2_session_want_write(h2->session) &&
           (h2->drain != H2_DRAIN_LAST || h2->is_broken);
}

const char *h2_fault(const struct h2 *h2)
{
    return h2->fault;
}

enum h2_flood h2_flood(const struct h2 *h2)
{
    return (enum h2_flood)h2->flood;
}
