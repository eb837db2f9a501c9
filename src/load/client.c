/* One client: a connection that repeatedly sends requests and receives answers.
 *
 *   closed -> connecting -> open <-> (requests in flight) -> ending -> closing -> closed
 *
 * The hot path is client_on_read: a known answer is skipped and counted, and the next request is sent, with
 * one receive, one send and one reading of the clock. The timer is not moved with every request; when it
 * fires, it checks the age of the oldest one. All failures end in lose(). */
#include "load/run.h"

#include "sys/clock.h"

#include <errno.h>

/* The pause after a failed connection before the next attempt. */
#define PAUSE_MS 100

/* Limits for answers; larger ones count as malformed. */
static const struct h1_limits limits = {
    .head_bytes = 64u << 10,
    .fields = HTTP_RESPONSE_FIELDS_MAX,
    .body_bytes = UINT64_MAX >> 8,
};

#define KEPT_BYTES_MAX ((64u << 10) + LOOP_READ_BYTES)

static const struct stream_events stream_events;
static const struct connector_events connector_events;
static void client_on_timer(struct timer *timer);

void client_init(struct client *client, struct run *run, unsigned number)
{
    *client = (struct client){.run = run, .number = number, .state = LOAD_CLIENT_CLOSED};
    timer_init(&client->timer, client_on_timer);
    connector_init(&client->connector, run->loop, &connector_events);
    list_init(&client->link);
    h1_response_init(&client->engine, &limits);
    buffer_init(&client->kept, KEPT_BYTES_MAX);
}

static uint64_t client_now_us(const struct client *client)
{
    return loop_clock_us(client->run->loop);
}

static struct asked *asked_at(struct client *client, unsigned index)
{
    unsigned at = client->asked_first + index;
    unsigned size = client->run->plan.pipeline;
    return &client->asked[at < size ? at : at - size];
}

static struct asked take_oldest(struct client *client)
{
    struct asked oldest = *asked_at(client, 0);
    unsigned next = client->asked_first + 1u;
    client->asked_first = next < client->run->plan.pipeline ? (uint16_t)next : 0;
    client->asked_count--;
    client->run->under_way--;
    return oldest;
}

static struct slice request_at(struct client *client, unsigned index)
{
    return client->run->messages.requests[asked_at(client, index)->target];
}

/* The number of requests that the kernel has at least begun to send: only these can be answered. */
static unsigned count_sent(struct client *client)
{
    unsigned count = client->has_sent ? client->asked_count : 0;
    if (LIKELY(!stream_is_sending(&client->stream)))
        return count;
    size_t unsent = stream_unsent(&client->stream);
    while (count > 0 && unsent >= request_at(client, count - 1).length)
        unsent -= request_at(client, --count).length;
    return count;
}

/* Bytes are counted when they are sent, as received ones are when they arrive: if the rate is not kept,
 * requests that were due before the window are sent within it; and a server may refuse the rest of a large
 * request. */
static void count_bytes_sent(struct client *client, uint64_t now)
{
    size_t unsent = stream_unsent(&client->stream);
    client->run->result->bytes_sent += run_window_has(client->run, now) ? client->unsent - unsent : 0;
    client->unsent = unsent;
}

static void wait_at_most(struct client *client, uint64_t ms)
{
    wheel_arm(loop_wheel(client->run->loop), &client->timer, ms);
}

/* Allowed state transitions: see the top. */
static const unsigned moves[] = {
    [LOAD_CLIENT_CLOSED] = 1u << LOAD_CLIENT_CONNECTING | 1u << LOAD_CLIENT_OPEN | 1u << LOAD_CLIENT_CLOSED,
    [LOAD_CLIENT_CONNECTING] = 1u << LOAD_CLIENT_OPEN | 1u << LOAD_CLIENT_CLOSED,
    [LOAD_CLIENT_OPEN] = 1u << LOAD_CLIENT_ENDING | 1u << LOAD_CLIENT_CLOSING,
    [LOAD_CLIENT_ENDING] = 1u << LOAD_CLIENT_CLOSING,
    [LOAD_CLIENT_CLOSING] = 1u << LOAD_CLIENT_CLOSED,
};

