/* Read ledger_judge_response first. */
#include "ledger.h"

#include "../clients/content.h"
#include "tests/fuzz/response_reader.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What was under way may still arrive, be lost on the way, and be sent again. */
#define LATE_US (5 * SIM_S)

/* A client's RST has come to vif by then, and vif's to the server. */
#define LEAVING_US (4 * SIM_S)

#define CONTENT_BYTES_MAX 300000

struct ledger ledger;

void ledger_start(const struct proxy_settings *proxy)
{
    memset(&ledger, 0, sizeof(ledger));
    ledger.chance = sim_chance_for("ledger", 0);
    ledger.proxy = proxy;
}

/* ---- requests ---- */

static void choose_method(struct request *request, struct sim_chance *chance)
{
    static const struct {
        struct slice name;
        bool is_idempotent, has_content;
    } methods[] = {
        {SLICE("GET"), true, false},     {SLICE("GET"), true, false},   {SLICE("POST"), false, true},
        {SLICE("POST"), false, true},    {SLICE("PUT"), true, true},    {SLICE("HEAD"), true, false},
        {SLICE("DELETE"), true, false},  {SLICE("PATCH"), false, true}, {SLICE("OPTIONS"), true, false},
        {SLICE("REPORT"), false, false},
    };
    size_t index = sim_below(chance, ARRAY_LENGTH(methods));
    request->method = methods[index].name;
    request->is_idempotent = methods[index].is_idempotent;
    request->has_content = methods[index].has_content;
    request->is_head = slice_equal(request->method, SLICE("HEAD"));
}

struct request *ledger_new_request(struct sim_chance *chance)
{
    if (ledger.count == REQUESTS_MAX)
        return NULL;
    struct request *request = &ledger.requests[ledger.count++];
    *request = (struct request){.number = ledger.count};
    request->key = content_key(SLICE("request"), request->number, SLICE(""));
    choose_method(request, chance);
    request->is_old = sim_one_in(chance, 8);
    if (!request->has_content)
        return request;
    request->length = sim_one_in(chance, 8) ? 0 : sim_size(chance, CONTENT_BYTES_MAX);
    request->is_chunked = !request->is_old && sim_one_in(chance, 3);
    request->expects =
        !request->is_old && sim_one_in(chance, 4) && (request->length > 0 || request->is_chunked);
    return request;
}

/* ---- attempts ---- */

uint64_t attempt_key(const struct attempt *attempt)
{
    return content_key(SLICE("answer"), attempt->request->number * ATTEMPTS_OF_ONE_MAX + attempt->number,
                       SLICE(""));
}

static const char *name_of(const struct request *request)
{
    static char name[80];
    snprintf(name, sizeof(name), "request %u (%.*s)", request->number, SLICE_ARGS(request->method));
    return name;
}

struct attempt *ledger_new_attempt(unsigned number, unsigned origin, struct sim_socket *socket)
{
    if (number == 0 || number > ledger.count)
        sim_fail("a server gets request %u, which nobody sent", number);
    struct request *request = &ledger.requests[number - 1];
    if (request->attempt_count > 0 && !request->is_idempotent)
        sim_fail("%s comes to a server for the second time", name_of(request));
    if (request->attempt_count == ATTEMPTS_OF_ONE_MAX)
        sim_fail("%s comes to servers again and again", name_of(request));
    struct attempt *attempt = &request->attempts[request->attempt_count];
    *attempt = (struct attempt){
        .request = request,
        .socket = socket,
        .origin = origin,
        .number = request->attempt_count++,
        .began_us = sim_now_us(),
    };
    return attempt;
}

/* ---- leaving ---- */

static bool is_busy(const struct attempt *attempt)
{
    return !attempt->is_done && !sim_socket_is_closed_by_server(attempt->socket);
}

static void judge_leaving(struct sim_event *event)
{
    const struct request *request = CONTAINER_OF(event, struct request, leaving);
    for (unsigned i = 0; i < request->attempt_count; i++) {
        if (is_busy(&request->attempts[i]) && !ledger.is_select)
            sim_fail("the client of %s has left, and a server is still busy for it", name_of(request));
    }
}

void ledger_note_leaving(struct request *request)
{
    request->has_left = request->is_ended = true;
    sim_after(&request->leaving, LEAVING_US, judge_leaving);
}

/* ---- excuses ---- */

static bool was_since(uint64_t when_us, uint64_t since_us)
{
    return when_us > 0 && when_us - 1 + LATE_US >= since_us;
}

