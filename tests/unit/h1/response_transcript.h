/* What the client's HTTP/1 engine makes of some bytes, written down as one line of text; see transcript.h,
 * its counterpart for requests. Used by unit tests and by the fuzzer.
 *
 *   200              an answer, and behind it only what is not the default:
 *     :1.0 :close    version, persistence
 *     :5 :chunked :until-close :none :tunnel    how its content ends; :5/none where a length is told but
 * empty
 *     :+3            fields besides Content-Length and Transfer-Encoding
 *   (103)            an interim response
 *   [bytes]          content, in one piece
 *   .                the end of an answer
 *   !                refused
 *   ~                the input ended inside an answer */
#ifndef TESTS_UNIT_H1_ANSWER_TRANSCRIPT_H
#define TESTS_UNIT_H1_ANSWER_TRANSCRIPT_H

#include "base/buffer.h"
#include "h1/response_parser.h"
#include "http/status.h"

#include <stdlib.h>

struct answer_transcript {
    struct h1_response_parser engine;
    struct http_response_head head;
    enum http_method method; /* of every request */
    struct buffer text;
    char *kept; /* what the engine left of the input so far; allocated to its exact size */
    size_t kept_length;
    uint64_t content_bytes;
    bool in_content;
};

static inline void answer_transcript_init(struct answer_transcript *transcript,
                                          const struct h1_limits *limits, enum http_method method)
{
    *transcript = (struct answer_transcript){.method = method};
    h1_response_init(&transcript->engine, limits);
    h1_response_expect(&transcript->engine, method);
    buffer_init(&transcript->text, (size_t)1 << 24);
}

static inline void answer_transcript_finish(struct answer_transcript *transcript)
{
    free(transcript->kept);
    buffer_finish(&transcript->text);
}

static inline void answer_check_slice(struct slice slice, struct slice input)
{
    assert(slice.data >= input.data && slice.data + slice.length <= input.data + input.length);
}

/* What every head must be, whatever it was made of. */
static inline void answer_check_head(const struct answer_transcript *transcript, struct slice input)
{
    const struct http_response_head *head = &transcript->head;
    const struct h1_limits *limits = transcript->engine.limits;
    unsigned counts[HTTP_FIELD_NAME_COUNT] = {0};
    assert(head->status >= 100 && head->status <= 999 && head->version_minor <= 1);
    assert(head->field_count <= limits->fields && head->field_count <= HTTP_RESPONSE_FIELDS_MAX);
    assert(http_is_field_value(head->reason));
    answer_check_slice(head->reason, input);
    for (unsigned i = 0; i < head->field_count; i++) {
        const struct http_field *field = &head->fields[i];
        answer_check_slice(field->name_text, input);
        answer_check_slice(field->value, input);
        assert(http_is_token(field->name_text) && http_is_field_value(field->value));
        assert(slice_equal(slice_trim(field->value), field->value));
        assert(field->name == http_field_lookup(field->name_text));
        if (field->name != HTTP_FIELD_OTHER && counts[field->name]++ == 0)
            assert(head->first[field->name] == i + 1);
    }
    for (unsigned name = 1; name < HTTP_FIELD_NAME_COUNT; name++)
        assert((head->first[name] == 0) == (counts[name] == 0));
    assert(counts[HTTP_FIELD_CONTENT_LENGTH] == 0 || counts[HTTP_FIELD_TRANSFER_ENCODING] == 0);
    assert(head->has_length == (counts[HTTP_FIELD_CONTENT_LENGTH] > 0));
    assert(head->body != HTTP_RESPONSE_BODY_LENGTH || head->content_length <= limits->body_bytes);
    assert(head->body != HTTP_RESPONSE_BODY_CHUNKED || counts[HTTP_FIELD_TRANSFER_ENCODING] > 0);
    assert(!head->keep_alive ||
           (head->body != HTTP_RESPONSE_BODY_UNTIL_CLOSE && head->body != HTTP_RESPONSE_BODY_TUNNEL));
}

static inline void answer_add_body(struct answer_transcript *transcript)
{
    const struct http_response_head *head = &transcript->head;
    struct buffer *text = &transcript->text;
    if (head->has_length)
        buffer_printf(text, ":%llu", (unsigned long long)head->content_length);
    switch (head->body) {
    case HTTP_RESPONSE_BODY_NONE: buffer_printf(text, head->has_length ? "/none" : ":none"); return;
    case HTTP_RESPONSE_BODY_LENGTH: assert(head->has_length); return;
    case HTTP_RESPONSE_BODY_CHUNKED: buffer_printf(text, ":chunked"); return;
    case HTTP_RESPONSE_BODY_UNTIL_CLOSE: buffer_printf(text, ":until-close"); return;
    case HTTP_RESPONSE_BODY_TUNNEL: buffer_printf(text, ":tunnel"); return;
    }
    UNREACHABLE();
}