static void client_set_state(struct client *client, enum load_client_state state)
{
    assert(moves[client->state] & 1u << state);
    client->state = (uint8_t)state;
}

/* --- the end of a connection --- */

/* Begins the pause, if there is one; then the next connection. */
static void client_pause(struct client *client)
{
    client_set_state(client, LOAD_CLIENT_CLOSED);
    h1_response_init(&client->engine, &limits);
    if (client->run->is_over)
        return;
    if (client->pause_ms > 0)
        wait_at_most(client, client->pause_ms);
    else
        run_revive(client->run, client);
}

static void close_connection(struct client *client, unsigned pause_ms)
{
    timer_disarm(&client->timer);
    list_remove(&client->link);
    buffer_finish(&client->kept);
    client->pause_ms = (uint16_t)pause_ms;
    switch ((enum load_client_state)client->state) {
    case LOAD_CLIENT_CLOSED: client_pause(client); return;
    case LOAD_CLIENT_CONNECTING:
        connector_cancel(&client->connector);
        client_pause(client);
        return;
    case LOAD_CLIENT_OPEN:
    case LOAD_CLIENT_ENDING:
        if (client->unsent > 0)
            count_bytes_sent(client, client_now_us(client));
        client_set_state(client, LOAD_CLIENT_CLOSING);
        client->run->open--;
        stream_close(&client->stream);
        return;
    case LOAD_CLIENT_CLOSING: return;
    }
    UNREACHABLE();
}

/* Counts every request in flight as lost, for the same reason. */
static void lose_all(struct client *client, enum load_error kind, int error)
{
    while (client->asked_count > 0) {
        struct asked asked = take_oldest(client);
        run_count_lost(client->run, &asked, kind, error);
    }
}

static void lose(struct client *client, enum load_error kind, int error)
{
    struct run *run = client->run;
    lose_all(client, kind, error);
    close_connection(client, 0);
    run_check_end(run);
}

/* The connection could not be opened. A request that waited for it is not counted separately. */
static void fail_to_connect(struct client *client, enum load_error kind, int error)
{
    struct run *run = client->run;
    run_count_unconnected(run, kind, error);
    while (client->asked_count > 0)
        take_oldest(client);
    close_connection(client, PAUSE_MS);
    run_note_first_attempt(run, client);
    run_check_end(run);
}

void client_abandon(struct client *client)
{
    while (client->asked_count > 0)
        take_oldest(client);
    close_connection(client, 0);
}

/* --- the beginning of a connection --- */

static void send_asked(struct client *client, unsigned first, unsigned count, uint64_t now);

static void client_begin(struct client *client, int fd)
{
    struct run *run = client->run;
    client_set_state(client, LOAD_CLIENT_OPEN);
    client->has_sent = false;
    client->unsent = 0;
    run->result->connects++;
    run->open++;
    run->result->open_most = MAX(run->result->open_most, run->open);
    stream_init(&client->stream, run->loop, fd, &stream_events);
    int error = stream_start(&client->stream);
    if (error < 0 && client->state == LOAD_CLIENT_OPEN)
        fail_to_connect(client, LOAD_ERROR_CONNECT_FAILED, error);
    if (client->state != LOAD_CLIENT_OPEN)
        return;
    run_note_first_attempt(run, client);
    if (client->asked_count > 0)
        send_asked(client, 0, client->asked_count, client_now_us(client));
    else
        run_offer(run, client, client_now_us(client));
}

static enum load_error kind_of(int error)
{
    switch (-error) {
    case ECONNREFUSED: return LOAD_ERROR_CONNECT_REFUSED;
    case ETIMEDOUT: return LOAD_ERROR_CONNECT_TIMED_OUT;
    default: return LOAD_ERROR_CONNECT_FAILED;
    }
}

static const struct address *client_address_of(const struct client *client)
{
    const struct load_plan *plan = &client->run->plan;
    return &plan->addresses[client->number % plan->address_count];
}

