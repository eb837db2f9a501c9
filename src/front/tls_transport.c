/* TLS transport: life cycle and input; tls_output.c has the output. Read take_in first.
 *
 * The owner may do anything in a callback, including closing, so the state is checked after each event; the
 * memory stays valid until the end of the turn. */
#include "front/tls_transport.h"

#include "front/front.h"
#include "http/date.h"
#include "loop/offload.h"

#include <errno.h>
#include <stdlib.h>

static bool tls_transport_is_closed(struct tls_transport *tls)
{
    return tls_stream_of(tls)->flags & STREAM_CLOSED;
}

struct tls_worker *tls_worker_of(struct tls_transport *tls)
{
    return connection_front(tls_connection_of(tls))->tls;
}

struct tls_call tls_transport_call(struct tls_transport *tls, char room[TLS_RECORD_BYTES_MAX])
{
    struct tls_worker *worker = tls_worker_of(tls);
    return (struct tls_call){
        .names = tls->listener->names,
        .limits = &tls->listener->limits,
        .output = &worker->output,
        .room = room,
        .room_size = TLS_RECORD_BYTES_MAX,
        .now_ms = loop_now_ms(worker->front->loop),
        .may_work = true,
    };
}

/* ---- whose turn it is ---- */

/* Whether there is time for a handshake in this turn of the loop. */
static bool has_handshake_time(struct tls_worker *worker)
{
    uint64_t turn = loop_turn(worker->front->loop);
    if (worker->turn != turn) {
        worker->turn = turn;
        worker->turn_us = 0;
    }
    return worker->turn_us < TLS_HANDSHAKES_TURN_US;
}

static void tls_transport_wait_in(struct tls_transport *tls, struct list *list)
{
    struct tls_worker *worker = tls_worker_of(tls);
    if (list_is_empty(&tls->link))
        list_append(list, &tls->link);
    task_defer(worker->front->loop, &worker->task);
}

static bool tls_transport_wants_input(const struct tls_transport *tls)
{
    return tls->is_reading || tls->is_blocked;
}

static bool may_take(struct tls_transport *tls)
{
    if (tls_transport_is_closed(tls) || tls->is_working || !tls_transport_wants_input(tls))
        return false;
    if (!tls->is_shaking_hands || has_handshake_time(tls_worker_of(tls)))
        return true;
    tls_transport_wait_in(tls, &tls_worker_of(tls)->shaking);
    return false;
}

/* ---- what comes of what is read ---- */

static void tls_transport_fail(struct tls_transport *tls, int error)
{
    tls->error = (int16_t)error;
    tls->events->on_error(tls_stream_of(tls), error);
}

static void tls_transport_tell_end(struct tls_transport *tls)
{
    tls->end_told = true;
    tls->events->on_end(tls_stream_of(tls));
}

struct handshake_job {
    struct job job;
    struct tls_transport *tls;
};

static void take_in(struct tls_transport *tls, struct slice input);
static void free_connection(struct tls_transport *tls);

static void work_on_handshake(struct job *job)
{
    tls_session_work(&CONTAINER_OF(job, struct handshake_job, job)->tls->session);
}

static void end_handshake_job(struct job *job)
{
    struct tls_transport *tls = CONTAINER_OF(job, struct handshake_job, job)->tls;
    free(CONTAINER_OF(job, struct handshake_job, job));
    tls->is_working = false;
    if (tls->awaits_thread)
        free_connection(tls);
    else if (!tls_transport_is_closed(tls))
        take_in(tls, input_slice(tls->input));
}

/* Makes a slow signature on another thread, or here if none is available: refusing would not help, as the
 * next client would have to wait as well. */
static void begin_handshake_job(struct tls_transport *tls)
{
    struct loop *loop = tls_worker_of(tls)->front->loop;
    struct handshake_job *job = malloc(sizeof(*job));
    if (job)
        *job = (struct handshake_job){{.work = work_on_handshake, .done = end_handshake_job}, tls};
    if (job && offload_submit(loop, &job->job) == 0) {
        tls->is_working = true;
        return;
    }
    free(job);
    tls_session_work(&tls->session);
}

static void log_refusal(struct tls_transport *tls)
{
    struct front *front = tls_worker_of(tls)->front;
    front->counters->tls_failures++;
    log_debug(front->service->log, "TLS handshake failed: %s", tls_session_fault(&tls->session));
}