static inline void answer_add_head(struct answer_transcript *transcript, struct slice input)
{
    const struct http_response_head *head = &transcript->head;
    struct buffer *text = &transcript->text;
    answer_check_head(transcript, input);
    transcript->content_bytes = 0;
    bool may_persist =
        head->body != HTTP_RESPONSE_BODY_UNTIL_CLOSE && head->body != HTTP_RESPONSE_BODY_TUNNEL;
    buffer_printf(text, " %u%s%s", head->status, head->version_minor ? "" : ":1.0",
                  head->keep_alive == (may_persist && head->version_minor > 0) ? ""
                  : head->keep_alive                                           ? ":keep-alive"
                                                                               : ":close");
    answer_add_body(transcript);
    unsigned others = head->field_count - (head->first[HTTP_FIELD_CONTENT_LENGTH] != 0) -
                      (head->first[HTTP_FIELD_TRANSFER_ENCODING] != 0);
    if (others)
        buffer_printf(text, ":+%u", others);
}

static inline void answer_add_content(struct answer_transcript *transcript, struct slice content,
                                      struct slice input)
{
    assert(content.length > 0);
    answer_check_slice(content, input);
    transcript->content_bytes += content.length;
    assert(transcript->content_bytes <= transcript->engine.limits->body_bytes);
    assert(transcript->head.body != HTTP_RESPONSE_BODY_NONE &&
           transcript->head.body != HTTP_RESPONSE_BODY_TUNNEL);
    if (!transcript->in_content)
        buffer_append(&transcript->text, SLICE(" ["));
    buffer_append(&transcript->text, content);
    transcript->in_content = true;
}

static inline void answer_close_content(struct answer_transcript *transcript)
{
    if (transcript->in_content)
        buffer_append(&transcript->text, SLICE("]"));
    transcript->in_content = false;
}

static inline void answer_add_event(struct answer_transcript *transcript, enum h1_response_event event,
                                    struct slice input)
{
    answer_close_content(transcript);
    switch (event) {
    case H1_RESPONSE_INTERIM:
        answer_check_slice(transcript->head.reason, input);
        assert(transcript->head.status < 200);
        buffer_printf(&transcript->text, " (%u)", transcript->head.status);
        return;
    case H1_RESPONSE_HEAD: answer_add_head(transcript, input); return;
    case H1_RESPONSE_END:
        assert(transcript->head.body != HTTP_RESPONSE_BODY_LENGTH ||
               transcript->content_bytes == transcript->head.content_length);
        buffer_append(&transcript->text, SLICE(" ."));
        assert(!h1_response_is_inside(&transcript->engine));
        h1_response_expect(&transcript->engine, transcript->method);
        return;
    case H1_RESPONSE_BAD: buffer_append(&transcript->text, SLICE(" !")); return;
    case H1_RESPONSE_MORE:
    case H1_RESPONSE_CONTENT: break;
    }
    UNREACHABLE();
}

/* Feeds the next bytes, as a connection would: behind what the engine left, in a block that ends where they
 * end. */
static inline void answer_transcript_feed(struct answer_transcript *transcript, struct slice bytes)
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
        enum h1_response_event event =
            h1_response_next(&transcript->engine, &rest, &transcript->head, &content);
        assert(rest.length <= length_before && rest.data + rest.length == input.data + input.length);
        if (event == H1_RESPONSE_MORE)
            break;
        if (event == H1_RESPONSE_CONTENT)
            answer_add_content(transcript, content, input);
        else
            answer_add_event(transcript, event, input);
    }
    /* What it waits with is the beginning of a head, or not its own. */
    enum h1_response_state state = (enum h1_response_state)transcript->engine.state;
    assert(rest.length == 0 || state == H1_RESPONSE_STATE_TUNNEL ||
           (state == H1_RESPONSE_STATE_HEAD && rest.length <= transcript->engine.limits->head_bytes));
    transcript->kept_length = rest.length;
    transcript->kept = malloc(rest.length + (rest.length == 0));
    assert(transcript->kept != NULL);
    if (rest.length)
        memcpy(transcript->kept, rest.data, rest.length);
    free(block);
}

/* The peer closes. Returns the whole text; valid until answer_transcript_finish. */
static inline struct slice answer_transcript_end(struct answer_transcript *transcript)
{
    answer_close_content(transcript);
    if (transcript->engine.state != H1_RESPONSE_STATE_DEAD) {
        enum h1_response_event event = h1_response_close(&transcript->engine, transcript->kept_length);
        assert(event == H1_RESPONSE_END || event == H1_RESPONSE_MORE || event == H1_RESPONSE_BAD);
        if (event != H1_RESPONSE_MORE)
            buffer_append(&transcript->text, event == H1_RESPONSE_END ? SLICE(" .") : SLICE(" ~"));
    }
    assert(!transcript->text.failed);
    struct slice text = buffer_slice(&transcript->text);
    return text.length ? slice_skip(text, 1) : text;
}

#endif
