/* What the servers answer: read origin_choose_script, then origin_compose. */
#include "origin_parts.h"

#include "../clients/content.h"

#include <stdlib.h>
#include <string.h>

#define ANSWER_BYTES_MAX 200000
#define INTERIMS_MAX     3

/* ---- choices ---- */

static const enum script right_scripts[] = {SCRIPT_RIGHT, SCRIPT_RIGHT, SCRIPT_RIGHT, SCRIPT_EARLY,
                                            SCRIPT_EXTRA};
static const enum script wrong_scripts[] = {
    SCRIPT_SILENT,   SCRIPT_DEAF,     SCRIPT_CLOSES,      SCRIPT_RESETS, SCRIPT_CUT_HEAD, SCRIPT_GARBAGE,
    SCRIPT_BAD_HEAD, SCRIPT_BAD_HEAD, SCRIPT_CUT_CONTENT, SCRIPT_STUCK,  SCRIPT_BAD_CHUNK};

static bool answer_has_content(const struct attempt *attempt)
{
    return !attempt->request->is_head && attempt->status != 204 && attempt->status != 304;
}

static enum script choose_script(struct origin_connection *connection, const struct attempt *attempt)
{
    struct sim_chance *chance = &connection->chance;
    bool is_wrong = connection->origin->wrong_one_in && sim_one_in(chance, connection->origin->wrong_one_in);
    enum script script = is_wrong ? wrong_scripts[sim_below(chance, ARRAY_LENGTH(wrong_scripts))]
                                  : right_scripts[sim_below(chance, ARRAY_LENGTH(right_scripts))];
    bool has_content = answer_has_content(attempt) && attempt->length > 0;
    if (script == SCRIPT_EARLY && attempt->request->length == 0)
        return SCRIPT_RIGHT;
    return script > SCRIPT_LAST_HEADLESS && !has_content ? SCRIPT_RIGHT : script;
}

void origin_choose_script(struct origin_connection *connection)
{
    static const int statuses[] = {200, 200, 200, 201, 404, 500, 503, 204, 304};
    struct sim_chance *chance = &connection->chance;
    struct attempt *attempt = connection->attempt;
    origin_check_busy(connection->origin);
    attempt->status = statuses[sim_below(chance, ARRAY_LENGTH(statuses))];
    attempt->length = sim_one_in(chance, 8) ? 0 : sim_size(chance, ANSWER_BYTES_MAX);
    attempt->interims = sim_one_in(chance, 4) ? (unsigned)sim_between(chance, 1, INTERIMS_MAX) : 0;
    attempt->script = choose_script(connection, attempt);
    connection->has_answered = false;
    sim_trace("server %u has request %u: script %d, status %d, %llu bytes", connection->origin->number,
              attempt->request->number, attempt->script, attempt->status,
              (unsigned long long)attempt->length);
    if (attempt->script == SCRIPT_DEAF)
        connection->is_deaf = true;
    else if (attempt->script == SCRIPT_EARLY)
        origin_answer(connection);
    else if (attempt->request->expects && sim_one_in(chance, 2))
        sim_socket_send(connection->socket, SLICE("HTTP/1.1 100 Continue\r\n\r\n"));
}

/* ---- composing ---- */

enum framing { FRAMING_LENGTH, FRAMING_CHUNKED, FRAMING_UNTIL_CLOSE };

static enum framing choose_framing(struct origin_connection *connection)
{
    const struct attempt *attempt = connection->attempt;
    if (attempt->script == SCRIPT_BAD_CHUNK)
        return FRAMING_CHUNKED;
    if (attempt->script == SCRIPT_EXTRA || !answer_has_content(attempt))
        return FRAMING_LENGTH;
    return (enum framing)sim_below(&connection->chance, 3);
}

/* One line too many, or one that is wrong, in the place of a status line or behind it. */
static void compose_bad_head(struct origin_connection *connection)
{
    static const char *const heads[] = {
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5, 6\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, gzip\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n",
        "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n",
        "HTTP/1.1 200 OK\r\nX-Folded: a\r\n b\r\nContent-Length: 5\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length : 5\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: +5\r\n",
        "HTTP/1.1 099 Low\r\nContent-Length: 5\r\n",
        "HTTP/1.1 999 High\r\nContent-Length: 5\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n",
        "HTTP/2.0 200 OK\r\nContent-Length: 5\r\n",
        "HTTP/1.1 200 OK\nContent-Length: 5\n",
    };
    size_t index = sim_below(&connection->chance, ARRAY_LENGTH(heads) + 1);
    if (index == ARRAY_LENGTH(heads))
        buffer_append(&connection->out,
                      slice_make("HTTP/1.1 200 OK\r\nX-Nul: a\0b\r\nContent-Length: 5\r\n", 48));
    else
        buffer_append(&connection->out, slice_from(heads[index]));
    buffer_append(&connection->out, SLICE("\r\nhello"));
}

