/* HTTP/1 responses (RFC 9112 sections 4 to 7), parsed as strictly as requests: a proxy that guesses where
 * a response ends can deliver one client's data to another.
 *
 * The invalid forms that are accepted, unless the engine is strict, are those that the RFC tells clients and
 * proxies to repair, and that have only one interpretation: a status line without the space before an empty
 * reason; blanks between a header's name and its colon (section 5.1); values folded over several lines (5.2);
 * empty elements beside the one value of Content-Length or Transfer-Encoding (RFC 9110 section 5.6.1).
 * Several equal Content-Length values (6.3) are always accepted: the proxy sends one. Begin reading at
 * h1_response_next. */
#include "h1/response_parser.h"

#include "h1/framing.h"
#include "h1/line.h"
#include "http/field_list.h"
#include "http/status.h"

#define STATUS_LINE_PREFIX SLICE("HTTP/1.")

void h1_response_init(struct h1_response_parser *engine, const struct h1_limits *limits)
{
    *engine = (struct h1_response_parser){.limits = limits, .state = H1_RESPONSE_STATE_HEAD};
}

void h1_response_expect(struct h1_response_parser *engine, enum http_method method)
{
    assert(!h1_response_is_inside(engine));
    engine->method = (uint8_t)method;
    engine->interims = 0;
}

const char *h1_response_fault_text(enum h1_response_fault fault)
{
    switch (fault) {
    case H1_RESPONSE_FAULT_NONE: return "it is right";
#define X(name, text) \
    case H1_RESPONSE_FAULT_##name: return text;
        H1_RESPONSE_FAULT_TABLE(X)
#undef X
    }
    UNREACHABLE();
}

static enum h1_response_event h1_response_die(struct h1_response_parser *engine, enum h1_response_fault fault)
{
    engine->state = H1_RESPONSE_STATE_DEAD;
    engine->fault = (uint8_t)fault;
    return H1_RESPONSE_BAD;
}

/* --- heads --- */

static bool h1_response_is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

/* Whether the input, as far as it goes, can begin a status line: data that is not HTTP is rejected without
 * waiting for a line end. */
static bool can_begin(struct slice input)
{
    size_t length = MIN(input.length, STATUS_LINE_PREFIX.length);
    return slice_equal(slice_take(input, length), slice_take(STATUS_LINE_PREFIX, length));
}

/* HTTP-version SP 3DIGIT SP [reason-phrase]. RFC 9110 section 15 lets a client treat codes from 600 on as
 * 5xx; they are returned unchanged. The steps of parsing a head return what is wrong, or 0. */
static enum h1_response_fault parse_status_line(struct slice line, bool is_strict,
                                                struct http_response_head *head)
{
    if (line.length < 12 || !can_begin(line) || !h1_response_is_digit(line.data[7]) || line.data[8] != ' ')
        return H1_RESPONSE_FAULT_STATUS_LINE;
    const char *code = line.data + 9;
    if (!h1_response_is_digit(code[0]) || !h1_response_is_digit(code[1]) || !h1_response_is_digit(code[2]))
        return H1_RESPONSE_FAULT_STATUS_LINE;
    if (code[0] < '1' || (is_strict && code[0] > '5'))
        return H1_RESPONSE_FAULT_STATUS;
    if ((line.length > 12 && line.data[12] != ' ') || (line.length == 12 && is_strict))
        return H1_RESPONSE_FAULT_STATUS_LINE;
    head->version_major = 1;
    head->version_minor = line.data[7] == '0' ? 0 : 1;
    head->status = (uint16_t)((code[0] - '0') * 100 + (code[1] - '0') * 10 + (code[2] - '0'));
    head->reason = slice_skip(line, MIN(line.length, (size_t)13));
    return http_is_field_value(head->reason) ? H1_RESPONSE_FAULT_NONE : H1_RESPONSE_FAULT_STATUS_LINE;
}

