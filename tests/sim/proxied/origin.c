/* Connections of the servers, and what comes on them. What they answer is in origin_answer.c. Read
 * origin_parse first. */
#include "origin_parts.h"

#include "../clients/content.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define READ_BYTES 16384

static struct origin origins[ORIGINS_MAX];
static unsigned origin_count;

/* ---- ends ---- */

void origin_close(struct origin_connection *connection, bool with_reset)
{
    if (connection->is_closed)
        return;
    connection->is_closed = true;
    sim_cancel(&connection->go);
    sim_cancel(&connection->idle);
    if (with_reset)
        sim_socket_reset(connection->socket);
    sim_socket_close(connection->socket);
}

static void on_idle(struct sim_event *event)
{
    struct origin_connection *connection = CONTAINER_OF(event, struct origin_connection, idle);
    sim_trace("server %u closes between two requests", connection->origin->number);
    ledger.closed_us = sim_now_us() + 1;
    connection->last->may_reset = sim_one_in(&connection->chance, 4);
    origin_close(connection, connection->last->may_reset);
}

void origin_begin_idle(struct origin_connection *connection)
{
    connection->last = connection->attempt;
    connection->attempt = NULL;
    connection->state = ORIGIN_HEAD;
    if (sim_one_in(&connection->chance, 3))
        sim_after(&connection->idle, sim_size(&connection->chance, 3 * SIM_S), on_idle);
}

/* ---- heads of requests ---- */

struct head_facts {
    unsigned lengths, codings, hosts, vias, numbers;
    bool is_right;
};

static bool read_header(struct head_facts *facts, const struct request *request, struct slice name,
                        struct slice value)
{
    char number[32];
    if (slice_equal_nocase(name, SLICE("Content-Length"))) {
        snprintf(number, sizeof(number), "%llu", (unsigned long long)request->length);
        facts->lengths++;
        return slice_equal(value, slice_from(number));
    }
    if (slice_equal_nocase(name, SLICE("Transfer-Encoding"))) {
        facts->codings++;
        return slice_equal(value, SLICE("chunked"));
    }
    if (slice_equal_nocase(name, SLICE("X-Number"))) {
        snprintf(number, sizeof(number), "%u", request->number);
        facts->numbers++;
        return slice_equal(value, slice_from(number));
    }
    if (slice_equal_nocase(name, SLICE("Host"))) {
        facts->hosts++;
        return slice_equal(value, SLICE("sim.example"));
    }
    if (slice_equal_nocase(name, SLICE("Expect")))
        return request->expects;
    facts->vias += slice_equal_nocase(name, SLICE("Via"));
    return !slice_equal_nocase(name, SLICE("X-Hop")) && !slice_equal_nocase(name, SLICE("Keep-Alive"));
}

/* Everything is there once, and as the client sent it; what is for one connection alone is not. */
static void check_head(const struct request *request, struct slice head)
{
    struct head_facts facts = {0};
    struct slice rest = slice_skip(head, slice_find(head, '\n') + 1);
    while (rest.length > 2) {
        size_t end = slice_find(rest, '\r'), colon = slice_find(rest, ':');
        struct slice line = slice_take(rest, end);
        if (colon >= end || rest.data[end + 1] != '\n' ||
            !read_header(&facts, request, slice_take(line, colon), slice_trim(slice_skip(line, colon + 1))))
            sim_fail("a server gets a header that is not right: %.*s", SLICE_ARGS(line));
        rest = slice_skip(rest, end + 2);
    }
    bool is_chunked = request->is_chunked;
    if (facts.hosts != 1 || facts.numbers != 1 || facts.vias != 1 || facts.codings != is_chunked ||
        facts.lengths != (request->has_content && !is_chunked))
        sim_fail("a server gets a head that is not right:\n%.*s", SLICE_ARGS(head));
}

/* "METHOD /n/NUMBER HTTP/1.1": the attempt of the request that it is. */
static struct attempt *begin_attempt(struct origin_connection *connection, struct slice head)
{
    struct slice line = slice_take(head, slice_find(head, '\r'));
    size_t method_end = slice_find(line, ' ');
    struct slice rest = slice_skip(line, method_end);
    unsigned number = 0;
    if (!slice_starts_with(rest, SLICE(" /n/")) || !slice_ends_with(rest, SLICE(" HTTP/1.1")))
        sim_fail("a server gets a request line that is not right: %.*s", SLICE_ARGS(line));
    for (rest = slice_skip(rest, 4); rest.data[0] >= '0' && rest.data[0] <= '9'; rest = slice_skip(rest, 1))
        number = number * 10 + (unsigned)(rest.data[0] - '0');
    if (rest.length != sizeof(" HTTP/1.1") - 1)
        sim_fail("a server gets a request line that is not right: %.*s", SLICE_ARGS(line));
    struct attempt *attempt = ledger_new_attempt(number, connection->origin->number, connection->socket);
    if (!slice_equal(slice_take(line, method_end), attempt->request->method))
        sim_fail("a server gets another method: %.*s", SLICE_ARGS(line));
    check_head(attempt->request, head);
    return attempt;
}