static void on_connected(struct connector *connector, int fd)
{
    client_begin(CONTAINER_OF(connector, struct client, connector), fd);
}

static void on_unconnected(struct connector *connector, int error)
{
    fail_to_connect(CONTAINER_OF(connector, struct client, connector), kind_of(error), error);
}

static const struct connector_events connector_events = {
    .on_connected = on_connected,
    .on_failed = on_unconnected,
};

/* Over loopback the connection is usually established at once. */
void client_connect(struct client *client)
{
    assert(client->state == LOAD_CLIENT_CLOSED);
    struct run *run = client->run;
    int fd = connector_start(&client->connector, client_address_of(client), run->plan.timeout_ms);
    if (fd >= 0)
        client_begin(client, fd);
    else if (fd == -EINPROGRESS)
        client_set_state(client, LOAD_CLIENT_CONNECTING);
    else
        fail_to_connect(client, kind_of(fd), fd);
}

/* --- sending --- */

/* Without a rate a batch is sent at once, and the next one when all of it was answered. */
unsigned client_room(const struct client *client)
{
    const struct load_plan *plan = &client->run->plan;
    unsigned room = plan->pipeline - client->asked_count;
    if (plan->closes)
        return client->state == LOAD_CLIENT_CLOSED ? room : 0;
    if (client->state != LOAD_CLIENT_OPEN || stream_is_sending(&client->stream))
        return 0;
    return plan->rate > 0 || client->asked_count == 0 ? room : 0;
}

static void send_segments(struct client *client, const struct segment *segments, size_t count, uint64_t now)
{
    for (size_t i = 0; i < count; i++)
        client->unsent += segments[i].length;
    client->has_sent = true;
    switch (stream_send(&client->stream, segments, count)) {
    case SEND_DONE:
    case SEND_PENDING: count_bytes_sent(client, now); return;
    case SEND_FAILED: lose(client, LOAD_ERROR_RESET, 0); return;
    }
}

/* Sends `count` of the requests in flight, from index `first` on. */
static void send_asked(struct client *client, unsigned first, unsigned count, uint64_t now)
{
    const struct messages *messages = &client->run->messages;
    struct segment segments[LOAD_PIPELINE_MAX];
    static_assert(LOAD_PIPELINE_MAX <= STREAM_SEGMENTS_MAX, "a pipeline is one send");
    if (!timer_is_armed(&client->timer))
        wait_at_most(client, client->run->plan.timeout_ms);
    if (messages->batch.length > 0) {
        segments[0] = segment_memory(slice_take(messages->batch, count * messages->requests[0].length));
        send_segments(client, segments, 1, now);
        return;
    }
    for (unsigned i = 0; i < count; i++)
        segments[i] = segment_memory(request_at(client, first + i));
    send_segments(client, segments, count, now);
}

static void expect_next(struct client *client)
{
    enum http_method method = client->run->messages.methods[asked_at(client, 0)->target];
    h1_response_expect(&client->engine, method);
}

void client_ask(struct client *client, unsigned count, uint64_t now)
{
    struct run *run = client->run;
    unsigned first = client->asked_count;
    assert(count > 0 && count <= client_room(client));
    for (unsigned i = 0; i < count; i++) {
        struct asked *asked = asked_at(client, first + i);
        *asked = (struct asked){
            .due_us = run_take_due(run, now),
            .sent_us = now,
            .target = messages_draw(&run->messages),
        };
        run_count_sent(run, asked);
    }
    client->asked_count = (uint16_t)(first + count);
    run->under_way += count;
    if (first == 0)
        expect_next(client);
    if (client->state == LOAD_CLIENT_CLOSED)
        client_connect(client);
    else
        send_asked(client, first, count, now);
}

/* --- receiving --- */

/* The oldest request was answered completely; `behind` is the input after the answer. If those bytes
 * cannot be an answer to another request, the server is out of step, and this answer does not count
 * either. */