static enum h1_response_fault parse_field(const struct h1_response_parser *engine, struct slice line,
                                          struct http_response_head *head)
{
    if (head->field_count >= MIN(engine->limits->fields, (uint32_t)HTTP_RESPONSE_FIELDS_MAX))
        return H1_RESPONSE_FAULT_TOO_MANY_HEADERS;
    struct http_field *field = &head->fields[head->field_count];
    if (!h1_parse_field_line(line, !engine->is_strict, field))
        return H1_RESPONSE_FAULT_HEADER;
    head->field_count++;
    if (field->name != HTTP_FIELD_OTHER && head->first[field->name] == 0)
        head->first[field->name] = head->field_count;
    return H1_RESPONSE_FAULT_NONE;
}

static bool has_empty_element(struct slice list)
{
    for (;;) {
        size_t comma = slice_find(list, ',');
        if (slice_trim(slice_take(list, comma)).length == 0)
            return true;
        if (comma == list.length)
            return false;
        list = slice_skip(list, comma + 1);
    }
}

/* Whether a line of the header, if there are any, has an element that is empty. */
static bool has_gaps(const struct http_response_head *head, enum http_field_name name)
{
    for (unsigned i = head->first[name]; i != 0 && i <= head->field_count; i++) {
        if (head->fields[i - 1].name == name && has_empty_element(head->fields[i - 1].value))
            return true;
    }
    return false;
}

/* RFC 9112 section 6.3: either all Content-Length values are equal, or there is none. */
static bool find_content_length(struct http_response_head *head)
{
    struct slice first = {0}, length;
    struct http_field_list lengths =
        http_field_list(head->fields, head->field_count, HTTP_FIELD_CONTENT_LENGTH);
    head->has_length = head->first[HTTP_FIELD_CONTENT_LENGTH] != 0;
    while (http_field_list_next(&lengths, &length)) {
        first = first.data ? first : length;
        if (!slice_equal(length, first))
            return false;
    }
    return !head->has_length || slice_to_u64(first, &head->content_length);
}

/* The only transfer coding accepted is a single "chunked", in HTTP/1.1 and without a Content-Length, since
 * no other is requested. Having both headers is an attack that splits one response into two (section 6.3). */
static bool is_plainly_chunked(const struct http_response_head *head)
{
    return head->version_minor >= 1 && !head->has_length &&
           h1_transfer_coding(head->fields, head->field_count) == H1_CODING_CHUNKED;
}

/* In the order of RFC 9112 section 6.3. */
static enum h1_response_fault find_body_kind(const struct h1_response_parser *engine,
                                             struct http_response_head *head)
{
    bool is_coded = head->first[HTTP_FIELD_TRANSFER_ENCODING] != 0;
    bool is_accepted_connect = engine->method == HTTP_METHOD_CONNECT && head->status / 100 == 2;
    if (!find_content_length(head) || (engine->is_strict && has_gaps(head, HTTP_FIELD_CONTENT_LENGTH)))
        return H1_RESPONSE_FAULT_LENGTH;
    if (engine->is_strict && has_gaps(head, HTTP_FIELD_TRANSFER_ENCODING))
        return H1_RESPONSE_FAULT_CODING;
    if (is_coded && !is_plainly_chunked(head))
        return head->has_length ? H1_RESPONSE_FAULT_LENGTH_AND_CODING : H1_RESPONSE_FAULT_CODING;
    if (head->status == 101 || is_accepted_connect)
        head->body = HTTP_RESPONSE_BODY_TUNNEL;
    else if (engine->method == HTTP_METHOD_HEAD || http_status_has_no_content(head->status))
        head->body = HTTP_RESPONSE_BODY_NONE;
    else if (is_coded)
        head->body = HTTP_RESPONSE_BODY_CHUNKED;
    else
        head->body = head->has_length ? HTTP_RESPONSE_BODY_LENGTH : HTTP_RESPONSE_BODY_UNTIL_CLOSE;
    head->keep_alive = head->body != HTTP_RESPONSE_BODY_TUNNEL &&
                       head->body != HTTP_RESPONSE_BODY_UNTIL_CLOSE &&
                       h1_is_persistent(head->fields, head->field_count, head->version_minor);
    bool is_too_long =
        head->body == HTTP_RESPONSE_BODY_LENGTH && head->content_length > engine->limits->body_bytes;
    return is_too_long ? H1_RESPONSE_FAULT_CONTENT_TOO_LONG : H1_RESPONSE_FAULT_NONE;
}

static bool h1_response_is_blank(char byte)
{
    return byte == ' ' || byte == '\t';
}