static void compose_interims(struct origin_connection *connection)
{
    const struct attempt *attempt = connection->attempt;
    for (unsigned i = 0; i < attempt->interims; i++)
        buffer_printf(&connection->out, "HTTP/1.1 103 Early Hints\r\nX-Answer: %u.%u\r\nLink: </a>\r\n\r\n",
                      attempt->request->number, attempt->number);
}

static void compose_head(struct origin_connection *connection, enum framing framing, bool is_old)
{
    const struct attempt *attempt = connection->attempt;
    struct buffer *out = &connection->out;
    bool is_kept = connection->end == ORIGIN_KEEPS;
    buffer_printf(out, "HTTP/1.%d %d Whatever\r\nX-Answer: %u.%u\r\n", !is_old, attempt->status,
                  attempt->request->number, attempt->number);
    if (framing == FRAMING_CHUNKED)
        buffer_printf(out, "Transfer-Encoding: chunked\r\n");
    else if (framing == FRAMING_LENGTH && attempt->status != 204)
        buffer_printf(out, "Content-Length: %llu\r\n", (unsigned long long)attempt->length);
    if (is_kept && is_old)
        buffer_printf(out, "Connection: keep-alive, X-Hop\r\nX-Hop: 1\r\n");
    else if (!is_kept && (attempt->script == SCRIPT_EXTRA || sim_one_in(&connection->chance, 2)))
        buffer_printf(out, "Connection: close\r\nKeep-Alive: 1\r\n");
    buffer_printf(out, "\r\n");
}

static void append_content(struct buffer *out, const struct attempt *attempt, uint64_t at, size_t length)
{
    char *bytes = malloc(length + 1);
    assert(bytes != NULL);
    content_fill(bytes, attempt_key(attempt), at, length);
    buffer_append(out, slice_make(bytes, length));
    free(bytes);
}

static void compose_chunks(struct origin_connection *connection)
{
    const struct attempt *attempt = connection->attempt;
    uint64_t bad_at =
        attempt->script == SCRIPT_BAD_CHUNK ? sim_below(&connection->chance, attempt->length) : UINT64_MAX;
    for (uint64_t at = 0; at < attempt->length;) {
        uint64_t most = 100 + sim_size(&connection->chance, 20000);
        uint64_t length = MIN(attempt->length - at, most);
        if (bad_at < at + length) {
            buffer_printf(&connection->out, "%s", sim_one_in(&connection->chance, 2) ? "5 x\r\n" : "g\r\n");
            return;
        }
        buffer_printf(&connection->out, "%llx%s\r\n", (unsigned long long)length,
                      sim_one_in(&connection->chance, 8) ? ";a=b" : "");
        append_content(&connection->out, attempt, at, (size_t)length);
        buffer_printf(&connection->out, "\r\n");
        at += length;
    }
    buffer_printf(&connection->out, "0\r\n\r\n");
}

static void compose_content(struct origin_connection *connection, enum framing framing)
{
    const struct attempt *attempt = connection->attempt;
    if (!answer_has_content(attempt))
        return;
    if (framing == FRAMING_CHUNKED)
        compose_chunks(connection);
    else
        append_content(&connection->out, attempt, 0, (size_t)attempt->length);
}

/* Half of the servers that are right keep their connections; none that is wrong does. */
static enum origin_end choose_end(struct origin_connection *connection, enum framing framing)
{
    struct sim_chance *chance = &connection->chance;
    switch (connection->attempt->script) {
    case SCRIPT_RIGHT:
        return framing == FRAMING_UNTIL_CLOSE || sim_one_in(chance, 4) ? ORIGIN_SAYS_FIN : ORIGIN_KEEPS;
    case SCRIPT_EXTRA: return sim_one_in(chance, 2) ? ORIGIN_SAYS_FIN : ORIGIN_HANGS;
    case SCRIPT_EARLY:
        return framing == FRAMING_UNTIL_CLOSE || sim_one_in(chance, 2) ? ORIGIN_SAYS_FIN : ORIGIN_KEEPS;
    case SCRIPT_SILENT:
    case SCRIPT_DEAF:
    case SCRIPT_STUCK: return ORIGIN_HANGS;
    case SCRIPT_CLOSES: return ORIGIN_SAYS_FIN;
    case SCRIPT_RESETS: return ORIGIN_SAYS_RST;
    case SCRIPT_CUT_CONTENT:
        return framing == FRAMING_UNTIL_CLOSE || sim_one_in(chance, 2) ? ORIGIN_SAYS_RST : ORIGIN_SAYS_FIN;
    case SCRIPT_BAD_HEAD:
    case SCRIPT_BAD_CHUNK:
    case SCRIPT_GARBAGE: return sim_one_in(chance, 2) ? ORIGIN_HANGS : ORIGIN_SAYS_FIN;
    default: return sim_one_in(chance, 2) ? ORIGIN_SAYS_RST : ORIGIN_SAYS_FIN;
    }
}