static bool take_head(struct origin_connection *connection)
{
    struct buffer *in = &connection->in;
    const char *end = in->length ? memmem(in->data, in->length, "\r\n\r\n", 4) : NULL;
    if (end == NULL)
        return false;
    struct slice head = slice_make(in->data, (size_t)(end + 4 - in->data));
    sim_cancel(&connection->idle);
    connection->attempt = begin_attempt(connection, head);
    const struct request *request = connection->attempt->request;
    connection->content_at = 0;
    connection->left = request->is_chunked ? 0 : request->length;
    connection->state = request->is_chunked ? ORIGIN_CHUNK_SIZE : ORIGIN_CONTENT;
    buffer_consume(in, head.length);
    origin_choose_script(connection);
    return true;
}

/* ---- content of requests ---- */

static bool take_content(struct origin_connection *connection)
{
    const struct request *request = connection->attempt->request;
    struct slice bytes = buffer_slice(&connection->in);
    bytes.length = (size_t)MIN(connection->left, (uint64_t)bytes.length);
    if (content_match(bytes, request->key, connection->content_at) < bytes.length)
        sim_fail("a server gets other bytes than the client of request %u sent", request->number);
    connection->content_at += bytes.length;
    connection->left -= bytes.length;
    if (connection->content_at > request->length)
        sim_fail("a server gets more bytes than the client of request %u sent", request->number);
    buffer_consume(&connection->in, bytes.length);
    if (connection->left > 0)
        return false;
    connection->state = request->is_chunked ? ORIGIN_CHUNK_END : ORIGIN_WHOLE;
    return true;
}

/* A line of the chunks' framing, which is as vif writes it: without extensions, and here without trailers. */
static bool take_chunk_line(struct origin_connection *connection, struct slice *ret_line)
{
    struct slice bytes = buffer_slice(&connection->in);
    size_t end = slice_find(bytes, '\n');
    if (end == bytes.length)
        return false;
    if (end == 0 || bytes.data[end - 1] != '\r' || end > 20)
        sim_fail("a server gets chunks that are not right");
    *ret_line = slice_take(bytes, end - 1);
    return true;
}

static bool take_chunk_size(struct origin_connection *connection)
{
    struct slice line;
    if (!take_chunk_line(connection, &line))
        return false;
    char text[20] = "", *end;
    memcpy(text, line.data, line.length);
    connection->left = strtoull(text, &end, 16);
    if (line.length == 0 || *end)
        sim_fail("a server gets chunks that are not right");
    buffer_consume(&connection->in, line.length + 2);
    connection->state = connection->left > 0 ? ORIGIN_CONTENT : ORIGIN_LAST_LINE;
    return true;
}

static bool take_empty_line(struct origin_connection *connection, enum origin_state next)
{
    struct slice line;
    if (!take_chunk_line(connection, &line))
        return false;
    if (line.length > 0)
        sim_fail("a server gets chunks that are not right");
    buffer_consume(&connection->in, 2);
    connection->state = next;
    return true;
}

static void note_whole(struct origin_connection *connection)
{
    const struct request *request = connection->attempt->request;
    if (connection->content_at != request->length)
        sim_fail("a server gets %llu bytes of the %llu of request %u as all",
                 (unsigned long long)connection->content_at, (unsigned long long)request->length,
                 request->number);
    connection->attempt->is_whole = true;
    connection->state = ORIGIN_ANSWERS;
    if (connection->attempt->is_done && !connection->is_closed)
        origin_begin_idle(connection);
    else
        origin_answer(connection);
}

/* A step; false: more bytes are needed. */
static bool origin_parse(struct origin_connection *connection)
{
    switch (connection->state) {
    case ORIGIN_HEAD: return take_head(connection);
    case ORIGIN_CONTENT: return take_content(connection);
    case ORIGIN_CHUNK_SIZE: return take_chunk_size(connection);
    case ORIGIN_CHUNK_END: return take_empty_line(connection, ORIGIN_CHUNK_SIZE);
    case ORIGIN_LAST_LINE: return take_empty_line(connection, ORIGIN_WHOLE);
    case ORIGIN_WHOLE: note_whole(connection); return !connection->is_closed;
    case ORIGIN_ANSWERS: break;
    }
    if (connection->in.length > 0)
        sim_fail("a server gets bytes behind a request that it has not answered");
    return false;
}

/* ---- the socket ---- */

void origin_take(struct origin_connection *connection)
{
    char bytes[READ_BYTES];
    size_t count;
    while (!connection->is_closed && !connection->is_deaf &&
           (count = sim_socket_receive(connection->socket, bytes, sizeof(bytes))) > 0) {
        buffer_append(&connection->in, slice_make(bytes, count));
        while (!connection->is_closed && !connection->is_deaf && origin_parse(connection))
            continue;
    }
}