/* Takes a line and its continuations, which begin with a blank: the line ends between them are replaced by
 * blanks in the input (RFC 9112 section 5.2). Whether a line is complete is known only when the byte after
 * it has arrived. */
static enum h1_head_result take_folded_line(struct slice *rest, struct slice *ret_line)
{
    enum h1_head_result result = h1_take_line(rest, ret_line);
    if (result != H1_HEAD_DONE || ret_line->length == 0)
        return result;
    while (rest->length > 0 && h1_response_is_blank(rest->data[0])) {
        struct slice more;
        result = h1_take_line(rest, &more);
        if (result != H1_HEAD_DONE)
            return result;
        memset((char *)ret_line->data + ret_line->length, ' ', 2);
        *ret_line = slice_make(ret_line->data, (size_t)(more.data + more.length - ret_line->data));
    }
    return rest->length > 0 ? H1_HEAD_DONE : H1_HEAD_MORE;
}

static void clear(struct http_response_head *head)
{
    memset(head, 0, offsetof(struct http_response_head, fields));
}

static enum h1_head_result bad_head(struct h1_response_parser *engine, enum h1_response_fault fault)
{
    engine->fault = (uint8_t)fault;
    return fault ? H1_HEAD_BAD : H1_HEAD_DONE;
}

static enum h1_head_result parse_line(struct h1_response_parser *engine, bool is_first, struct slice line,
                                      struct http_response_head *head)
{
    if (is_first)
        return bad_head(engine, parse_status_line(line, engine->is_strict, head));
    if (engine->is_strict && h1_response_is_blank(line.data[0]))
        return bad_head(engine, H1_RESPONSE_FAULT_FOLDED);
    return bad_head(engine, parse_field(engine, line, head));
}

static enum h1_head_result parse_head(struct h1_response_parser *engine, struct slice input,
                                      struct http_response_head *head, size_t *ret_length)
{
    struct slice rest = input;
    struct slice line;
    clear(head);
    for (bool is_first = true;; is_first = false) {
        bool is_one_line = is_first || engine->is_strict;
        enum h1_head_result result =
            is_one_line ? h1_take_line(&rest, &line) : take_folded_line(&rest, &line);
        size_t used = result == H1_HEAD_MORE ? input.length : input.length - rest.length;
        if (UNLIKELY(used > engine->limits->head_bytes))
            return bad_head(engine, H1_RESPONSE_FAULT_HEAD_TOO_LONG);
        if (result == H1_HEAD_BAD)
            return bad_head(engine, is_first ? H1_RESPONSE_FAULT_STATUS_LINE : H1_RESPONSE_FAULT_HEADER);
        if (result == H1_HEAD_MORE)
            return result;
        if (line.length == 0 && !is_first)
            break;
        if (parse_line(engine, is_first, line, head) == H1_HEAD_BAD)
            return H1_HEAD_BAD;
    }
    *ret_length = input.length - rest.length;
    return bad_head(engine, find_body_kind(engine, head));
}

/* --- the state machine --- */

static void h1_response_begin_content(struct h1_response_parser *engine, enum http_response_body body,
                                      uint64_t content_length)
{
    engine->scanned = 0;
    engine->state = body == HTTP_RESPONSE_BODY_TUNNEL ? H1_RESPONSE_STATE_TUNNEL : H1_RESPONSE_STATE_CONTENT;
    switch (body) {
    case HTTP_RESPONSE_BODY_NONE:
    case HTTP_RESPONSE_BODY_TUNNEL: h1_content_begin_length(&engine->content, 0); return;
    case HTTP_RESPONSE_BODY_LENGTH: h1_content_begin_length(&engine->content, content_length); return;
    case HTTP_RESPONSE_BODY_CHUNKED:
        h1_content_begin_chunked(&engine->content, engine->limits->body_bytes);
        engine->content.takes_folds = !engine->is_strict;
        engine->content.keeps_trailers = engine->keeps_trailers;
        return;
    case HTTP_RESPONSE_BODY_UNTIL_CLOSE:
        h1_content_begin_until_close(&engine->content, engine->limits->body_bytes);
        return;
    }
    UNREACHABLE();
}