static bool came_by(const struct request *request, const struct sim_socket *socket)
{
    for (unsigned i = 0; i < request->attempt_count; i++) {
        if (request->attempts[i].socket == socket)
            return true;
    }
    return false;
}

bool ledger_note_fault(const struct sim_socket *socket)
{
    bool is_known = false;
    for (unsigned i = 0; i < ledger.count; i++) {
        struct request *request = &ledger.requests[i];
        if (request->is_ended || !came_by(request, socket))
            continue;
        request->is_hit = is_known = true;
    }
    return is_known;
}

bool ledger_is_harmless(const struct sim_fault *fault)
{
    static const char *const calls[] = {"close", "epoll_wait", "poll", "select", "read", "getrandom", "open"};
    for (size_t i = 0; i < ARRAY_LENGTH(calls); i++) {
        if (strcmp(fault->call, calls[i]) == 0)
            return true;
    }
    return false;
}

/* What had come to a server when vif was told to end is answered, as long as vif has time for that. */
static bool may_be_drained(const struct request *request)
{
    bool was_forwarded = request->attempt_count > 0 && request->attempts[0].began_us + 1 < ledger.drained_us;
    return ledger.drained_us > 0 &&
           (!was_forwarded || sim_now_us() + LATE_US >= ledger.drained_us + ledger.drain_us);
}

/* Something may have hit anybody, or just this one: it may get any error, or none. */
static bool is_excused(const struct request *request)
{
    return request->is_hit || was_since(ledger.faults_us, request->began_us) || may_be_drained(request);
}

/* There was no descriptor for its server, or it was closed to make room for others. */
static bool may_lack_room(const struct request *request)
{
    return was_since(ledger.room_us, request->began_us);
}

static uint64_t shortest_wait_us(void)
{
    const struct proxy_settings *proxy = ledger.proxy;
    uint32_t shortest =
        MIN(MIN(proxy->connect_ms, proxy->send_ms), MIN(proxy->first_byte_ms, proxy->between_bytes_ms));
    if (proxy->total_ms > 0)
        shortest = MIN(shortest, proxy->total_ms);
    return shortest * SIM_MS;
}

/* A time-out of the proxy may have come: it is told in milliseconds. */
static bool was_slow(const struct request *request)
{
    return sim_now_us() + SIM_MS >= request->began_us + shortest_wait_us();
}

static bool has_script(const struct request *request, enum script first, enum script last)
{
    for (unsigned i = 0; i < request->attempt_count; i++) {
        if (request->attempts[i].script >= first && request->attempts[i].script <= last)
            return true;
    }
    return false;
}

/* A server's RST may overtake its answer. */
static bool may_be_reset(const struct request *request)
{
    for (unsigned i = 0; i < request->attempt_count; i++) {
        if (request->attempts[i].may_reset)
            return true;
    }
    return false;
}

/* What has no head may be answered with 502, and so may a server that closes, or refuses. */
static bool may_be_bad_gateway(const struct request *request)
{
    return has_script(request, SCRIPT_LAST_RIGHT, SCRIPT_COUNT) || may_be_reset(request) ||
           was_since(ledger.closed_us, request->began_us) || was_since(ledger.refused_us, request->began_us);
}

/* It waits for a server until its time is over, or where others wait. */
static bool may_be_unavailable(const struct request *request)
{
    return ledger.proxy->connections > 0 || was_since(ledger.refused_us, request->began_us) ||
           may_be_bad_gateway(request) || may_lack_room(request);
}

static void judge_own_error(const struct request *request, int status)
{
    bool is_explained = is_excused(request);
    switch (status) {
    case 502: is_explained |= may_be_bad_gateway(request); break;
    case 503: is_explained |= may_be_unavailable(request); break;
    case 504: is_explained |= was_slow(request); break;
    default: is_explained = false; break;
    }
    if (!is_explained)
        sim_fail("%s gets %d, and there is no reason", name_of(request), status);
}

/* ---- answers ---- */

static struct slice value_of(const struct read_fields *fields, const char *name)
{
    struct slice value = {0};
    for (unsigned i = 0; i < fields->count; i++) {
        if (!slice_equal_nocase(fields->fields[i].name, slice_from(name)))
            continue;
        if (value.data)
            sim_fail("%s twice in an answer", name);
        value = fields->fields[i].value;
    }
    return value;
}