static void on_readable(struct sim_socket *socket, void *context)
{
    (void)socket;
    origin_take(context);
}

static void on_writable(struct sim_socket *socket, void *context)
{
    (void)socket;
    origin_go_on(context);
}

/* vif does not want the connection any more. */
static void on_ended(struct sim_socket *socket, enum sim_end end, void *context)
{
    struct origin_connection *connection = context;
    (void)socket;
    if (end == SIM_END_FIN)
        origin_take(connection);
    origin_close(connection, false);
}

static const struct sim_socket_events origin_events = {
    .on_readable = on_readable, .on_writable = on_writable, .on_ended = on_ended};

/* vif has so many open; those that only this side has closed are among them. */
static void check_count(const struct origin *origin)
{
    unsigned count = 0;
    LIST_FOREACH(link, &origin->connections) {
        const struct origin_connection *connection = CONTAINER_OF(link, struct origin_connection, link);
        count += !sim_socket_is_closed_by_server(connection->socket);
    }
    if (ledger.proxy->connections > 0 && count > ledger.proxy->connections + ledger.proxy->idle_connections)
        sim_fail("a server has %u connections of vif", count);
}

/* Requests at once: those that it has not answered to their end. */
void origin_check_busy(const struct origin *origin)
{
    unsigned count = 0;
    LIST_FOREACH(link, &origin->connections) {
        const struct origin_connection *connection = CONTAINER_OF(link, struct origin_connection, link);
        count += connection->attempt && !connection->attempt->is_done &&
                 !sim_socket_is_closed_by_server(connection->socket);
    }
    if (ledger.proxy->connections > 0 && count > ledger.proxy->connections)
        sim_fail("a server has %u requests at once", count);
}

static void *on_connection(struct sim_listener *listener, struct sim_socket *socket)
{
    static uint64_t count;
    struct origin *origin = CONTAINER_OF(listener, struct origin, listener);
    struct origin_connection *connection = calloc(1, sizeof(*connection));
    assert(connection != NULL);
    connection->origin = origin;
    connection->socket = socket;
    connection->chance = sim_chance_for("origin connection", ++count);
    buffer_init(&connection->in, SIZE_MAX);
    buffer_init(&connection->out, SIZE_MAX);
    list_append(&origin->connections, &connection->link);
    check_count(origin);
    return connection;
}

static enum sim_welcome on_knock(struct sim_listener *listener)
{
    struct origin *origin = CONTAINER_OF(listener, struct origin, listener);
    enum sim_welcome welcome = SIM_WELCOME_ACCEPTED;
    if (origin->refuses_one_in && sim_one_in(&origin->chance, origin->refuses_one_in))
        welcome = SIM_WELCOME_REFUSED;
    else if (origin->ignores_one_in && sim_one_in(&origin->chance, origin->ignores_one_in))
        welcome = SIM_WELCOME_IGNORED;
    if (welcome != SIM_WELCOME_ACCEPTED)
        ledger.refused_us = sim_now_us() + 1;
    return welcome;
}

/* ---- all of them ---- */

void origins_start(unsigned count)
{
    origin_count = count;
    for (unsigned i = 0; i < count; i++) {
        struct origin *origin = &origins[i];
        *origin = (struct origin){
            .number = i,
            .chance = sim_chance_for("origin", i),
            .listener = {.port = (uint16_t)(ORIGIN_PORT_FIRST + i),
                         .on_knock = on_knock,
                         .on_connection = on_connection,
                         .events = &origin_events},
        };
        origin->wrong_one_in = sim_one_in(&origin->chance, 2) ? sim_between(&origin->chance, 1, 10) : 0;
        origin->refuses_one_in = sim_one_in(&origin->chance, 4) ? sim_between(&origin->chance, 1, 10) : 0;
        origin->ignores_one_in = sim_one_in(&origin->chance, 8) ? sim_between(&origin->chance, 1, 10) : 0;
        list_init(&origin->connections);
        sim_listen(&origin->listener);
    }
}

bool origins_note_fault(const struct sim_socket *socket)
{
    for (unsigned i = 0; i < origin_count; i++) {
        LIST_FOREACH(link, &origins[i].connections) {
            struct origin_connection *connection = CONTAINER_OF(link, struct origin_connection, link);
            if (connection->socket != socket)
                continue;
            if (connection->attempt)
                connection->attempt->request->is_hit = true;
            else
                ledger.faults_us = sim_now_us() + 1; /* it is not known which request is on its way */
            return true;
        }
    }
    return false;
}

void origins_end(void)
{
    for (unsigned i = 0; i < origin_count; i++) {
        LIST_FOREACH_SAFE(link, &origins[i].connections) {
            struct origin_connection *connection = CONTAINER_OF(link, struct origin_connection, link);
            origin_close(connection, false);
            buffer_finish(&connection->in);
            buffer_finish(&connection->out);
            list_remove(link);
            free(connection);
        }
    }
}
