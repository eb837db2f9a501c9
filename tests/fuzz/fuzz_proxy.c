/* Any bytes as what a server behind the proxy answers. The first byte chooses the request and the pieces in
 * which the rest is sent. What the client gets is read again by a reader that shares no code with vif
 * (response_reader.h), and so is what the server sent:
 *  - a response that is wrong, or that two recipients could understand in two ways, is never forwarded: the
 *    client gets 502;
 *  - any other is forwarded, with the same status, headers and content, in a framing that is clear;
 *  - content that is cut on the way to vif is cut for the client, who can see it. */
#include "fuzz.h"

#include "proxied.h"
#include "response_reader.h"

#include "http/trailer.h"

#include <assert.h>
#include <string.h>

struct request_form {
    struct slice bytes;
    bool is_head;
    bool is_old;        /* HTTP/1.0: no interim responses, no chunks */
    bool allows_tunnel; /* it asks for WebSocket */
    bool wants_trailers;
};

#define HOST "Host: example.com\r\n"
#define LAST HOST "Connection: close\r\n\r\n"

static const struct request_form forms[] = {
    {SLICE("GET / HTTP/1.1\r\n" LAST)},
    {SLICE("HEAD / HTTP/1.1\r\n" LAST), .is_head = true},
    {SLICE("POST / HTTP/1.1\r\nContent-Length: 5\r\n" LAST "hello")},
    {SLICE("POST / HTTP/1.1\r\nContent-Length: 500\r\n" LAST "hello")},
    {SLICE("GET / HTTP/1.0\r\n" HOST "\r\n"), .is_old = true},
    {SLICE("GET / HTTP/1.1\r\n" HOST "Upgrade: websocket\r\nConnection: close, upgrade\r\n\r\n"),
     .allows_tunnel = true},
    {SLICE("GET / HTTP/1.1\r\n" HOST "TE: trailers\r\nConnection: close, TE\r\n\r\n"),
     .wants_trailers = true},
    {SLICE("PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" LAST "5\r\nhello\r\n0\r\n\r\n")},
};

/* ---- pieces ---- */

#define SINGLE_BYTES_MAX 300
#define PIECES_MAX       24

/* All at once, each byte alone, or some of up to 64 bytes and then the rest. */
static size_t choose_piece(struct proxied *proxied, size_t left)
{
    unsigned most = proxied->seed == 1 ? SINGLE_BYTES_MAX : PIECES_MAX;
    if (proxied->seed == 0 || proxied->pieces >= most)
        return left;
    uint32_t random = (proxied->pieces + 1) * 2654435761u ^ proxied->seed * 1664525u;
    return proxied->seed == 1 ? 1 : MIN(left, (size_t)(1 + (random >> 13) % 64));
}

/* ---- headers ---- */

static bool is_named(const struct read_field *field, const char *name)
{
    return slice_equal_nocase(field->name, slice_from(name));
}

/* Whether a Connection header names it. */
static bool is_of_connection(const struct read_fields *fields, struct slice name)
{
    for (unsigned i = 0; i < fields->count; i++) {
        struct slice rest = fields->fields[i].value;
        while (is_named(&fields->fields[i], "Connection") && rest.length > 0) {
            size_t comma = slice_find(rest, ',');
            if (slice_equal_nocase(slice_trim(slice_take(rest, comma)), name))
                return true;
            rest = slice_skip(rest, MIN(comma + 1, rest.length));
        }
    }
    return false;
}

/* Whether it stays on its side, whatever it says. */
static bool stays(const struct read_field *field)
{
    static const char *const names[] = {
        "Connection",
        "Content-Length",
        "Content_Length",
        "TE",
        "Transfer-Encoding",
        "Transfer_Encoding",
        "Upgrade",
        "Keep-Alive",
        "Keep_Alive",
        "Proxy-Connection",
        "Proxy_Connection",
        "HTTP2-Settings",
        "HTTP2_Settings",
        "Proxy-Authenticate",
        "Proxy_Authenticate",
        "Proxy-Authorization",
        "Proxy_Authorization",
        "Proxy-Authentication-Info",
        "Date",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        if (is_named(field, names[i]))
            return true;
    }
    char plain[40];
    for (size_t i = 0; i < MIN(field->name.length, sizeof(plain)); i++)
        plain[i] = field->name.data[i] == '_' ? '-' : field->name.data[i];
    return field->name.length <= sizeof(plain) &&
           slice_equal_nocase(slice_make(plain, field->name.length), SLICE("Proxy-Authentication-Info"));
}