static void answered(struct client *client, struct slice behind, uint64_t now)
{
    struct run *run = client->run;
    if (UNLIKELY(behind.length > 0 && count_sent(client) == 1)) {
        lose(client, LOAD_ERROR_STRAY, 0);
        return;
    }
    struct asked asked = take_oldest(client);
    run_count_answer(run, &asked, client->status, now);
    if (client->keep_alive && !run->plan.closes) {
        if (client->asked_count > 0)
            expect_next(client);
        return;
    }
    /* Requests sent after it will not be answered. The peer should close first, so that its port rather
     * than ours is in TIME_WAIT, unless it said that it will not. */
    lose_all(client, LOAD_ERROR_CLOSED, 0);
    if (client->keep_alive) {
        close_connection(client, 0);
        return;
    }
    client_set_state(client, LOAD_CLIENT_ENDING);
    if (!timer_is_armed(&client->timer))
        wait_at_most(client, run->plan.timeout_ms);
}

static void set_head(struct client *client, unsigned status, bool keep_alive)
{
    client->status = (uint16_t)status;
    client->keep_alive = keep_alive;
}

/* The hot path: the input begins with a known head, and the complete answer is there. Otherwise at most
 * the head is taken. */
static bool take_known(struct client *client, struct slice *input, uint64_t now)
{
    if (h1_response_is_inside(&client->engine))
        return false;
    const struct known_head *known =
        messages_recognise(&client->run->messages, asked_at(client, 0)->target, *input);
    if (known == NULL)
        return false;
    *input = slice_skip(*input, known->length);
    set_head(client, known->status, known->keep_alive);
    if (known->body == HTTP_RESPONSE_BODY_LENGTH && known->content_length <= input->length) {
        *input = slice_skip(*input, (size_t)known->content_length);
        answered(client, *input, now);
        return true;
    }
    h1_response_skip_head(&client->engine, known->body, known->content_length);
    return false;
}

static void client_take_head(struct client *client, struct slice bytes, uint64_t now)
{
    const struct http_response_head *head = &client->run->head;
    set_head(client, head->status, head->keep_alive);
    if (head->body != HTTP_RESPONSE_BODY_TUNNEL) {
        messages_learn(&client->run->messages, asked_at(client, 0)->target, bytes, head);
        return;
    }
    answered(client, (struct slice){0}, now);
    close_connection(client, 0);
}

/* Unexpected bytes: nothing on this connection can be trusted. Requests that were not sent yet are lost,
 * too. */
static void end_stray(struct client *client, uint64_t now)
{
    if (client->asked_count == 0)
        run_count_lost(client->run, &(struct asked){.due_us = now}, LOAD_ERROR_STRAY, 0);
    lose(client, LOAD_ERROR_STRAY, 0);
}

/* Takes answers from the front of the input, until it is used up or no answer is expected. */
static void take_answers(struct client *client, struct slice *input, uint64_t now)
{
    while (client->state == LOAD_CLIENT_OPEN && count_sent(client) > 0) {
        if (take_known(client, input, now))
            continue;
        struct slice piece;
        struct slice before = *input;
        switch (h1_response_next(&client->engine, input, &client->run->head, &piece)) {
        case H1_RESPONSE_MORE: return;
        case H1_RESPONSE_INTERIM:
        case H1_RESPONSE_CONTENT: break;
        case H1_RESPONSE_HEAD:
            client_take_head(client, slice_take(before, before.length - input->length), now);
            break;
        case H1_RESPONSE_END: answered(client, *input, now); break;
        case H1_RESPONSE_BAD: lose(client, LOAD_ERROR_MALFORMED, 0); return;
        }
    }
    if (client->state == LOAD_CLIENT_OPEN && input->length > 0)
        end_stray(client, now);
}

static void client_go_on(struct client *client, uint64_t now)
{
    struct run *run = client->run;
    if (client_room(client) > 0)
        run_offer(run, client, now);
    run_check_end(run);
}

/* Appends to the incomplete head received before. */
static void read_kept(struct client *client, struct slice bytes, uint64_t now)
{
    if (!buffer_append(&client->kept, bytes)) {
        lose(client, LOAD_ERROR_MALFORMED, -ENOMEM);
        return;
    }
    struct slice input = buffer_slice(&client->kept);
    take_answers(client, &input, now);
    if (input.length == 0 || client->state != LOAD_CLIENT_OPEN)
        buffer_finish(&client->kept);
    else
        buffer_consume(&client->kept, client->kept.length - input.length);
}

