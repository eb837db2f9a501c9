/* The life of a client's engine and its input. Read h2_caller_receive, then the callbacks in the order of a
 * response: caller_on_begin_headers, caller_on_header, caller_on_frame, caller_on_data, caller_on_close. */
#include "h2/caller_internal.h"
#include "h2/library.h"

#include <stdlib.h>

/* Heads of requests are within vif's own limits, of which this is above the highest. */
#define REQUEST_HEAD_BYTES_MAX ((size_t)8 << 20)

/* Streams for a server whose settings are not known yet: it might refuse more. */
#define STREAMS_UNTOLD 1

/* Sends GOAWAY and accepts nothing more. Returns the result for nghttp2's callback. */
static int caller_break(struct h2_caller *caller, uint32_t code, const char *fault)
{
    if (caller->is_broken)
        return NGHTTP2_ERR_CALLBACK_FAILURE;
    caller->is_broken = true;
    caller->fault = fault;
    (void)nghttp2_session_terminate_session(caller->session, code);
    return NGHTTP2_ERR_CALLBACK_FAILURE;
}

static int caller_spend(struct h2_caller *caller, enum h2_flood kind)
{
    return LIKELY(h2_floods_spend(&caller->floods, kind))
               ? 0
               : caller_break(caller, NGHTTP2_ENHANCE_YOUR_CALM, h2_floods_text(kind));
}

static struct h2_call *caller_call(const struct h2_caller *caller, int32_t stream)
{
    return nghttp2_session_get_stream_user_data(caller->session, stream);
}

/* What comes of a call that has failed, or was cancelled, is of no interest. */
static bool is_heard(const struct h2_call *call)
{
    return call && call->fault == NULL && !call->is_cancelled;
}

/* ---- frames ---- */

static int caller_on_continuation(struct h2_caller *caller)
{
    bool is_flood = caller->list && ++caller->list->continuations > H2_CONTINUATIONS_MAX;
    return is_flood ? caller_break(caller, NGHTTP2_ENHANCE_YOUR_CALM, h2_floods_text(H2_FLOOD_CONTINUATIONS))
                    : 0;
}

static int caller_on_begin_frame(nghttp2_session *session, const nghttp2_frame_hd *frame, void *user_data)
{
    struct h2_caller *caller = user_data;
    (void)session;
    switch (frame->type) {
    case NGHTTP2_DATA:
        return frame->length == 0 && !(frame->flags & NGHTTP2_FLAG_END_STREAM)
                   ? caller_spend(caller, H2_FLOOD_EMPTY_FRAMES)
                   : 0;
    case NGHTTP2_PUSH_PROMISE: /* refused by our settings, which the server may not have seen yet */
        return caller_break(caller, NGHTTP2_REFUSED_STREAM, "it pushes what nobody asked for");
    case NGHTTP2_PRIORITY: return caller_spend(caller, H2_FLOOD_PRIORITIES);
    case NGHTTP2_SETTINGS:
        return frame->flags & NGHTTP2_FLAG_ACK ? 0 : caller_spend(caller, H2_FLOOD_SETTINGS);
    case NGHTTP2_PING: return frame->flags & NGHTTP2_FLAG_ACK ? 0 : caller_spend(caller, H2_FLOOD_PINGS);
    case NGHTTP2_WINDOW_UPDATE: return caller_spend(caller, H2_FLOOD_WINDOWS);
    case NGHTTP2_CONTINUATION: return caller_on_continuation(caller);
    default: return 0;
    }
}

/* ---- heads ---- */

static struct h2_response_list *caller_take_list(struct h2_caller_shared *shared, uint32_t room)
{
    struct h2_response_list *list = shared->spare_list;
    shared->spare_list = NULL;
    if (LIKELY(list && list->room >= room))
        return list;
    free(list);
    return h2_response_list_create(room);
}

static void caller_give_list_back(struct h2_caller *caller)
{
    free(caller->shared->spare_list);
    caller->shared->spare_list = caller->list;
    caller->list = NULL;
}