static const struct read_field *last_named(const struct read_fields *fields, const char *name)
{
    const struct read_field *found = NULL;
    for (unsigned i = 0; i < fields->count; i++) {
        if (is_named(&fields->fields[i], name))
            found = &fields->fields[i];
    }
    return found;
}

static bool is_same_field(const struct read_field *a, const struct read_field *b)
{
    return slice_equal(a->name, b->name) && slice_equal(a->value, b->value);
}

/* The next one from `*at` on that is for both sides; NULL: there is none. */
static const struct read_field *next_forwarded(const struct read_fields *fields, unsigned *at)
{
    while (*at < fields->count) {
        const struct read_field *field = &fields->fields[(*at)++];
        if (!stays(field) && !is_of_connection(fields, field->name))
            return field;
    }
    return NULL;
}

/* What it names is not clear. */
static bool has_quoted_connection(const struct read_fields *fields)
{
    for (unsigned i = 0; i < fields->count; i++) {
        const struct read_field *field = &fields->fields[i];
        if (is_named(field, "Connection") && slice_find(field->value, '"') < field->value.length)
            return true;
    }
    return false;
}

/* The client's are the server's, and then Via. */
static void check_head(const struct read_head *sent, const struct read_head *got)
{
    if (has_quoted_connection(&sent->fields))
        return;
    unsigned sent_at = 0, got_at = 0;
    const struct read_field *wanted, *field;
    assert(got->version_minor == 1 && got->status == sent->status);
    while ((wanted = next_forwarded(&sent->fields, &sent_at)) != NULL) {
        field = next_forwarded(&got->fields, &got_at);
        assert(field != NULL && is_same_field(field, wanted));
    }
    field = next_forwarded(&got->fields, &got_at);
    assert(field != NULL && is_named(field, "Via"));
    assert(slice_equal(field->value, sent->version_minor ? SLICE("1.1 vif") : SLICE("1.0 vif")));
    assert(next_forwarded(&got->fields, &got_at) == NULL);
    const struct read_field *date = last_named(&sent->fields, "Date");
    if (date && !is_of_connection(&sent->fields, SLICE("Date")))
        assert(slice_equal(last_named(&got->fields, "Date")->value, date->value));
}

/* Some may not trail, and are left out. */
static void check_trailers(const struct read_fields *sent, const struct read_fields *got)
{
    unsigned at = 0;
    for (unsigned i = 0; i < got->count; i++) {
        assert(http_may_trail(got->fields[i].name));
        while (at < sent->count && !is_same_field(&sent->fields[at], &got->fields[i]))
            at++;
        assert(at++ < sent->count && "a trailer that the server did not send");
    }
}

/* ---- responses ---- */

/* Those that reach a limit are refused, though they are clear. */
static bool may_refuse_head(const struct read_head *head)
{
    unsigned names = 0;
    for (unsigned i = 0; i < head->fields.count; i++) {
        const struct read_field *field = &head->fields.fields[i];
        for (size_t j = 0; is_named(field, "Connection") && j <= field->value.length; j++)
            names += j == field->value.length || field->value.data[j] == ',';
    }
    return names > 32 || head->bytes > PROXIED_HEAD_BYTES_MAX || head->fields.count > PROXIED_FIELDS_MAX;
}