static void tls_transport_refuse(struct tls_transport *tls)
{
    tls->is_shaking_hands = false;
    log_refusal(tls);
    connection_refused(tls_connection_of(tls));
}

/* For the requests that come now. */
static void note_early(struct tls_transport *tls)
{
    tls_connection_of(tls)->client.peer.is_early = tls_session_is_early(&tls->session);
}

static void count_handshake_time(struct tls_transport *tls)
{
    struct front *front = tls_worker_of(tls)->front;
    uint64_t began_ms = tls_connection_of(tls)->client.window_began_ms;
    if (service_measures(front->service))
        duration_histogram_add(&front->counters->phases[PHASE_TLS],
                               (loop_now_ms(front->loop) - began_ms) * 1000);
}

static void note_ready(struct tls_transport *tls)
{
    struct front *front = tls_worker_of(tls)->front;
    struct tls_info info;
    tls_session_info(&tls->session, &info);
    tls->is_shaking_hands = false;
    front->counters->tls_handshakes++;
    count_handshake_time(tls);
    front->counters->tls_resumptions += info.is_resumed;
    front->counters->tls_early_accepted += info.is_early;
    front->counters->tls_early_refused += info.is_early_refused;
    note_early(tls);
    connection_secured(tls_connection_of(tls), info.protocol);
}

static void note_confirmed(struct tls_transport *tls)
{
    note_early(tls);
    tls_output_confirmed(tls);
}

bool tls_transport_block(struct tls_transport *tls)
{
    if (tls->has_fin)
        return false;
    tls->is_blocked = true;
    if (tls->input)
        tls_transport_wait_in(tls, &tls_worker_of(tls)->due);
    else
        stream_read_resume(tls_stream_of(tls));
    return true;
}

/* Not in this call, which may be inside one of the owner's. */
static void unblock(struct tls_transport *tls)
{
    tls->is_blocked = false;
    stream_send_later(tls_stream_of(tls));
}

/* True where the session may have more to say. */
static bool tls_transport_act(struct tls_transport *tls, enum tls_event event, struct slice plaintext)
{
    switch (event) {
    case TLS_MORE: return false;
    case TLS_READY: note_ready(tls); return true;
    case TLS_CONFIRMED: note_confirmed(tls); return true;
    case TLS_DATA: tls->events->on_read(tls_stream_of(tls), plaintext); return true;
    case TLS_END: tls_transport_tell_end(tls); return true;
    case TLS_WORK: begin_handshake_job(tls); return true;
    case TLS_WRITABLE: unblock(tls); return true;
    case TLS_HTTP: tls_transport_refuse(tls); return false;
    case TLS_ERROR:
        if (tls->is_shaking_hands)
            tls_transport_refuse(tls);
        else
            tls_transport_fail(tls, -EPROTO);
        return false;
    }
    UNREACHABLE();
}

/* A browser shows it to a user who typed http:// for https://. */
static void answer_plain_http(struct tls_worker *worker)
{
    static const char text[] = "This port speaks HTTPS only: the address begins with https://\n";
    buffer_printf(&worker->output,
                  "HTTP/1.1 400 Bad Request\r\nDate: %.*s\r\nConnection: close\r\n"
                  "Content-Type: text/plain\r\nContent-Length: %zu\r\n\r\n%s",
                  HTTP_DATE_LENGTH, service_date(worker->front->service), sizeof(text) - 1, text);
}

static enum tls_event tls_transport_next_event(struct tls_transport *tls, struct slice *rest,
                                               struct slice *ret_plaintext)
{
    struct tls_worker *worker = tls_worker_of(tls);
    struct loop *loop = worker->front->loop;
    struct tls_call call = tls_transport_call(tls, worker->read_room);
    uint64_t began_us = tls->is_shaking_hands ? loop_clock_us(loop) : 0;
    enum tls_event event = tls_session_next(&tls->session, &call, rest, ret_plaintext);
    if (tls->is_shaking_hands)
        worker->turn_us += loop_clock_us(loop) - began_us;
    if (event == TLS_HTTP)
        answer_plain_http(worker);
    return event;
}

/* A FIN without close_notify may be an attacker's. The owner need not know, as no request is delimited by the
 * end of the connection. */