static int caller_on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *user_data)
{
    struct h2_caller *caller = user_data;
    const struct h2_call *call = caller_call(caller, frame->hd.stream_id);
    (void)session;
    if (call == NULL)
        return 0;
    if (caller->list && caller->list->room < call->head_bytes)
        caller_give_list_back(caller);
    if (caller->list == NULL)
        caller->list = caller_take_list(caller->shared, call->head_bytes);
    if (caller->list == NULL)
        return NGHTTP2_ERR_CALLBACK_FAILURE;
    h2_response_list_begin(caller->list, call->head_bytes, call->fields);
    return 0;
}

static int caller_on_header(nghttp2_session *session, const nghttp2_frame *frame, nghttp2_rcbuf *name,
                            nghttp2_rcbuf *value, uint8_t flags, void *user_data)
{
    struct h2_caller *caller = user_data;
    struct h2_call *call = caller_call(caller, frame->hd.stream_id);
    nghttp2_vec n = nghttp2_rcbuf_get_buf(name), v = nghttp2_rcbuf_get_buf(value);
    (void)session, (void)flags;
    if (caller->list == NULL || call == NULL)
        return 0;
    const char *fault = h2_response_list_add(caller->list, slice_make((const char *)n.base, n.len),
                                             slice_make((const char *)v.base, v.len));
    if (call->fault == NULL)
        call->fault = fault;
    if (UNLIKELY(h2_response_list_is_bomb(caller->list)))
        return caller_break(caller, NGHTTP2_ENHANCE_YOUR_CALM, h2_floods_text(H2_FLOOD_HEADERS));
    return 0;
}

/* By default nghttp2 would drop the header and accept the response. */
static int caller_on_invalid_header(nghttp2_session *session, const nghttp2_frame *frame, nghttp2_rcbuf *name,
                                    nghttp2_rcbuf *value, uint8_t flags, void *user_data)
{
    struct h2_call *call = caller_call(user_data, frame->hd.stream_id);
    (void)session, (void)name, (void)value, (void)flags;
    if (call && call->fault == NULL)
        call->fault = "a header of it is not allowed in HTTP/2";
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

static void caller_take_end(struct h2_caller *caller, struct h2_call *call, const struct http_field *trailers,
                            unsigned count)
{
    call->has_ended = true;
    h2_caller_events_of(caller)->on_end(caller->owner, call, trailers, count);
}

static void caller_take_head(struct h2_caller *caller, struct h2_call *call, bool is_end)
{
    struct h2_response_list *list = caller->list;
    call->fault = h2_response_list_end(list, is_end, call->is_head);
    bool is_interim = list->head.status < 200;
    if (call->fault == NULL && is_interim && ++call->interims > H2_CALL_INTERIMS_MAX)
        call->fault = "there are too many interim responses before it";
    if (call->fault)
        return;
    call->has_head = !is_interim;
    h2_caller_events_of(caller)->on_head(caller->owner, call, &list->head, is_end);
    if (is_end && is_heard(call))
        caller_take_end(caller, call, NULL, 0);
}

static void caller_take_trailers(struct h2_caller *caller, struct h2_call *call)
{
    const struct http_response_head *head = &caller->list->head;
    caller_take_end(caller, call, head->fields, head->field_count);
}

static void caller_reset_invalid(struct h2_caller *caller, const struct h2_call *call)
{
    (void)nghttp2_submit_rst_stream(caller->session, NGHTTP2_FLAG_NONE, (int32_t)call->stream,
                                    NGHTTP2_PROTOCOL_ERROR);
}

static void caller_on_headers(struct h2_caller *caller, const nghttp2_frame *frame, struct h2_call *call)
{
    bool is_end = frame->hd.flags & NGHTTP2_FLAG_END_STREAM;
    if (caller->list == NULL)
        return;
    if (is_heard(call) && call->has_head)
        caller_take_trailers(caller, call);
    else if (is_heard(call))
        caller_take_head(caller, call, is_end);
    if (call && call->fault)
        caller_reset_invalid(caller, call);
    caller_give_list_back(caller);
}

/* ---- streams ---- */

/* Of DATA that is padding only nothing came either. */
static int caller_on_data_frame(struct h2_caller *caller, const nghttp2_frame *frame, struct h2_call *call)
{
    bool is_end = frame->hd.flags & NGHTTP2_FLAG_END_STREAM;
    bool is_padding = frame->hd.length > 0 && frame->hd.length == frame->data.padlen;
    if (is_end && is_heard(call))
        caller_take_end(caller, call, NULL, 0);
    return is_padding && !is_end ? caller_spend(caller, H2_FLOOD_EMPTY_FRAMES) : 0;
}

/* The code with which nghttp2 closes a stream may be its own: this one is the server's. */
static void caller_on_reset(struct h2_call *call, uint32_t code)
{
    if (call == NULL)
        return;
    call->is_reset = true;
    call->is_refused = code == NGHTTP2_REFUSED_STREAM;
    call->code = code;
}

static int caller_on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *user_data)
{
    struct h2_caller *caller = user_data;
    struct h2_call *call = caller_call(caller, frame->hd.stream_id);
    (void)session;
    switch (frame->hd.type) {
    case NGHTTP2_HEADERS: caller_on_headers(caller, frame, call); return 0;
    case NGHTTP2_DATA: return caller_on_data_frame(caller, frame, call);
    case NGHTTP2_RST_STREAM: caller_on_reset(call, frame->rst_stream.error_code); return 0;
    case NGHTTP2_SETTINGS: caller->is_introduced = true; return 0;
    case NGHTTP2_GOAWAY: caller->was_dismissed = true; return 0;
    default: return 0;
    }
}