/* Nothing of the answer from there on is sent. */
static void cut(struct origin_connection *connection, size_t first, size_t end)
{
    struct buffer *out = &connection->out;
    size_t length = first + (size_t)sim_below(&connection->chance, end - first);
    out->length = MIN(out->length, length);
}

static void compose_garbage(struct origin_connection *connection)
{
    char bytes[64];
    size_t length = (size_t)sim_between(&connection->chance, 8, sizeof(bytes));
    for (size_t i = 0; i < length; i++)
        bytes[i] = (char)sim_draw(&connection->chance);
    bytes[0] = '\x16'; /* as TLS begins */
    buffer_append(&connection->out, slice_make(bytes, length));
}

/* An answer to nothing, which must not become anybody's. */
static void compose_extra(struct origin_connection *connection)
{
    buffer_printf(&connection->out, "HTTP/1.1 200 OK\r\nX-Answer: 0.0\r\nContent-Length: 5\r\n\r\nextra");
}

static void compose_right(struct origin_connection *connection, enum framing framing)
{
    const struct attempt *attempt = connection->attempt;
    bool is_old = framing != FRAMING_CHUNKED && sim_one_in(&connection->chance, 8);
    compose_interims(connection);
    compose_head(connection, framing, is_old);
    size_t head_bytes = connection->out.length;
    compose_content(connection, framing);
    if (attempt->script == SCRIPT_CUT_HEAD)
        cut(connection, 1, head_bytes);
    else if (attempt->script == SCRIPT_CUT_CONTENT || attempt->script == SCRIPT_STUCK)
        cut(connection, head_bytes, connection->out.length);
    else if (attempt->script == SCRIPT_EXTRA)
        compose_extra(connection);
}

static void origin_compose(struct origin_connection *connection)
{
    struct attempt *attempt = connection->attempt;
    enum framing framing = choose_framing(connection);
    connection->end = choose_end(connection, framing);
    attempt->may_reset = attempt->script == SCRIPT_EARLY && connection->end == ORIGIN_SAYS_FIN;
    switch (attempt->script) {
    case SCRIPT_SILENT:
    case SCRIPT_DEAF:
    case SCRIPT_CLOSES:
    case SCRIPT_RESETS: return;
    case SCRIPT_GARBAGE: compose_garbage(connection); return;
    case SCRIPT_BAD_HEAD: compose_bad_head(connection); return;
    default: compose_right(connection, framing); return;
    }
}

/* ---- sending ---- */

static void finish_answer(struct origin_connection *connection)
{
    struct attempt *attempt = connection->attempt;
    attempt->is_done = attempt->script < SCRIPT_LAST_RIGHT || connection->end != ORIGIN_HANGS;
    switch (connection->end) {
    case ORIGIN_KEEPS:
        if (!attempt->is_whole) /* the rest may still come, and the next request behind it */
            return;
        origin_begin_idle(connection);
        origin_take(connection);
        return;
    case ORIGIN_SAYS_FIN:
        ledger.closed_us = sim_now_us() + 1; /* which vif may not know yet when it sends the next request */
        origin_close(connection, false);
        return;
    case ORIGIN_SAYS_RST: origin_close(connection, true); return;
    case ORIGIN_HANGS: return;
    }
}

static void on_go(struct sim_event *event)
{
    origin_go_on(CONTAINER_OF(event, struct origin_connection, go));
}

void origin_go_on(struct origin_connection *connection)
{
    struct buffer *out = &connection->out;
    if (connection->is_closed || connection->attempt == NULL || !connection->has_answered ||
        sim_is_armed(&connection->go))
        return;
    if (out->length > 0) {
        struct slice piece = slice_take(buffer_slice(out), MIN(out->length, connection->piece_max));
        size_t sent = sim_socket_send(connection->socket, piece);
        buffer_consume(out, sent);
        if (sent < piece.length)
            return; /* on_writable follows, or the end */
    }
    if (out->length > 0)
        sim_after(&connection->go, sim_below(&connection->chance, connection->pause_us_max + 1), on_go);
    else
        finish_answer(connection);
}

void origin_answer(struct origin_connection *connection)
{
    struct sim_chance *chance = &connection->chance;
    if (connection->has_answered)
        return;
    origin_compose(connection);
    connection->has_answered = true;
    bool is_steady = sim_one_in(chance, 2);
    connection->piece_max =
        is_steady ? SIZE_MAX : connection->out.length / 12 + (size_t)sim_size(chance, 3000);
    connection->pause_us_max = sim_one_in(chance, 3) ? sim_size(chance, 400 * SIM_MS) : 0;
    sim_after(&connection->go, sim_one_in(chance, 3) ? sim_size(chance, 4 * SIM_S) : 0, on_go);
}