void h1_response_skip_head(struct h1_response_parser *engine, enum http_response_body body,
                           uint64_t content_length)
{
    assert(!h1_response_is_inside(engine));
    h1_response_begin_content(engine, body, content_length);
}

static enum h1_response_event h1_response_next_head(struct h1_response_parser *engine, struct slice *input,
                                                    struct http_response_head *head)
{
    if (input->length == 0)
        return H1_RESPONSE_MORE;
    if (engine->scanned < STATUS_LINE_PREFIX.length && !can_begin(*input))
        return h1_response_die(engine, H1_RESPONSE_FAULT_STATUS_LINE);
    /* Parsing restarts with each new line and the byte after it, but no byte is searched twice for a line
     * end. */
    struct slice fresh = slice_skip(*input, engine->scanned - (engine->scanned > 0));
    bool may_parse = slice_find(fresh, '\n') < fresh.length || input->length > engine->limits->head_bytes;
    engine->scanned = (uint32_t)MIN(input->length, (size_t)UINT32_MAX);
    if (!may_parse)
        return H1_RESPONSE_MORE;
    size_t length;
    switch (parse_head(engine, *input, head, &length)) {
    case H1_HEAD_MORE: return H1_RESPONSE_MORE;
    case H1_HEAD_BAD: return h1_response_die(engine, (enum h1_response_fault)engine->fault);
    case H1_HEAD_DONE: break;
    }
    *input = slice_skip(*input, length);
    engine->scanned = 0;
    if (head->status < 200 && head->status != 101)
        return ++engine->interims > H1_RESPONSE_INTERIMS_MAX
                   ? h1_response_die(engine, H1_RESPONSE_FAULT_TOO_MANY_INTERIMS)
                   : H1_RESPONSE_INTERIM;
    h1_response_begin_content(engine, head->body, head->content_length);
    return H1_RESPONSE_HEAD;
}

static enum h1_response_event h1_response_next_content(struct h1_response_parser *engine, struct slice *input,
                                                       struct slice *ret_content)
{
    switch (h1_content_next(&engine->content, engine->limits, input, UINT64_MAX, ret_content)) {
    case H1_CONTENT_MORE: return H1_RESPONSE_MORE;
    case H1_CONTENT_PIECE: return H1_RESPONSE_CONTENT;
    case H1_CONTENT_DONE: engine->state = H1_RESPONSE_STATE_HEAD; return H1_RESPONSE_END;
    case H1_CONTENT_BAD:
        return h1_response_die(engine, engine->content.status == 413 ? H1_RESPONSE_FAULT_CONTENT_TOO_LONG
                                                                     : H1_RESPONSE_FAULT_CHUNK);
    case H1_CONTENT_FULL: break; /* cannot happen: all content is wanted */
    }
    UNREACHABLE();
}

enum h1_response_event h1_response_next(struct h1_response_parser *engine, struct slice *input,
                                        struct http_response_head *head, struct slice *ret_content)
{
    switch ((enum h1_response_state)engine->state) {
    case H1_RESPONSE_STATE_HEAD: return h1_response_next_head(engine, input, head);
    case H1_RESPONSE_STATE_CONTENT: return h1_response_next_content(engine, input, ret_content);
    case H1_RESPONSE_STATE_TUNNEL: return H1_RESPONSE_MORE;
    case H1_RESPONSE_STATE_DEAD: *input = slice_skip(*input, input->length); return H1_RESPONSE_MORE;
    }
    UNREACHABLE();
}

enum h1_response_event h1_response_close(struct h1_response_parser *engine, size_t input_length)
{
    bool is_at_end = engine->state == H1_RESPONSE_STATE_CONTENT &&
                     (engine->content.state == H1_CONTENT_STATE_UNTIL_CLOSE ||
                      engine->content.state == H1_CONTENT_STATE_DONE);
    bool is_idle = engine->state == H1_RESPONSE_STATE_HEAD && input_length == 0 && engine->interims == 0;
    if (is_at_end || engine->state == H1_RESPONSE_STATE_TUNNEL) {
        engine->state = H1_RESPONSE_STATE_HEAD;
        return H1_RESPONSE_END;
    }
    return is_idle ? H1_RESPONSE_MORE : h1_response_die(engine, H1_RESPONSE_FAULT_CUT);
}