static int caller_on_data(nghttp2_session *session, uint8_t flags, int32_t stream, const uint8_t *bytes,
                          size_t length, void *user_data)
{
    struct h2_caller *caller = user_data;
    struct h2_call *call = caller_call(caller, stream);
    (void)flags;
    (void)nghttp2_session_consume_connection(session, length);
    if (is_heard(call))
        h2_caller_events_of(caller)->on_content(caller->owner, call, slice_make((const char *)bytes, length));
    return 0;
}

/* Streams above the last one of a GOAWAY are closed with REFUSED_STREAM. Of a response that ended in order
 * nghttp2 closes the stream when the request has ended, too; and it resets those whose content is not as long
 * as they say. */
static enum h2_call_end caller_end_of(struct h2_call *call, uint32_t code)
{
    if (call->has_ended)
        return H2_CALL_COMPLETE;
    if (call->is_cancelled)
        return H2_CALL_CANCELLED;
    if (call->is_refused || (!call->is_reset && code == NGHTTP2_REFUSED_STREAM))
        return H2_CALL_REFUSED;
    if (call->is_reset)
        return H2_CALL_RESET;
    if (call->fault == NULL)
        call->fault = code == NGHTTP2_FLOW_CONTROL_ERROR ? "it sends more than its window allows"
                                                         : "its content is not as long as it says";
    return H2_CALL_BAD;
}

static int caller_on_close(nghttp2_session *session, int32_t stream, uint32_t code, void *user_data)
{
    struct h2_caller *caller = user_data;
    struct h2_call *call = caller_call(caller, stream);
    (void)session;
    if (call == NULL)
        return 0;
    caller->call_count--;
    h2_caller_events_of(caller)->on_closed(caller->owner, call, caller_end_of(call, code));
    return 0;
}

static const char *caller_fault_text(int error)
{
    switch (error) {
    case NGHTTP2_ERR_HTTP_HEADER: return "a header of it is not allowed in HTTP/2";
    case NGHTTP2_ERR_HTTP_MESSAGING: return "it breaks the rules of HTTP/2 for messages";
    default: return nghttp2_strerror(error);
    }
}

/* nghttp2 resets the stream, or says goodbye. */
static int caller_on_invalid_frame(nghttp2_session *session, const nghttp2_frame *frame, int error,
                                   void *user_data)
{
    struct h2_caller *caller = user_data;
    struct h2_call *call = caller_call(caller, frame->hd.stream_id);
    (void)session;
    if (call && call->fault == NULL)
        call->fault = caller_fault_text(error);
    caller->fault = caller_fault_text(error);
    return caller_spend(caller, H2_FLOOD_FAULTS);
}

