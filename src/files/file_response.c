/* From a file to a response. The plain response to a plain request is in file_head.c; this file handles
 * conditional requests and ranges: RFC 9110 sections 13 and 14. */
#include "files/file_response.h"

#include "files/file_head.h"
#include "files/file_source.h"
#include "files/file_type.h"
#include "files/files.h"
#include "http/condition.h"
#include "http/range.h"
#include "serve/service.h"
#include "sys/clock.h"

#include <stdio.h>

/* 128 random bits: a boundary that does not occur in the content. */
#define BOUNDARY_LENGTH 32

/* The maximum length of "bytes 0-1/2". */
#define CONTENT_RANGE_BYTES_MAX 80

static bool has_conditions(const struct http_request *request)
{
    return http_request_has(request, HTTP_FIELD_IF_NONE_MATCH) ||
           http_request_has(request, HTTP_FIELD_IF_MODIFIED_SINCE) ||
           http_request_has(request, HTTP_FIELD_IF_MATCH) ||
           http_request_has(request, HTTP_FIELD_IF_UNMODIFIED_SINCE);
}

/* 1991-01-01. Reproducible builds date their files 1970, 1980 or 1985. */
#define FIRST_CREDIBLE_SECONDS INT64_C(662688000)

/* For a date in the future the current time was sent, which is no validator. A date before the web existed
 * is artificial, and may be the same for all versions of the file. */
static struct http_validators validators_of(const struct file *file, int64_t now)
{
    const struct file_status *status = &file->status;
    return (struct http_validators){
        .etag = file_etag(file),
        .last_modified = status->modified_seconds > now ? HTTP_DATE_NONE : status->modified_seconds,
        .date_is_weak = status->modified_seconds < FIRST_CREDIBLE_SECONDS,
        .exists = true,
    };
}

/* A 304 has the headers that a cache needs to update its copy, and no content (RFC 9110 section 15.4.5). */
static void respond_not_modified(struct exchange *exchange)
{
    char date[HTTP_DATE_LENGTH];
    exchange_begin_response(exchange, 304);
    file_add_validators(exchange, exchange->file, date);
    exchange_respond(exchange, NULL);
}

/* A 412 has the same headers, and error content, for which it may have to wait; so `date` must be in the
 * arena. */
static void respond_precondition_failed(struct exchange *exchange)
{
    char *date = arena_alloc(&exchange->arena, HTTP_DATE_LENGTH);
    if (date == NULL) {
        exchange_fail(exchange, 503);
        return;
    }
    exchange_begin_response(exchange, 412);
    file_add_validators(exchange, exchange->file, date);
    exchange_respond_error(exchange);
}

static size_t format_content_range(char *out, struct http_range range, uint64_t size)
{
    return (size_t)snprintf(out, CONTENT_RANGE_BYTES_MAX, "bytes %llu-%llu/%llu",
                            (unsigned long long)range.first, (unsigned long long)range.last,
                            (unsigned long long)size);
}

static void respond_unsatisfiable(struct exchange *exchange)
{
    char *text = arena_alloc(&exchange->arena, CONTENT_RANGE_BYTES_MAX);
    exchange_begin_response(exchange, 416);
    if (text) {
        int length = snprintf(text, CONTENT_RANGE_BYTES_MAX, "bytes */%llu",
                              (unsigned long long)exchange->file->status.size);
        exchange_add_field(exchange, HTTP_FIELD_CONTENT_RANGE, slice_make(text, (size_t)length));
    }
    exchange_respond_error(exchange);
}

static void respond_one_range(struct exchange *exchange, struct http_range range)
{
    struct file *file = exchange->file;
    char *text = arena_alloc(&exchange->arena, CONTENT_RANGE_BYTES_MAX);
    if (text == NULL) {
        exchange_fail(exchange, 503);
        return;
    }
    char date[HTTP_DATE_LENGTH];
    exchange_begin_response(exchange, 206);
    file_add_fields(exchange, file, date);
    size_t length = format_content_range(text, range, file->status.size);
    exchange_add_field(exchange, HTTP_FIELD_CONTENT_RANGE, slice_make(text, length));
    exchange_respond(exchange, source_of_file(exchange, range.first, http_range_length(range)));
}

static void make_boundary(char out[BOUNDARY_LENGTH])
{
    static const char digits[] = "0123456789abcdef";
    unsigned char chance[BOUNDARY_LENGTH / 2];
    sys_random(chance, sizeof(chance));
    for (size_t i = 0; i < sizeof(chance); i++) {
        out[2 * i] = digits[chance[i] >> 4];
        out[2 * i + 1] = digits[chance[i] & 15];
    }
}

/* Formats text around the boundary, in the arena; data is NULL if memory runs out. */
static struct slice PRINTF_LIKE(2, 0)
    format(struct exchange *exchange, const char *pattern, struct slice boundary)
{
    char text[128];
    int length = snprintf(text, sizeof(text), pattern, SLICE_ARGS(boundary));
    return arena_copy(&exchange->arena, slice_make(text, (size_t)length));
}

