/* Read begin_request and try_response first. */
#include "asker.h"

#include "../clients/content.h"
#include "base/buffer.h"
#include "tests/fuzz/response_reader.h"

#include <stdlib.h>
#include <string.h>

#define ASKERS_MAX          8
#define REQUESTS_OF_ONE_MAX 8

/* A server that ignores Expect is not waited for longer. */
#define EXPECT_US (2 * SIM_S)

struct asker {
    struct sim_chance chance;
    struct sim_socket *socket; /* NULL: not connected */
    struct request *request;   /* NULL: none is under way */
    unsigned requests_left;
    struct buffer out;
    size_t sent; /* of `out` */
    size_t head_bytes;
    bool may_send_content;
    bool is_done;
    bool was_hit; /* a call that failed was about its connection, before this request */
    bool leaves;  /* in the middle of this request */
    bool closes;  /* says so in its request */
    struct buffer in;
    size_t read_at; /* with fewer bytes a response is not whole */
    size_t piece_max;
    uint64_t pause_us_max; /* between two pieces that it sends, and before it reads */
    struct sim_event send, take, leave, next, give_up_waiting;
};

static struct {
    struct asker askers[ASKERS_MAX];
    unsigned count;
    uint16_t port;
} crowd;

static void plan_next(struct asker *asker);

/* ---- connections ---- */

static void hang_up(struct asker *asker)
{
    if (asker->socket)
        sim_socket_close(asker->socket);
    asker->socket = NULL;
    asker->in.length = 0;
}

static void end_request(struct asker *asker)
{
    asker->request = NULL;
    sim_cancel(&asker->send);
    sim_cancel(&asker->take);
    sim_cancel(&asker->leave);
    sim_cancel(&asker->give_up_waiting);
    plan_next(asker);
}

/* ---- sending ---- */

static void compose_chunks(struct asker *asker, const char *content)
{
    const struct request *request = asker->request;
    for (uint64_t at = 0; at < request->length;) {
        uint64_t most = 50 + sim_size(&asker->chance, 40000);
        size_t length = (size_t)MIN(request->length - at, most);
        buffer_printf(&asker->out, "%zx\r\n", length);
        buffer_append(&asker->out, slice_make(content + at, length));
        buffer_printf(&asker->out, "\r\n");
        at += length;
    }
    buffer_printf(&asker->out, "0\r\n\r\n");
}

static void compose_request(struct asker *asker)
{
    const struct request *request = asker->request;
    struct buffer *out = &asker->out;
    buffer_printf(out, "%.*s /n/%u HTTP/1.%d\r\nHost: sim.example\r\nX-Number: %u\r\n",
                  SLICE_ARGS(request->method), request->number, !request->is_old, request->number);
    buffer_printf(out, "Connection: X-Hop%s\r\nX-Hop: 1\r\n", asker->closes ? ", close" : "");
    if (request->expects)
        buffer_printf(out, "Expect: 100-continue\r\n");
    if (request->is_chunked)
        buffer_printf(out, "Transfer-Encoding: chunked\r\n");
    else if (request->has_content)
        buffer_printf(out, "Content-Length: %llu\r\n", (unsigned long long)request->length);
    buffer_printf(out, "\r\n");
    asker->head_bytes = out->length;
    char *content = malloc(request->length + 1);
    assert(content != NULL);
    content_fill(content, request->key, 0, request->length);
    if (request->is_chunked)
        compose_chunks(asker, content);
    else
        buffer_append(out, slice_make(content, request->length));
    free(content);
}

static void on_send(struct sim_event *event);

static void send_more(struct asker *asker)
{
    if (asker->socket == NULL || asker->request == NULL || sim_is_armed(&asker->send))
        return;
    size_t end = asker->may_send_content ? asker->out.length : asker->head_bytes;
    struct slice rest = slice_make(asker->out.data + asker->sent, end - MIN(end, asker->sent));
    struct slice piece = slice_take(rest, MIN(rest.length, asker->piece_max));
    size_t sent = piece.length > 0 ? sim_socket_send(asker->socket, piece) : 0;
    asker->sent += sent;
    if (asker->sent == asker->out.length && asker->request->sent_us == 0)
        asker->request->sent_us = sim_now_us() + 1;
    if (sent == piece.length && sent < rest.length)
        sim_after(&asker->send, sim_below(&asker->chance, asker->pause_us_max + 1), on_send);
}