static void client_on_read(struct stream *stream, struct slice bytes)
{
    struct client *client = CONTAINER_OF(stream, struct client, stream);
    struct run *run = client->run;
    uint64_t now = client_now_us(client);
    /* After the last answer of a pipeline, answers to requests that were given up may arrive. */
    if (client->state == LOAD_CLIENT_ENDING && run->plan.pipeline == 1)
        end_stray(client, now);
    if (client->state != LOAD_CLIENT_OPEN)
        return;
    run->result->bytes_received += run_window_has(run, now) ? bytes.length : 0;
    if (UNLIKELY(client->kept.length > 0)) {
        read_kept(client, bytes, now);
    } else {
        take_answers(client, &bytes, now);
        bool is_kept =
            client->state != LOAD_CLIENT_OPEN || bytes.length == 0 || buffer_append(&client->kept, bytes);
        if (UNLIKELY(!is_kept))
            lose(client, LOAD_ERROR_MALFORMED, -ENOMEM);
    }
    client_go_on(client, now);
}

static void client_on_end(struct stream *stream)
{
    struct client *client = CONTAINER_OF(stream, struct client, stream);
    if (client->state == LOAD_CLIENT_OPEN && client->asked_count > 0 &&
        h1_response_close(&client->engine, client->kept.length) == H1_RESPONSE_END)
        answered(client, (struct slice){0}, client_now_us(client));
    lose(client, LOAD_ERROR_CLOSED, 0);
}

static void client_on_error(struct stream *stream, int error)
{
    struct client *client = CONTAINER_OF(stream, struct client, stream);
    lose(client, error == -ETIMEDOUT ? LOAD_ERROR_TIMED_OUT : LOAD_ERROR_RESET, error);
}

static void client_on_sent(struct stream *stream)
{
    struct client *client = CONTAINER_OF(stream, struct client, stream);
    uint64_t now = client_now_us(client);
    count_bytes_sent(client, now);
    client_go_on(client, now);
}

static void client_on_closed(struct stream *stream)
{
    client_pause(CONTAINER_OF(stream, struct client, stream));
}

static bool client_may_send_file(struct stream *stream, const struct segment *segment)
{
    (void)stream;
    (void)segment;
    UNREACHABLE();
}

static size_t client_describe(const struct stream *stream, char *out, size_t size)
{
    (void)stream;
    struct slice text = SLICE("asking");
    size_t length = MIN(text.length, size);
    memcpy(out, text.data, length);
    return length;
}

static const struct stream_events stream_events = {
    .on_read = client_on_read,
    .may_send_file = client_may_send_file,
    .on_end = client_on_end,
    .on_sent = client_on_sent,
    .on_error = client_on_error,
    .on_closed = client_on_closed,
    .describe = client_describe,
};

/* --- time --- */

static void check_age(struct client *client)
{
    if (client->asked_count == 0)
        return;
    uint64_t age_ms = (client_now_us(client) - asked_at(client, 0)->sent_us) / 1000;
    uint64_t timeout_ms = client->run->plan.timeout_ms;
    if (age_ms >= timeout_ms)
        lose(client, LOAD_ERROR_TIMED_OUT, 0);
    else
        wait_at_most(client, timeout_ms - age_ms);
}

static void client_on_timer(struct timer *timer)
{
    struct client *client = CONTAINER_OF(timer, struct client, timer);
    switch ((enum load_client_state)client->state) {
    case LOAD_CLIENT_CLOSED: run_revive(client->run, client); return;
    case LOAD_CLIENT_CONNECTING: return; /* the connector has its own timeout */
    case LOAD_CLIENT_OPEN: check_age(client); return;
    case LOAD_CLIENT_ENDING: close_connection(client, 0); return;
    case LOAD_CLIENT_CLOSING: return;
    }
    UNREACHABLE();
}