/* The attempt that an answer is of; NULL: of none, vif made it. */
static struct attempt *attempt_of(struct request *request, const struct read_fields *fields)
{
    struct slice mark = value_of(fields, "X-Answer");
    if (mark.data == NULL)
        return NULL;
    char expected[32];
    for (unsigned i = 0; i < request->attempt_count; i++) {
        snprintf(expected, sizeof(expected), "%u.%u", request->number, i);
        if (slice_equal(mark, slice_from(expected)))
            return &request->attempts[i];
    }
    sim_fail("%s gets the answer %.*s, which is not its own", name_of(request), SLICE_ARGS(mark));
}

static void judge_interims(struct request *request, const struct read_response *response,
                           const struct attempt *attempt)
{
    unsigned count = 0;
    for (unsigned i = 0; i < response->interim_count; i++) {
        const struct read_head *head = response->interims[i];
        if (head->status == 100 && request->expects)
            continue;
        const struct attempt *of = attempt_of(request, &head->fields);
        if (of == NULL || (attempt && of != attempt))
            sim_fail("%s gets an interim response of nobody", name_of(request));
        count++;
    }
    if (attempt && !request->is_old && count != attempt->interims && !is_excused(request))
        sim_fail("%s gets %u interim responses of %u", name_of(request), count, attempt->interims);
    if (request->is_old && response->interim_count > 0)
        sim_fail("%s of HTTP/1.0 gets interim responses", name_of(request));
}

static void judge_content(const struct request *request, const struct attempt *attempt,
                          const struct read_response *response)
{
    struct slice content = slice_make(response->content, response->content_length);
    if (content_match(content, attempt_key(attempt), 0) < content.length)
        sim_fail("%s gets other bytes than its server sent", name_of(request));
    if (content.length > attempt->length)
        sim_fail("%s gets more than its server sent", name_of(request));
}

/* Whether its end may be missing. */
static bool may_be_cut(const struct request *request, const struct attempt *attempt)
{
    return attempt->script > SCRIPT_LAST_HEADLESS || attempt->may_reset || is_excused(request) ||
           was_slow(request) || may_lack_room(request);
}

static bool has_content(const struct request *request, const struct attempt *attempt)
{
    return !request->is_head && attempt->status != 204 && attempt->status != 304;
}

/* `has_reset`: the connection ended with RST, so that content without a length is not whole. */
static void judge_end(const struct request *request, const struct attempt *attempt,
                      const struct read_response *response, bool has_reset)
{
    uint64_t whole = has_content(request, attempt) ? attempt->length : 0;
    bool says_whole = response->end == READ_WHOLE && !(response->framing == READ_UNTIL_CLOSE && has_reset);
    bool is_cut_by_server = attempt->script > SCRIPT_LAST_HEADLESS;
    if (says_whole && (response->content_length < whole || (is_cut_by_server && whole > 0)))
        sim_fail("%s gets an answer that was cut, and cannot see it", name_of(request));
    if (!says_whole && !may_be_cut(request, attempt))
        sim_fail("%s gets only %zu bytes of %" PRIu64 ", and there is no reason", name_of(request),
                 response->content_length, whole);
}

void ledger_judge_response(struct request *request, const struct read_response *response, bool has_reset)
{
    struct attempt *attempt = attempt_of(request, &response->head.fields);
    request->is_ended = true;
    sim_trace("%s gets %u, %zu bytes, %s", name_of(request), response->head.status, response->content_length,
              response->end == READ_WHOLE ? "whole" : "cut");
    judge_interims(request, response, attempt);
    if (attempt == NULL) {
        judge_own_error(request, (int)response->head.status);
        return;
    }
    if (attempt->script > SCRIPT_LAST_RIGHT && attempt->script < SCRIPT_LAST_HEADLESS)
        sim_fail("%s gets an answer that cannot be understood", name_of(request));
    if ((int)response->head.status != attempt->status)
        sim_fail("%s gets %u in the place of %d", name_of(request), response->head.status, attempt->status);
    judge_content(request, attempt, response);
    judge_end(request, attempt, response, has_reset);
}

/* Of an answer that is cut nothing may arrive: the end of the connection is RST, which overtakes it. */
static bool may_get_nothing(const struct request *request)
{
    return is_excused(request) || has_script(request, SCRIPT_LAST_HEADLESS, SCRIPT_COUNT) ||
           may_be_reset(request) || may_lack_room(request);
}

void ledger_judge_nothing(struct request *request, struct slice bytes)
{
    request->is_ended = true;
    sim_trace("%s gets no answer", name_of(request));
    if (!may_get_nothing(request))
        sim_fail("%s gets no answer, and there is no reason; there is\n%.*s", name_of(request),
                 SLICE_ARGS(bytes));
}