/* A request whose head was not written: the server knows nothing of it. */
static int caller_on_not_sent(nghttp2_session *session, const nghttp2_frame *frame, int error,
                              void *user_data)
{
    struct h2_call *call = caller_call(user_data, frame->hd.stream_id);
    (void)session, (void)error;
    if (call && frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST)
        call->is_refused = true;
    return 0;
}

/* Texts that nghttp2 has for people. */
static int caller_on_error(nghttp2_session *session, int error, const char *text, size_t length,
                           void *user_data)
{
    struct h2_caller *caller = user_data;
    (void)session, (void)text, (void)length;
    caller->is_alone |= error == NGHTTP2_ERR_SETTINGS_EXPECTED;
    return 0;
}

/* ---- what all share ---- */

static int caller_make_callbacks(nghttp2_session_callbacks **ret_callbacks)
{
    nghttp2_session_callbacks *callbacks;
    int error = nghttp2_session_callbacks_new(&callbacks);
    if (error)
        return error;
    nghttp2_session_callbacks_set_on_begin_frame_callback(callbacks, caller_on_begin_frame);
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, caller_on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback2(callbacks, caller_on_header);
    nghttp2_session_callbacks_set_on_invalid_header_callback2(callbacks, caller_on_invalid_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, caller_on_frame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, caller_on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, caller_on_close);
    nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(callbacks, caller_on_invalid_frame);
    nghttp2_session_callbacks_set_on_frame_not_send_callback(callbacks, caller_on_not_sent);
    nghttp2_session_callbacks_set_error_callback2(callbacks, caller_on_error);
    nghttp2_session_callbacks_set_send_data_callback(callbacks, h2_caller_put_content);
    *ret_callbacks = callbacks;
    return 0;
}

static int caller_make_options(nghttp2_option **ret_options)
{
    int error = h2_library_options(ret_options);
    if (error == 0)
        nghttp2_option_set_max_send_header_block_length(*ret_options, REQUEST_HEAD_BYTES_MAX);
    return error;
}

struct h2_caller_shared *h2_caller_shared_create(const struct h2_caller_limits *limits,
                                                 const struct h2_caller_events *events)
{
    struct h2_caller_shared *shared = calloc(1, sizeof(*shared));
    if (shared == NULL)
        return NULL;
    shared->limits = limits;
    shared->events = events;
    h2_memory_init(&shared->memory);
    if (caller_make_callbacks(&shared->callbacks) == 0 && caller_make_options(&shared->options) == 0)
        return shared;
    h2_caller_shared_destroy(shared);
    return NULL;
}

void h2_caller_shared_destroy(struct h2_caller_shared *shared)
{
    if (shared == NULL)
        return;
    nghttp2_session_callbacks_del(shared->callbacks);
    nghttp2_option_del(shared->options);
    free(shared->spare_list);
    h2_memory_finish(&shared->memory);
    free(shared);
}

/* ---- an engine ---- */

static int caller_introduce(struct h2_caller *caller)
{
    const struct h2_caller_limits *limits = caller->shared->limits;
    const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, limits->window_bytes},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, limits->list_bytes},
    };
    int error = nghttp2_submit_settings(caller->session, NGHTTP2_FLAG_NONE, settings, ARRAY_LENGTH(settings));
    return error ? error
                 : nghttp2_session_set_local_window_size(caller->session, NGHTTP2_FLAG_NONE, 0,
                                                         (int32_t)limits->connection_window_bytes);
}

/* nghttp2 puts the preface into its frame buffer, which all engines share (h2/memory.h): it is taken at once,
 * and written by h2_caller_write. */
static int caller_create_session(struct h2_caller *caller)
{
    struct h2_caller_shared *shared = caller->shared;
    const uint8_t *preface;
    if (shared->memory.frame)
        h2_memory_open_frame(&shared->memory);
    shared->memory.is_creating = true;
    int error = nghttp2_session_client_new3(&caller->session, shared->callbacks, caller, shared->options,
                                            &shared->memory.calls);
    shared->memory.is_creating = false;
    if (error == 0 && nghttp2_session_mem_send(caller->session, &preface) != NGHTTP2_CLIENT_MAGIC_LEN)
        error = NGHTTP2_ERR_NOMEM;
    if (shared->memory.frame)
        h2_memory_close_frame(&shared->memory);
    return error;
}