static void note_fin(struct tls_transport *tls)
{
    if (tls_session_end(&tls->session) == TLS_ERROR)
        log_debug(tls_worker_of(tls)->front->service->log, "TLS: %s", tls_session_fault(&tls->session));
}

/* Keeps unconsumed input and waits for the next event. */
static void tls_transport_await(struct tls_transport *tls, struct slice rest)
{
    if (tls_transport_is_closed(tls))
        return;
    if (tls->session.state == TLS_STATE_BROKEN)
        rest.length = 0;
    if (!input_set(&tls->input, rest)) {
        tls_transport_fail(tls, -ENOMEM);
        return;
    }
    /* The owner asked for more during this call. If reading waited for the next turn, the stream would take
     * the FINs of both sides for a hang-up. */
    if (tls->input == NULL && !tls->is_shaking_hands)
        list_remove(&tls->link);
    bool has_input = tls->input || tls->is_working || !list_is_empty(&tls->link);
    if (tls->has_fin && !has_input && tls->is_blocked) {
        tls->is_blocked = false;
        tls_transport_fail(tls, -EPIPE); /* the rest of the message never comes */
    } else if (tls->has_fin && !has_input && !tls->end_told) {
        note_fin(tls);
        tls_transport_tell_end(tls);
    } else if (has_input || !tls_transport_wants_input(tls)) {
        stream_read_pause(tls_stream_of(tls));
    } else if (!tls->has_fin) {
        stream_read_resume(tls_stream_of(tls));
    }
}

/* Passes input to the session and handles its events, as long as the owner wants more. `input` is the loop's
 * buffer or the kept bytes. */
static void take_in(struct tls_transport *tls, struct slice input)
{
    struct slice rest = input;
    while (may_take(tls)) {
        struct slice plaintext = {0};
        enum tls_event event = tls_transport_next_event(tls, &rest, &plaintext);
        if (!tls_output_flush(tls)) {
            tls_transport_fail(tls, transport_error(tls_stream_of(tls)));
            return;
        }
        if (!tls_transport_act(tls, event, plaintext))
            break;
    }
    tls_transport_await(tls, rest);
}

/* Waiting handshakes run in order, within the turn's time. */
static void tls_transport_go_on(struct task *task)
{
    struct tls_worker *worker = CONTAINER_OF(task, struct tls_worker, task);
    struct list due;
    list_init(&due);
    list_splice(&due, &worker->due);
    while (!list_is_empty(&due)) {
        struct tls_transport *tls = CONTAINER_OF(due.next, struct tls_transport, link);
        list_remove(&tls->link);
        take_in(tls, input_slice(tls->input));
    }
    while (!list_is_empty(&worker->shaking) && has_handshake_time(worker)) {
        struct tls_transport *tls = CONTAINER_OF(worker->shaking.next, struct tls_transport, link);
        list_remove(&tls->link);
        take_in(tls, input_slice(tls->input));
    }
    if (!list_is_empty(&worker->shaking))
        task_defer(worker->front->loop, &worker->task);
}

static bool has_input_left(const struct tls_transport *tls)
{
    return tls->input || tls->is_working || !list_is_empty(&tls->link);
}

bool tls_transport_waits_for_server(const struct stream *stream)
{
    return has_input_left(tls_transport_of(stream));
}

/* ---- what the stream tells ---- */

static void tls_transport_on_read(struct stream *stream, struct slice bytes)
{
    struct tls_transport *tls = tls_transport_of(stream);
    if (tls->session.state == TLS_STATE_BROKEN)
        return;
    if (tls->is_shaking_hands && !list_is_empty(&tls_worker_of(tls)->shaking))
        tls_transport_wait_in(tls, &tls_worker_of(tls)->shaking);
    if (LIKELY(!has_input_left(tls))) {
        take_in(tls, bytes);
        return;
    }
    if (!input_add(&tls->input, bytes))
        tls_transport_fail(tls, -ENOMEM);
    else
        stream_read_pause(stream);
}

static void tls_transport_on_end(struct stream *stream)
{
    struct tls_transport *tls = tls_transport_of(stream);
    tls->has_fin = true;
    tls_transport_await(tls, input_slice(tls->input));
}

static void tls_transport_on_error(struct stream *stream, int error)
{
    tls_transport_fail(tls_transport_of(stream), error);
}