static void on_send(struct sim_event *event)
{
    send_more(CONTAINER_OF(event, struct asker, send));
}

static void on_expect(struct sim_event *event)
{
    struct asker *asker = CONTAINER_OF(event, struct asker, give_up_waiting);
    asker->may_send_content = true;
    send_more(asker);
}

/* ---- receiving ---- */

/* Whether it may be whole by now; to read it each time would take long. */
static bool is_worth_reading(const struct asker *asker)
{
    return asker->in.length >= asker->read_at ||
           slice_ends_with(buffer_slice(&asker->in), SLICE("0\r\n\r\n"));
}

static void note_unfinished(struct asker *asker, const struct read_response *response, bool has_head)
{
    asker->read_at = 0;
    if (has_head && response->framing == READ_LENGTH)
        asker->read_at = asker->in.length + (size_t)(response->length - response->content_length);
    else if (has_head)
        asker->read_at = SIZE_MAX;
    if (response->interim_count > 0 && response->interims[response->interim_count - 1]->status == 100) {
        sim_cancel(&asker->give_up_waiting);
        asker->may_send_content = true;
        send_more(asker);
    }
}

/* The connection goes on after a response that says nothing else, to a request that was sent whole. */
static bool is_kept(const struct asker *asker, const struct read_response *response)
{
    bool closes = asker->closes || asker->request->is_old || asker->sent < asker->out.length;
    for (unsigned i = 0; i < response->head.fields.count; i++) {
        const struct read_field *field = &response->head.fields.fields[i];
        closes |= slice_equal_nocase(field->name, SLICE("Connection")) &&
                  slice_equal_nocase(field->value, SLICE("close"));
    }
    return !closes;
}

static void take_whole(struct asker *asker, const struct read_response *response)
{
    bool keeps = is_kept(asker, response);
    ledger_judge_response(asker->request, response, false);
    buffer_consume(&asker->in, response->bytes);
    if (keeps && asker->in.length > 0)
        sim_fail("%zu bytes behind the answer to request %u", asker->in.length, asker->request->number);
    if (!keeps)
        hang_up(asker);
    end_request(asker);
}

static void try_response(struct asker *asker)
{
    static struct read_response response;
    if (asker->request == NULL || asker->in.length == 0 || !is_worth_reading(asker))
        return;
    bool has_head = response_read(&response, buffer_slice(&asker->in), asker->request->is_head, false);
    if (has_head && response.end == READ_WHOLE && response.framing != READ_UNTIL_CLOSE)
        take_whole(asker, &response);
    else
        note_unfinished(asker, &response, has_head);
    response_release(&response);
}

static void take_bytes(struct asker *asker)
{
    char bytes[16384];
    size_t count;
    while (asker->socket && (count = sim_socket_receive(asker->socket, bytes, sizeof(bytes))) > 0) {
        if (asker->request == NULL)
            sim_fail("a client gets bytes that it did not ask for");
        buffer_append(&asker->in, slice_make(bytes, count));
    }
    try_response(asker);
}

static void on_take(struct sim_event *event)
{
    take_bytes(CONTAINER_OF(event, struct asker, take));
}

static void on_readable(struct sim_socket *socket, void *context)
{
    struct asker *asker = context;
    (void)socket;
    if (sim_is_armed(&asker->take))
        return;
    if (asker->pause_us_max > 0 && asker->request && sim_one_in(&asker->chance, 4))
        sim_after(&asker->take, sim_below(&asker->chance, asker->pause_us_max), on_take);
    else
        take_bytes(asker);
}

static void on_writable(struct sim_socket *socket, void *context)
{
    (void)socket;
    send_more(context);
}

/* The connection is over, in the middle of an answer or before it. */
static void judge_end(struct asker *asker, bool has_reset)
{
    static struct read_response response;
    if (response_read(&response, buffer_slice(&asker->in), asker->request->is_head, false))
        ledger_judge_response(asker->request, &response, has_reset);
    else
        ledger_judge_nothing(asker->request, buffer_slice(&asker->in));
    response_release(&response);
}

static void take_end(struct asker *asker, bool has_reset)
{
    take_bytes(asker);
    if (asker->request && asker->socket)
        judge_end(asker, has_reset);
    hang_up(asker);
    if (asker->request)
        end_request(asker);
}