struct h2_caller *h2_caller_create(struct h2_caller_shared *shared, void *owner)
{
    struct h2_caller *caller = calloc(1, sizeof(*caller));
    if (caller == NULL)
        return NULL;
    caller->shared = shared;
    caller->owner = owner;
    if (caller_create_session(caller) == 0 && caller_introduce(caller) == 0)
        return caller;
    h2_caller_destroy(caller);
    return NULL;
}

void h2_caller_destroy(struct h2_caller *caller)
{
    if (caller == NULL)
        return;
    nghttp2_session_del(caller->session);
    if (caller->list)
        caller_give_list_back(caller);
    free(caller);
}

/* Negative results of nghttp2 are final. For those caused by the server it sends no GOAWAY itself. */
static void caller_note_error(struct h2_caller *caller, int error)
{
    caller->is_broken = true;
    if (caller->fault == NULL)
        caller->fault = nghttp2_strerror(error);
    (void)nghttp2_session_terminate_session(caller->session, NGHTTP2_ENHANCE_YOUR_CALM);
}

void h2_caller_receive(struct h2_caller *caller, struct slice bytes, uint64_t now_ms)
{
    if (caller->is_broken)
        return;
    h2_floods_pass(&caller->floods, now_ms);
    ssize_t used = nghttp2_session_mem_recv(caller->session, (const uint8_t *)bytes.data, bytes.length);
    if (UNLIKELY(used < 0))
        caller_note_error(caller, (int)used);
    if (UNLIKELY(nghttp2_session_get_outbound_queue_size(caller->session) > H2_QUEUE_MAX))
        (void)caller_break(caller, NGHTTP2_ENHANCE_YOUR_CALM, h2_floods_text(H2_FLOOD_QUEUE));
}

bool h2_caller_is_introduced(const struct h2_caller *caller)
{
    return caller->is_introduced;
}

uint32_t h2_caller_room(const struct h2_caller *caller)
{
    uint32_t most = STREAMS_UNTOLD;
    if (caller->is_introduced)
        most = nghttp2_session_get_remote_settings(caller->session, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
    if (caller->is_broken || !nghttp2_session_check_request_allowed(caller->session))
        return 0;
    return most > caller->call_count ? most - caller->call_count : 0;
}

void h2_caller_consume(struct h2_caller *caller, const struct h2_call *call, size_t bytes)
{
    (void)nghttp2_session_consume_stream(caller->session, (int32_t)call->stream, bytes);
}

void h2_caller_cancel(struct h2_caller *caller, struct h2_call *call)
{
    call->is_cancelled = true;
    (void)nghttp2_submit_rst_stream(caller->session, NGHTTP2_FLAG_NONE, (int32_t)call->stream,
                                    NGHTTP2_CANCEL);
}

void h2_caller_ping(struct h2_caller *caller)
{
    (void)nghttp2_submit_ping(caller->session, NGHTTP2_FLAG_NONE, NULL);
}

void h2_caller_finish(struct h2_caller *caller)
{
    caller->is_broken = true;
    (void)nghttp2_session_terminate_session(caller->session, NGHTTP2_NO_ERROR);
}

bool h2_caller_is_over(const struct h2_caller *caller)
{
    return !nghttp2_session_want_read(caller->session) && !nghttp2_session_want_write(caller->session);
}

bool h2_caller_was_dismissed(const struct h2_caller *caller)
{
    return caller->was_dismissed;
}

const char *h2_caller_fault(const struct h2_caller *caller)
{
    return caller->fault;
}

bool h2_caller_is_alone(const struct h2_caller *caller)
{
    return caller->is_alone;
}

const char *h2_code_text(uint32_t code)
{
    return nghttp2_http2_strerror(code);
}