static void free_connection(struct tls_transport *tls)
{
    tls_session_finish(&tls->session);
    if (tls->listener->connections)
        --*tls->listener->connections;
    tls_output_drop(tls);
    input_clear(&tls->input);
    tls->events->on_closed(tls_stream_of(tls));
}

static void tls_transport_on_closed(struct stream *stream)
{
    struct tls_transport *tls = tls_transport_of(stream);
    if (tls->is_working)
        tls->awaits_thread = true;
    else
        free_connection(tls);
}

static bool tls_transport_may_send_file(struct stream *stream, const struct segment *segment)
{
    (void)stream, (void)segment;
    UNREACHABLE();
}

static size_t tls_transport_describe(const struct stream *stream, char *out, size_t size)
{
    return tls_transport_of(stream)->events->describe(stream, out, size);
}

const struct stream_events tls_transport_stream_events = {
    .on_read = tls_transport_on_read,
    .may_send_file = tls_transport_may_send_file,
    .on_end = tls_transport_on_end,
    .on_sent = tls_output_on_sent,
    .on_error = tls_transport_on_error,
    .on_closed = tls_transport_on_closed,
    .describe = tls_transport_describe,
};

/* ---- what the owner asks for ---- */

void tls_transport_read_pause(struct stream *stream)
{
    struct tls_transport *tls = tls_transport_of(stream);
    tls->is_reading = false;
    if (!tls->is_blocked)
        stream_read_pause(stream);
}

void tls_transport_read_resume(struct stream *stream)
{
    struct tls_transport *tls = tls_transport_of(stream);
    tls->is_reading = true;
    if (tls->input && !tls->is_working)
        tls_transport_wait_in(tls, &tls_worker_of(tls)->due);
    else if (tls->input == NULL && !tls->has_fin)
        stream_read_resume(stream);
}

void tls_transport_limit_reads(struct stream *stream, uint16_t bytes_max)
{
    stream_limit_reads(stream, bytes_max ? MAX(bytes_max, (uint16_t)TLS_READ_BYTES_MIN) : 0);
}

void tls_transport_hand_over(struct stream *stream, const struct stream_events *events)
{
    tls_transport_of(stream)->events = events;
}

bool tls_transport_is_reading(const struct stream *stream)
{
    return tls_transport_of(stream)->is_reading;
}

bool tls_transport_has_ended(const struct stream *stream)
{
    return tls_transport_of(stream)->end_told;
}

int tls_transport_error(const struct stream *stream)
{
    return tls_transport_of(stream)->error;
}

void tls_transport_reset_on_close(struct stream *stream)
{
    tls_transport_of(stream)->resets = true;
    stream_reset_on_close(stream);
}

void tls_transport_begin(struct stream *stream, const struct tls_listener *listener)
{
    struct tls_transport *tls = tls_transport_of(stream);
    *tls = (struct tls_transport){
        .listener = listener,
        .events = stream->events,
        .is_reading = true,
        .is_shaking_hands = true,
    };
    if (listener->connections)
        ++*listener->connections;
    list_init(&tls->link);
    tls_session_init(&tls->session);
    stream->events = &tls_transport_stream_events;
}

static void tls_worker_go_on_trimming(struct task *task)
{
    struct tls_worker *worker = CONTAINER_OF(task, struct tls_worker, trim);
    if (tls_memory_trim())
        task_defer(worker->front->loop, task);
}

void tls_worker_trim(struct front *front)
{
    if (front->tls)
        task_defer(front->loop, &front->tls->trim);
}

int tls_worker_ensure(struct front *front)
{
    if (front->tls)
        return 0;
    struct tls_worker *worker = malloc(sizeof(*worker));
    if (worker == NULL)
        return -ENOMEM;
    worker->front = front;
    list_init(&worker->shaking);
    list_init(&worker->due);
    task_init(&worker->task, tls_transport_go_on);
    task_init(&worker->trim, tls_worker_go_on_trimming);
    worker->turn = worker->turn_us = worker->held_count = 0;
    buffer_init(&worker->output, TLS_OUTPUT_BYTES_MAX);
    front->tls = worker;
    return 0;
}

void tls_worker_finish(struct front *front)
{
    if (front->tls == NULL)
        return;
    task_cancel(&front->tls->task);
    task_cancel(&front->tls->trim);
    buffer_finish(&front->tls->output);
    free(front->tls);
    front->tls = NULL;
}