static void on_ended(struct sim_socket *socket, enum sim_end end, void *context)
{
    (void)socket;
    take_end(context, end == SIM_END_RESET);
}

static void on_refused(struct sim_socket *socket, void *context)
{
    struct asker *asker = context;
    (void)socket;
    if (asker->request)
        ledger_judge_nothing(asker->request, (struct slice){0});
    hang_up(asker);
    end_request(asker);
}

static const struct sim_socket_events asker_events = {
    .on_readable = on_readable, .on_writable = on_writable, .on_ended = on_ended, .on_refused = on_refused};

/* ---- requests ---- */

/* With RST: nobody is there any more. */
static void on_leave(struct sim_event *event)
{
    struct asker *asker = CONTAINER_OF(event, struct asker, leave);
    ledger_note_leaving(asker->request);
    sim_socket_reset(asker->socket);
    hang_up(asker);
    end_request(asker);
}

static void begin_request(struct asker *asker)
{
    struct sim_chance *chance = &asker->chance;
    asker->request = ledger_new_request(chance);
    if (asker->request == NULL) {
        asker->is_done = true;
        hang_up(asker);
        return;
    }
    struct request *request = asker->request;
    asker->closes = sim_one_in(chance, 8);
    asker->out.length = asker->sent = asker->read_at = 0;
    asker->may_send_content = !request->expects;
    compose_request(asker);
    bool is_steady = sim_one_in(chance, 2);
    asker->piece_max = is_steady ? SIZE_MAX : asker->out.length / 12 + (size_t)sim_size(chance, 3000);
    asker->pause_us_max = sim_one_in(chance, 3) ? sim_size(chance, 300 * SIM_MS) : 0;
    request->began_us = sim_now_us();
    request->is_hit = asker->socket && asker->was_hit;
    asker->was_hit = false;
    if (asker->socket == NULL)
        asker->socket =
            sim_connect(&(struct sim_connect){.port = crowd.port, .events = &asker_events, .context = asker});
    if (request->expects)
        sim_after(&asker->give_up_waiting, EXPECT_US, on_expect);
    if (sim_one_in(chance, 6))
        sim_after(&asker->leave, sim_size(chance, 3 * SIM_S), on_leave);
    send_more(asker);
}

static void on_next(struct sim_event *event)
{
    begin_request(CONTAINER_OF(event, struct asker, next));
}

/* Most go on at once; some make a kept connection to a server grow old. */
static void plan_next(struct asker *asker)
{
    if (asker->requests_left == 0) {
        asker->is_done = true;
        hang_up(asker);
        return;
    }
    asker->requests_left--;
    sim_after(&asker->next, sim_one_in(&asker->chance, 2) ? 0 : sim_size(&asker->chance, 3 * SIM_S), on_next);
}

/* ---- all of them ---- */

void askers_start(uint16_t port)
{
    struct sim_chance chance = sim_chance_for("askers", 0);
    crowd.count = (unsigned)sim_between(&chance, 1, ASKERS_MAX);
    crowd.port = port;
    for (unsigned i = 0; i < crowd.count; i++) {
        struct asker *asker = &crowd.askers[i];
        *asker = (struct asker){.chance = sim_chance_for("asker", i)};
        asker->requests_left = (unsigned)sim_between(&asker->chance, 1, REQUESTS_OF_ONE_MAX);
        buffer_init(&asker->out, SIZE_MAX);
        buffer_init(&asker->in, SIZE_MAX);
        plan_next(asker);
    }
}

bool askers_are_done(void)
{
    for (unsigned i = 0; i < crowd.count; i++) {
        if (!crowd.askers[i].is_done)
            return false;
    }
    return true;
}

bool askers_note_fault(const struct sim_socket *socket)
{
    for (unsigned i = 0; i < crowd.count; i++) {
        struct asker *asker = &crowd.askers[i];
        if (asker->socket != socket)
            continue;
        if (asker->request)
            asker->request->is_hit = true;
        else
            asker->was_hit = true;
        return true;
    }
    return false;
}

void askers_end(void)
{
    for (unsigned i = 0; i < crowd.count; i++) {
        struct asker *asker = &crowd.askers[i];
        asker->requests_left = 0;
        if (asker->request)
            take_end(asker, true);
        sim_cancel(&asker->next);
        hang_up(asker);
        buffer_finish(&asker->out);
        buffer_finish(&asker->in);
    }
}