/* The head of a part: RFC 9110 section 14.6. */
static struct slice part_head(struct exchange *exchange, struct slice boundary, struct http_range range)
{
    char text[512];
    char content_range[CONTENT_RANGE_BYTES_MAX];
    const struct file *file = exchange->file;
    struct slice type = file_type_of(files_settings_of(exchange), file_path(file), &exchange->arena);
    format_content_range(content_range, range, exchange->file->status.size);
    int length = snprintf(text, sizeof(text), "\r\n--%.*s\r\nContent-Type: %.*s\r\nContent-Range: %s\r\n\r\n",
                          SLICE_ARGS(boundary), SLICE_ARGS(type), content_range);
    return arena_copy(&exchange->arena, slice_make(text, MIN((size_t)length, sizeof(text) - 1)));
}

static void respond_ranges(struct exchange *exchange, const struct http_range *ranges, size_t count)
{
    struct segment *parts = arena_alloc(&exchange->arena, (2 * count + 1) * sizeof(*parts));
    char text[BOUNDARY_LENGTH];
    make_boundary(text);
    struct slice boundary = slice_make(text, sizeof(text));
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        struct slice head = part_head(exchange, boundary, ranges[i]);
        if (head.data == NULL || parts == NULL) {
            exchange_fail(exchange, 503);
            return;
        }
        parts[used++] = segment_memory(head);
        parts[used++] = file_segment(exchange->file, ranges[i].first, http_range_length(ranges[i]));
    }
    struct slice end = format(exchange, "\r\n--%.*s--\r\n", boundary);
    struct slice type = format(exchange, "multipart/byteranges; boundary=%.*s", boundary);
    if (end.data == NULL || type.data == NULL) {
        exchange_fail(exchange, 503);
        return;
    }
    parts[used++] = segment_memory(end);
    char date[HTTP_DATE_LENGTH];
    exchange_begin_response(exchange, 206);
    file_add_fields(exchange, exchange->file, date);
    http_response_remove(&exchange->response, http_field_text(HTTP_FIELD_CONTENT_TYPE));
    exchange_add_field(exchange, HTTP_FIELD_CONTENT_TYPE, type);
    exchange_respond(exchange, source_of_file_parts(exchange, parts, used));
}

/* Returns true if the request's Range header was answered, false if it is absent or ignored. */
static bool respond_to_range(struct exchange *exchange, const struct http_validators *validators, int64_t now)
{
    const struct http_request *request = &exchange->request;
    /* Two Range lines are ambiguous. */
    if (request->method != HTTP_METHOD_GET || http_request_count(request, HTTP_FIELD_RANGE) != 1 ||
        !http_if_range_holds(request, validators, now))
        return false;
    struct http_range ranges[HTTP_RANGES_MAX];
    size_t count = HTTP_RANGES_MAX;
    struct slice value = http_request_field(request, HTTP_FIELD_RANGE);
    switch (http_range_parse(value, exchange->file->status.size, ranges, &count)) {
    case HTTP_RANGE_IGNORE: return false;
    case HTTP_RANGE_UNSATISFIABLE: respond_unsatisfiable(exchange); return true;
    case HTTP_RANGE_SATISFIABLE: break;
    }
    if (count == 1)
        respond_one_range(exchange, ranges[0]);
    else
        respond_ranges(exchange, ranges, count);
    return true;
}

void file_respond(struct exchange *exchange, struct file *file)
{
    const struct http_request *request = &exchange->request;
    exchange->file = file;
    bool is_plain = !http_request_has(request, HTTP_FIELD_RANGE) && !has_conditions(request);
    if (LIKELY(is_plain)) {
        file_respond_plain(exchange);
        return;
    }
    int64_t now = loop_wall_seconds(exchange->service->loop);
    struct http_validators validators = validators_of(file, now);
    switch (http_condition_evaluate(request, &validators, now)) {
    case HTTP_CONDITION_NOT_MODIFIED: respond_not_modified(exchange); return;
    case HTTP_CONDITION_FAILED: respond_precondition_failed(exchange); return;
    case HTTP_CONDITION_PASS: break;
    }
    if (!respond_to_range(exchange, &validators, now))
        file_respond_plain(exchange);
}

void file_respond_as_error(struct exchange *exchange, struct file *file)
{
    /* The file that was requested: headers of the response may point into it. */
    struct file *former = exchange->file;
    exchange->file = file;
    file_add_type(exchange, file);
    exchange_add_field(exchange, HTTP_FIELD_VARY,
                       file_is_negotiated(file) ? SLICE("Accept, Accept-Encoding") : SLICE("Accept"));
    exchange_respond(exchange, source_of_file(exchange, 0, file->status.size));
    file_unref(former);
}
