/* What the HTTP/1 engine makes of some bytes, written down as one line of text: for tables of cases, and to
 * compare what different ways of cutting the bytes give. Used by unit tests and by the fuzzer.
 *
 * A transcript has one word an event:
 *   GET:/path?query@host     a request, and behind it only what is not the default:
 *     :1.0 :close :expect    version, persistence, expectation
 *     :5 :chunked            how its content is framed
 *     :+3                    fields besides Host
 *   [bytes]                  content, in one piece
 *   .                        the end of a message
 *   .+2                      the same, with so many trailers
 *   !400                     refused
 *   ~                        the input ended inside a message */
#ifndef TESTS_UNIT_H1_TRANSCRIPT_H
#define TESTS_UNIT_H1_TRANSCRIPT_H

#include "base/buffer.h"
#include "h1/h1.h"
#include "h1/line.h"
#include "h1/recent_head.h"

#include <stdlib.h>

struct transcript {
    struct h1 engine;
    struct h1_recent_head *recent; /* NULL: every head is parsed */
    struct http_request request;
    struct buffer text;
    char *kept; /* what the engine left of the input so far; allocated to its exact size */
    size_t kept_length;
    uint64_t content_bytes;
    bool in_content;
    bool in_message; /* between a request and its end */
};

static inline void transcript_init(struct transcript *transcript, const struct h1_limits *limits)
{
    *transcript = (struct transcript){0};
    h1_init(&transcript->engine, limits);
    transcript->request.fields_max = (uint16_t)MIN(limits->fields, (uint32_t)HTTP_FIELDS_MAX);
    transcript->request.fields = malloc(transcript->request.fields_max * sizeof(struct http_field));
    assert(transcript->request.fields != NULL);
    buffer_init(&transcript->text, (size_t)1 << 24);
}

static inline void transcript_finish(struct transcript *transcript)
{
    free(transcript->kept);
    free(transcript->request.fields);
    buffer_finish(&transcript->text);
}

/* Within the input, or a constant where the target leaves something out. */
static inline void transcript_check_slice(struct slice slice, struct slice input)
{
    bool is_inside = slice.data >= input.data && slice.data + slice.length <= input.data + input.length;
    assert(slice.data == NULL || is_inside || slice_equal(slice, SLICE("/")) ||
           slice_equal(slice, SLICE("*")));
    assert(slice.data != NULL || slice.length == 0);
}

/* What every request must be, whatever it was made of. */
static inline void transcript_check_request(const struct transcript *transcript, struct slice input)
{
    const struct http_request *request = &transcript->request;
    const struct h1_limits *limits = transcript->engine.limits;
    transcript_check_slice(request->method_text, input);
    transcript_check_slice(request->target, input);
    transcript_check_slice(request->host, input);
    transcript_check_slice(request->path, input);
    transcript_check_slice(request->query, input);
    assert(http_is_token(request->method_text));
    assert(request->target.length > 0 && request->target.length <= limits->uri_bytes);
    assert(request->field_count <= limits->fields && request->field_count <= HTTP_FIELDS_MAX);
    assert(request->body == HTTP_BODY_LENGTH ? request->content_length > 0 : request->content_length == 0);
    assert(request->content_length <= limits->body_bytes);
    assert(request->version_minor <= 1);
    unsigned counts[HTTP_FIELD_NAME_COUNT] = {0};
    for (unsigned i = 0; i < request->field_count; i++) {
        const struct http_field *field = &request->fields[i];
        transcript_check_slice(field->name_text, input);
        transcript_check_slice(field->value, input);
        assert(http_is_token(field->name_text) && http_is_field_value(field->value));
        assert(slice_equal(slice_trim(field->value), field->value));
        assert(field->name == http_field_lookup(field->name_text));
        if (field->name != HTTP_FIELD_OTHER && counts[field->name]++ == 0)
            assert(request->first[field->name] == i + 1);
    }
    for (unsigned name = 1; name < HTTP_FIELD_NAME_COUNT; name++)
        assert((request->first[name] == 0) == (counts[name] == 0));
    assert(counts[HTTP_FIELD_HOST] == 1 || (counts[HTTP_FIELD_HOST] == 0 && request->version_minor == 0));
    assert(counts[HTTP_FIELD_CONTENT_LENGTH] <= 1);
    assert(counts[HTTP_FIELD_CONTENT_LENGTH] == 0 || counts[HTTP_FIELD_TRANSFER_ENCODING] == 0);
    assert((request->body == HTTP_BODY_CHUNKED) == (counts[HTTP_FIELD_TRANSFER_ENCODING] > 0));
    assert(request->host.length > 0 || counts[HTTP_FIELD_HOST] == 0 ||
           slice_equal(request->path, SLICE("*")));
}

/* What a refused head leaves: its whole request line, or nothing. (Where content is refused the request is
 * that of its message, and its slices are of an input that is gone.) */
static inline void transcript_check_refused(struct transcript *transcript, struct slice input)
{
    const struct http_request *request = &transcript->request;
    if (transcript->in_message)
        return;
    transcript_check_slice(request->method_text, input);
    transcript_check_slice(request->target, input);
    transcript_check_slice(request->path, input);
    assert((request->method_text.length > 0) == (request->target.length > 0));
    assert(request->target.length > 0 || request->field_count == 0);
    for (unsigned i = 0; i < request->field_count; i++) {
        transcript_check_slice(request->fields[i].name_text, input);
        transcript_check_slice(request->fields[i].value, input);
    }
}