/* It changes to the protocol that was asked for, and says so once. */
static bool is_granted(const struct read_head *head)
{
    unsigned count = 0;
    bool is_right = false;
    for (unsigned i = 0; i < head->fields.count; i++) {
        if (!is_named(&head->fields.fields[i], "Upgrade"))
            continue;
        count++;
        is_right = slice_equal_nocase(head->fields.fields[i].value, SLICE("websocket"));
    }
    return count == 1 && is_right;
}

static bool may_refuse(const struct read_response *sent)
{
    if (sent->framing == READ_TUNNEL && !is_granted(&sent->head))
        return true;
    bool may = sent->may_be_refused || sent->interim_count > 16 || may_refuse_head(&sent->head);
    for (unsigned i = 0; i < sent->interim_count; i++)
        may |= may_refuse_head(sent->interims[i]);
    return may;
}

/* All but 100, which is for vif; the client of an earlier version gets none. Before an error there may be
 * fewer: what came with it may not have been sent. */
static void check_interims(const struct request_form *form, const struct read_response *sent,
                           const struct read_response *got, bool is_error)
{
    unsigned at = 0;
    for (unsigned i = 0; i < sent->interim_count; i++) {
        if (sent->interims[i]->status == 100 || form->is_old)
            continue;
        if (is_error && at == got->interim_count)
            return;
        assert(at < got->interim_count);
        check_head(sent->interims[i], got->interims[at++]);
    }
    assert(at == got->interim_count);
}

static void check_content(const struct read_response *sent, const struct read_response *got)
{
    struct slice from = slice_make(sent->content, sent->content_length);
    struct slice to = slice_make(got->content, got->content_length);
    assert(to.length <= from.length && slice_equal(to, slice_take(from, to.length)));
    if (sent->end != READ_WHOLE) {
        assert(got->end != READ_WHOLE || got->framing == READ_UNTIL_CLOSE);
    } else if (got->end != READ_WHOLE || to.length < from.length) {
        assert(sent->may_be_refused); /* in the middle of its content */
    }
}

/* The client's framing says what the server's says. */
static void check_framing(const struct request_form *form, const struct read_response *sent,
                          const struct read_response *got)
{
    switch (sent->framing) {
    case READ_NONE:
    case READ_TUNNEL: assert(got->framing == sent->framing); return;
    case READ_LENGTH: assert(got->framing == READ_LENGTH && got->length == sent->length); return;
    case READ_CHUNKED:
    case READ_UNTIL_CLOSE: assert(got->framing == (form->is_old ? READ_UNTIL_CLOSE : READ_CHUNKED)); return;
    }
}

static bool is_own_error(const struct read_response *got)
{
    return got->head.status == 502 && last_named(&got->head.fields, "Via") == NULL;
}

static void check(const struct request_form *form, const struct proxied *proxied)
{
    static struct read_response sent, got; /* too large for a stack with sanitizers */
    bool is_clear = response_read(&sent, proxied->response, form->is_head, form->allows_tunnel);
    bool is_read = response_read(&got, buffer_slice(&proxied->received), form->is_head, form->allows_tunnel);
    assert(is_read && "the client gets what it cannot read");
    bool is_error = is_own_error(&got);
    check_interims(form, &sent, &got, is_error);
    if (is_error) {
        assert(!is_clear || sent.end != READ_WHOLE || may_refuse(&sent));
        assert(got.end == READ_WHOLE);
    } else {
        assert(is_clear && "what is wrong, or ambiguous, is forwarded");
        check_head(&sent.head, &got.head);
        check_framing(form, &sent, &got);
        check_content(&sent, &got);
        assert(got.trailers.count == 0 || form->wants_trailers);
        check_trailers(&sent.trailers, &got.trailers);
    }
    response_release(&sent);
    response_release(&got);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    const struct request_form *form = &forms[data[0] % ARRAY_LENGTH(forms)];
    struct proxied proxied = {
        .request = form->bytes,
        .response = slice_make((const char *)data + 1, size - 1),
        .next_piece = choose_piece,
        .seed = data[0] / ARRAY_LENGTH(forms),
    };
    proxied_run(&proxied);
    check(form, &proxied);
    buffer_finish(&proxied.received);
    return 0;
}