static inline void transcript_add_request(struct transcript *transcript, struct slice input)
{
    const struct http_request *request = &transcript->request;
    struct buffer *text = &transcript->text;
    transcript_check_request(transcript, input);
    transcript->content_bytes = 0;
    buffer_printf(text, " %.*s:%.*s", SLICE_ARGS(request->method_text), SLICE_ARGS(request->path));
    if (request->query.data)
        buffer_printf(text, "?%.*s", SLICE_ARGS(request->query));
    buffer_printf(text, "@%.*s", SLICE_ARGS(request->host));
    buffer_printf(text, "%s%s%s", request->version_minor ? "" : ":1.0",
                  request->keep_alive == (request->version_minor > 0) ? ""
                  : request->keep_alive                               ? ":keep-alive"
                                                                      : ":close",
                  request->expect_continue ? ":expect" : "");
    if (request->body == HTTP_BODY_LENGTH)
        buffer_printf(text, ":%llu", (unsigned long long)request->content_length);
    if (request->body == HTTP_BODY_CHUNKED)
        buffer_printf(text, ":chunked");
    unsigned others = request->field_count - http_request_has(request, HTTP_FIELD_HOST);
    if (others)
        buffer_printf(text, ":+%u", others);
}

static inline void transcript_add_content(struct transcript *transcript, struct slice content,
                                          struct slice input)
{
    const struct http_request *request = &transcript->request;
    assert(content.length > 0 && content.data >= input.data &&
           content.data + content.length <= input.data + input.length);
    transcript->content_bytes += content.length;
    assert(transcript->content_bytes <= transcript->engine.limits->body_bytes);
    if (!transcript->in_content)
        buffer_append(&transcript->text, SLICE(" ["));
    buffer_append(&transcript->text, content);
    transcript->in_content = true;
    assert(request->body != HTTP_BODY_NONE);
}

static inline void transcript_close_content(struct transcript *transcript)
{
    if (transcript->in_content)
        buffer_append(&transcript->text, SLICE("]"));
    transcript->in_content = false;
}

static inline enum h1_event transcript_next(struct transcript *transcript, struct slice *rest,
                                            struct slice *ret_content)
{
    struct h1 *engine = &transcript->engine;
    bool is_between = transcript->recent && engine->state == H1_STATE_HEAD;
    if (is_between && h1_recent_head_take(transcript->recent, engine, rest, &transcript->request))
        return H1_REQUEST;
    enum h1_event event =
        h1_next_within(engine, rest, &transcript->request, transcript->recent, UINT64_MAX, ret_content);
    if (is_between && event == H1_REQUEST)
        h1_recent_head_note(transcript->recent, engine, &transcript->request, rest->data);
    return event;
}

static inline void transcript_add_trailers(struct transcript *transcript, struct slice section)
{
    struct slice line;
    unsigned count = 0;
    assert(section.length == 0 || transcript->request.body == HTTP_BODY_CHUNKED);
    while (h1_take_line(&section, &line) == H1_HEAD_DONE && line.length > 0) {
        struct http_field field;
        bool is_good = h1_parse_field_line(line, false, &field);
        assert(is_good);
        count++;
    }
    assert(section.length == 0);
    if (count > 0)
        buffer_printf(&transcript->text, "+%u", count);
}

/* Feeds the next bytes, as a connection would: behind what the engine left, in a block that ends where they
 * end. */
static inline void transcript_feed(struct transcript *transcript, struct slice bytes)
{
    size_t length = transcript->kept_length + bytes.length;
    char *block = malloc(length + (length == 0));
    assert(block != NULL);
    if (transcript->kept_length)
        memcpy(block, transcript->kept, transcript->kept_length);
    if (bytes.length)
        memcpy(block + transcript->kept_length, bytes.data, bytes.length);
    free(transcript->kept);
    const struct slice input = slice_make(block, length);
    struct slice rest = input;
    for (;;) {
        struct slice content = {0};
        size_t length_before = rest.length;
        enum h1_event event = transcript_next(transcript, &rest, &content);
        assert(rest.length <= length_before && rest.data + rest.length == input.data + input.length);
        if (event == H1_MORE)
            break;
        if (event == H1_CONTENT) {
            transcript_add_content(transcript, content, input);
            continue;
        }
        transcript_close_content(transcript);
        transcript->in_message = event == H1_REQUEST || (event == H1_ERROR && transcript->in_message);
        if (event == H1_REQUEST) {
            transcript_add_request(transcript, input);
        } else if (event == H1_END) {
            assert(transcript->request.body != HTTP_BODY_LENGTH ||
                   transcript->content_bytes == transcript->request.content_length);
            buffer_append(&transcript->text, SLICE(" ."));
            transcript_add_trailers(transcript, content);
        } else {
            assert(event == H1_ERROR && transcript->engine.status >= 400 && transcript->engine.status < 600);
            transcript_check_refused(transcript, input);
            buffer_printf(&transcript->text, " !%u", transcript->engine.status);
        }
    }
    /* What it waits with is the beginning of a head or of trailers, and nothing else. */
    assert(rest.length == 0 || transcript->engine.state == H1_STATE_HEAD ||
           transcript->engine.content.state >= H1_CONTENT_STATE_TRAILER_START);
    assert(rest.length <= transcript->engine.limits->head_bytes);
    transcript->kept_length = rest.length;
    transcript->kept = malloc(rest.length + (rest.length == 0));
    assert(transcript->kept != NULL);
    if (rest.length)
        memcpy(transcript->kept, rest.data, rest.length);
    free(block);
}

/* The whole text; valid until transcript_finish. */
static inline struct slice transcript_end(struct transcript *transcript)
{
    transcript_close_content(transcript);
    if (transcript->engine.state != H1_STATE_DEAD && h1_is_inside(&transcript->engine))
        buffer_append(&transcript->text, SLICE(" ~"));
    assert(!transcript->text.failed);
    struct slice text = buffer_slice(&transcript->text);
    return text.length ? slice_skip(text, 1) : text;
}

#endif
