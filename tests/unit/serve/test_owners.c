/* Handlers know no wire: the same requests are answered over several owners of exchanges, HTTP/1, HTTP/2, and
 * one of this test that writes no bytes at all, and what they were told must be the same: status, headers and
 * content. */
#include "tests/unit/server_builder.h"

#ifdef HAVE_HTTP2
#include "tests/unit/h2_pair.h"
#endif

#include "front/h1_exchange.h"
#include "front/h1_session.h"
#include "h1/response_parser.h"
#include "handlers/handlers.h"
#include "serve/dispatch.h"

/* A response in a form of its own: "STATUS\nname: value\n...\n\ncontent". Framing, which only HTTP/1 has, and
 * the date are not in it. */
struct outcome_text {
    struct buffer text;
    unsigned interims;
};

static void put_text(struct buffer *out, const char *text)
{
    buffer_append(out, slice_from(text));
}

static void put_status(struct buffer *out, int status)
{
    char digits[16];
    buffer_append(out, slice_make(digits, (size_t)snprintf(digits, sizeof(digits), "%d\n", status)));
}

static bool is_of_the_wire(struct slice name)
{
    static const char *const names[] = {"Date", "Connection", "Content-Length", "Transfer-Encoding"};
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        if (slice_equal_nocase(name, slice_from(names[i])))
            return true;
    }
    return false;
}

static void put_field(struct buffer *out, struct slice name, struct slice value)
{
    if (is_of_the_wire(name))
        return;
    /* In lower case, as HTTP/2 has them. */
    for (size_t i = 0; i < name.length; i++)
        buffer_append_byte(out, ascii_lower(name.data[i]));
    put_text(out, ": ");
    buffer_append(out, value);
    put_text(out, "\n");
}

static void put_segment(struct buffer *out, const struct segment *segment)
{
    if (segment->data) {
        buffer_append(out, slice_make(segment->data, segment->length));
        return;
    }
    char *bytes = malloc(segment->length);
    assert_non_null(bytes);
    assert_int_equal(pread(segment->fd, bytes, segment->length, segment->offset), segment->length);
    buffer_append(out, slice_make(bytes, segment->length));
    free(bytes);
}

/* ---- an upload, for both ---- */

static struct sink upload_sink;
static uint64_t uploaded;

static void upload_write(struct sink *sink, struct slice bytes)
{
    uploaded += bytes.length;
    sink->credit += bytes.length;
}

static void upload_end(struct sink *sink)
{
    struct exchange *exchange = sink->exchange;
    exchange_begin_response(exchange, 201);
    exchange_respond_bytes(exchange, SLICE("text/plain"), uploaded == 10 ? SLICE("ten") : SLICE("other"));
}

static void upload_abort(struct sink *sink, enum outcome why)
{
    (void)sink, (void)why;
}

static const struct sink_type upload_type = {.write = upload_write, .end = upload_end, .abort = upload_abort};

static void upload_handle(struct exchange *exchange)
{
    uploaded = 0;
    exchange_begin_response(exchange, 103);
    http_response_add(&exchange->response, SLICE("Link"), SLICE("</a.css>"));
    exchange_send_interim(exchange);
    upload_sink = (struct sink){.type = &upload_type, .exchange = exchange, .credit = 4};
    exchange_read_content(exchange, &upload_sink);
}

/* ---- the owner without a wire ---- */

struct plain_owner {
    struct list exchanges;
    struct outcome_text *out;
};

static struct plain_owner *plain_owner; /* there is one at a time */

static void plain_respond(struct exchange *exchange, struct http_kept_head *keep)
{
    struct buffer *out = &plain_owner->out->text;
    (void)keep; /* this owner keeps none, so a file is responded to with all its fields each time */
    put_status(out, exchange->response.status);
    for (unsigned i = 0; i < exchange->response.field_count; i++)
        put_field(out, exchange->response.fields[i].name, exchange->response.fields[i].value);
    put_text(out, "\n");
}

static void plain_interim(struct exchange *exchange)
{
    assert_int_equal(exchange->response.status, 103);
    plain_owner->out->interims++;
}

static void plain_progress(void *owner)
{
    (void)owner;
}

static void plain_job(void *owner, struct exchange *exchange)
{
    (void)owner, (void)exchange; /* done by plain_work */
}

static const struct exchange_events plain_events = {
    .on_respond = plain_respond,
    .on_interim = plain_interim,
    .on_progress = plain_progress,
    .on_job = plain_job,
};

static void plain_work(struct exchange *exchange)
{
    while (exchange->is_busy) {
        exchange->queued.job.work(&exchange->queued.job);
        exchange->queued.job.done(&exchange->queued.job);
    }
}

static void plain_pull(struct exchange *exchange, struct buffer *out)
{
    while (exchange->source) {
        struct segment segment;
        switch (source_next(exchange->source, 1000, &segment)) {
        case SOURCE_GIVEN:
            assert_true(segment.length > 0 && segment.length <= 1000);
            put_segment(out, &segment);
            break;
        case SOURCE_END: return;
        case SOURCE_WAIT:
            assert_true(exchange->is_busy);
            plain_work(exchange);
            break;
        case SOURCE_FAILED: fail_msg("the source failed");
        }
    }
}

static void plain_push(struct exchange *exchange, struct slice content)
{
    while (content.length > 0 && exchange->sink) {
        struct slice piece = slice_take(content, MIN(content.length, (size_t)exchange->sink->credit));
        assert_true(piece.length > 0);
        exchange->sink->credit -= piece.length;
        exchange->sink->type->write(exchange->sink, piece);
        content = slice_skip(content, piece.length);
    }
    exchange_end_content(exchange);
}

/* The request is parsed as HTTP/1 only since a test is written so most easily. */
static void ask_plain(struct world *world, const char *text, struct outcome_text *out)
{
    struct service *service = &world->server->service;
    struct plain_owner owner = {.out = out};
    static const struct peer peer = {.family = AF_INET};
    struct slice input = slice_from(text), content;
    struct h1 engine;
    list_init(&owner.exchanges);
    plain_owner = &owner;
    h1_init(&engine, &world->server->front.h1_sessions.limits);
    assert_true(exchange_has_spare(service));
    assert_int_equal(h1_next(&engine, &input, &service->spare->request, &content), H1_REQUEST);
    struct exchange *exchange = exchange_begin(service, &owner, &plain_events, &peer, &owner.exchanges);
    dispatch_route(exchange);
    exchange->has_content_left = exchange->request.body != HTTP_BODY_NONE;
    exchange->streams_content = exchange->has_content_left && dispatch_streams_content(exchange);
    if (exchange->streams_content || !exchange->has_content_left)
        dispatch_answer(exchange);
    if (exchange->has_content_left) {
        plain_push(exchange, input);
        if (!exchange->streams_content)
            dispatch_answer(exchange);
    }
    plain_work(exchange);
    assert_true(exchange->is_responded);
    plain_pull(exchange, &out->text);
    exchange->is_sent = true;
    (void)dispatch_end_sent(&owner.exchanges);
    assert_true(list_is_empty(&owner.exchanges));
}

/* ---- HTTP/1 ---- */

static void h1_progress(void *owner)
{
    (void)owner;
}

static const struct exchange_events h1_events = {
    .on_respond = h1_exchange_respond,
    .on_respond_kept = h1_exchange_respond_kept,
    .on_interim = h1_exchange_interim,
    .on_progress = h1_progress,
    .on_job = plain_job,
};

static void work_all(struct list *exchanges)
{
    LIST_FOREACH(link, exchanges)
        plain_work(CONTAINER_OF(link, struct exchange, link));
}

/* The session is no connection's. */
static const struct peer *anybody(const struct h1_session *session)
{
    static const struct peer peer = {.family = AF_INET};
    (void)session;
    return &peer;
}

/* The bytes of the response to one request. */
static void ask_bytes(struct world *world, const char *text, struct buffer *out)
{
    struct h1_sessions all = world->server->front.h1_sessions;
    struct h1_session session;
    struct slice input = slice_from(text);
    all.events = &h1_events;
    all.on_request = NULL;
    all.on_content = NULL;
    all.peer = anybody;
    h1_session_init(&session, &all);
    enum h1_gathered gathered;
    do {
        enum h1_session_parsed parsed = h1_session_parse(&session, &input);
        (void)parsed;
        assert_true(h1_session_keep(&session, input));
        work_all(&session.exchanges);
        struct segment segments[16];
        struct h1_output output = {.segments = segments, .count_max = ARRAY_LENGTH(segments)};
        gathered = h1_exchange_gather(&session.exchanges, &output);
        for (size_t i = 0; i < output.count; i++)
            put_segment(out, &output.segments[i]);
        (void)dispatch_end_sent(&session.exchanges);
    } while (!list_is_empty(&session.exchanges));
    assert_true(gathered == H1_GATHERED_ALL || gathered == H1_GATHERED_LAST);
    input_clear(&session.input);
}

static void ask_h1(struct world *world, const char *text, struct outcome_text *out)
{
    struct buffer bytes;
    struct h1_response_parser parser;
    struct http_response_head head;
    buffer_init(&bytes, SIZE_MAX);
    ask_bytes(world, text, &bytes);
    h1_response_init(&parser, &world->server->front.h1_sessions.limits);
    h1_response_expect(&parser, text[0] == 'H' ? HTTP_METHOD_HEAD : HTTP_METHOD_GET);
    struct slice input = buffer_slice(&bytes), content;
    for (;;) {
        switch (h1_response_next(&parser, &input, &head, &content)) {
        case H1_RESPONSE_INTERIM: out->interims++; break;
        case H1_RESPONSE_HEAD:
            put_status(&out->text, head.status);
            for (unsigned i = 0; i < head.field_count; i++)
                put_field(&out->text, head.fields[i].name_text, head.fields[i].value);
            put_text(&out->text, "\n");
            break;
        case H1_RESPONSE_CONTENT: buffer_append(&out->text, content); break;
        case H1_RESPONSE_END: buffer_finish(&bytes); return;
        case H1_RESPONSE_MORE:
        case H1_RESPONSE_BAD: fail_msg("no whole response: %.*s", SLICE_ARGS(buffer_slice(&bytes)));
        }
    }
}

/* ---- HTTP/2 ---- */

#ifdef HAVE_HTTP2

/* Headers of HTTP/1 that have no place here, or one of their own. */
static bool is_translated(struct slice name)
{
    return slice_equal_nocase(name, SLICE("Host"));
}

static void put_lines(struct buffer *out, struct slice lines)
{
    struct slice line;
    while (lines.length > 0 && slice_next(&lines, '\n', &line)) {
        if (line.length == 0)
            continue;
        size_t end = slice_find(line, ':');
        put_field(out, slice_take(line, end), slice_skip(line, end + 2));
    }
}

static void ask_h2(struct world *world, const char *text, struct outcome_text *out)
{
    static struct h2_pair pair;
    struct h1 engine;
    struct http_field fields[16];
    struct http_request request = {.fields = fields, .fields_max = ARRAY_LENGTH(fields)};
    struct slice input = slice_from(text), content;
    nghttp2_nv headers[20];
    size_t count = 0;
    h1_init(&engine, &world->server->front.h1_sessions.limits);
    assert_int_equal(h1_next(&engine, &input, &request, &content), H1_REQUEST);
    headers[count++] = h2_client_header(SLICE(":method"), request.method_text);
    headers[count++] = h2_client_header(SLICE(":scheme"), SLICE("http"));
    headers[count++] = h2_client_header(SLICE(":authority"), request.host);
    headers[count++] = h2_client_header(SLICE(":path"), request.target);
    for (unsigned i = 0; i < request.field_count; i++) {
        if (!is_translated(fields[i].name_text))
            headers[count++] = h2_client_header(fields[i].name_text, fields[i].value);
    }
    h2_pair_init_events(&pair, world);
    h2_pair_start(&pair, 65535);
    struct h2_client_stream *stream =
        h2_client_ask(&pair.client, headers, count, request.body ? input : (struct slice){0});
    h2_pair_talk(&pair);
    assert_true(stream->has_ended && stream->is_closed);
    assert_int_equal(stream->code, 0);
    out->interims = stream->interims;
    put_status(&out->text, stream->status);
    put_lines(&out->text, buffer_slice(&stream->fields));
    put_text(&out->text, "\n");
    buffer_append(&out->text, buffer_slice(&stream->content));
    h2_pair_finish(&pair);
}

#endif

/* ---- the suite ---- */

#define REST "Host: x\r\n"
#define END  "\r\n"

static const struct row {
    const char *request;
    int status;
    const char *has; /* somewhere in the response; NULL: anything */
} rows[] = {
    {"GET /small HTTP/1.1\r\n" REST END, 200, "Accept-Ranges: bytes"},
    {"HEAD /small HTTP/1.1\r\n" REST END, 200, "ETag: "},
    {"GET /big HTTP/1.1\r\n" REST END, 200, "Last-Modified: "},
    {"GET /empty HTTP/1.1\r\n" REST END, 200, NULL},
    {"OPTIONS /small HTTP/1.1\r\n" REST END, 204, "Allow: GET, HEAD, OPTIONS"},
    {"OPTIONS * HTTP/1.1\r\n" REST END, 204, "Allow: "},
    {"GET /big HTTP/1.1\r\n" REST "Range: bytes=10-19\r\n" END, 206, "Content-Range: bytes 10-19/300000"},
    {"GET /big HTTP/1.1\r\n" REST "Range: bytes=-5\r\n" END, 206,
     "Content-Range: bytes 299995-299999/300000"},
    {"GET /big HTTP/1.1\r\n" REST "Range: bytes=0-1,5-9\r\n" END, 206, "multipart/byteranges"},
    {"GET /small HTTP/1.1\r\n" REST "Range: bytes=5000-\r\n" END, 416, "Content-Range: bytes */1000"},
    {"GET /small HTTP/1.1\r\n" REST "If-None-Match: *\r\n" END, 304, "ETag: "},
    {"GET /small HTTP/1.1\r\n" REST "If-Match: \"no\"\r\n" END, 412, "page of an error"},
    {"GET /small HTTP/1.1\r\n" REST "If-Modified-Since: Sun, 06 Nov 2044 08:49:37 GMT\r\n" END, 304, NULL},
    {"GET /text.js HTTP/1.1\r\n" REST "Accept-Encoding: br\r\n" END, 200, "Content-Encoding: br"},
    {"GET /text.js HTTP/1.1\r\n" REST END, 200, "Vary: Accept-Encoding"},
    {"GET /none HTTP/1.1\r\n" REST END, 404, "Content-Security-Policy: "},
    {"GET /none HTTP/1.1\r\n" REST "Accept: application/json\r\n" END, 404, "\"status\""},
    {"POST /small HTTP/1.1\r\n" REST "Content-Length: 3\r\n\r\nabc", 405, "Allow: GET, HEAD, OPTIONS"},
    {"BREW /small HTTP/1.1\r\n" REST END, 501, NULL},
    {"GET /folder HTTP/1.1\r\n" REST END, 301, "Location: /folder/"},
    {"GET /folder/ HTTP/1.1\r\n" REST END, 200, "text/html"},
    {"GET /folder/ HTTP/1.1\r\n" REST "Accept: application/json\r\n" END, 200, "\"entries\""},
    {"GET /old/a%20b?c=d HTTP/1.1\r\n" REST END, 308, "Location: https://example.com/a%20b?c=d"},
    {"GET /fixed HTTP/1.1\r\n" REST END, 418, "X-Kind: teapot"},
    {"GET /fixed HTTP/1.1\r\n" REST "Origin: https://a.example\r\n" END, 418,
     "Access-Control-Allow-Origin: *"},
    {"PUT /upload HTTP/1.1\r\n" REST "Content-Length: 10\r\n\r\n0123456789", 201, "ten"},
    {"PUT /upload HTTP/1.1\r\n" REST "Content-Length: 4\r\n\r\n0123", 201, "other"},
};

static void add_routes(struct world *world)
{
    static struct error_page pages[] = {{.status = 412, .path = SLICE("error.html")}};
    static struct field_edit edits[] = {{.name = SLICE("X-Kind"), .value = SLICE("teapot")}};
    static struct slice anybody = SLICE("*");
    world->routes[0].files.error_pages = pages;
    world->routes[0].files.error_page_count = 1;
    world->routes[1] = (struct route){
        .prefix = SLICE("/old"),
        .kind = ROUTE_REDIRECT,
        .redirect = {.status = 308, .location = SLICE("https://example.com{path}{query}")},
    };
    world->routes[2] = (struct route){
        .prefix = SLICE("/fixed"),
        .kind = ROUTE_RESPOND,
        .respond = {.status = 418, .type = SLICE("text/plain"), .body = SLICE("short and stout")},
        .field_edits = edits,
        .field_edit_count = 1,
        .cors_origins = &anybody,
        .cors_origin_count = 1,
    };
    world->routes[3] = (struct route){.prefix = SLICE("/upload"), .kind = ROUTE_RESPOND};
    world->site.route_count = 4;
}

/* Uploads and the configured response are of one kind of route. */
static void respond_or_upload(struct exchange *exchange)
{
    if (exchange->route_entry->route->respond.status)
        fixed_handler.handle(exchange);
    else
        upload_handle(exchange);
}

static const struct handler_type both = {.handle = respond_or_upload, .streams_content = true};

static void prepare(struct world *world)
{
    world_init(world);
    add_routes(world);
    world_add_file(world, "small", 1000);
    world_add_file(world, "big", 300000);
    world_add_file(world, "empty", 0);
    world_add_file(world, "text.js", 100);
    world_add_file(world, "text.js.br", 50);
    world_add_file(world, "error.html", 0);
    tree_add_folder(&world->tree, "folder");
    world_add_file(world, "folder/a file", 10);
    int fd = openat(world->tree.fd, "error.html", O_WRONLY | O_CLOEXEC);
    assert_int_equal(write(fd, "page of an error", 16), 16);
    close(fd);
    tree_date(&world->tree, "error.html", 1000000000);
    world_start(world);
    world->server->service.handlers[ROUTE_RESPOND] = (struct handler){.type = &both};
}

#define BOUNDARY "boundary="

/* As a string, with what separates parts, which is another each time, written over. */
static void end_text(struct buffer *text)
{
    char boundary[64];
    buffer_append_byte(text, '\0');
    char *at = strstr(text->data, BOUNDARY);
    if (at == NULL)
        return;
    at += strlen(BOUNDARY);
    size_t length = strcspn(at, "\n");
    assert_true(length < sizeof(boundary));
    memcpy(boundary, at, length);
    char *end = text->data + text->length;
    while (at) {
        memset(at, '-', length);
        at = memmem(at, (size_t)(end - at), boundary, length);
    }
}

static void assert_same(const char *request, const struct outcome_text *plain, struct outcome_text *other,
                        const char *protocol)
{
    end_text(&other->text);
    if (!slice_equal(buffer_slice(&plain->text), buffer_slice(&other->text)))
        fail_msg("%sis answered\n%.600s\nand over %s\n%.600s", request, plain->text.data, protocol,
                 other->text.data);
    assert_int_equal(plain->interims, other->interims);
    buffer_finish(&other->text);
}

static void all_owners_are_told_the_same(void **state)
{
    (void)state;
    struct world world;
    prepare(&world);
    for (int round = 0; round < 2; round++) { /* the second time from the cache, and with kept heads */
        TABLE_ROWS(i, rows, rows[i].request) {
            const struct row *row = &rows[i];
            struct outcome_text plain = {0}, h1 = {0};
            buffer_init(&plain.text, SIZE_MAX);
            buffer_init(&h1.text, SIZE_MAX);
            ask_plain(&world, row->request, &plain);
            ask_h1(&world, row->request, &h1);
            end_text(&plain.text);
            if (atoi(plain.text.data) != row->status || (row->has && !strcasestr(plain.text.data, row->has)))
                fail_msg("%sis answered %.600s", row->request, plain.text.data);
            assert_same(row->request, &plain, &h1, "HTTP/1");
#ifdef HAVE_HTTP2
            struct outcome_text h2 = {0};
            buffer_init(&h2.text, SIZE_MAX);
            ask_h2(&world, row->request, &h2);
            assert_same(row->request, &plain, &h2, "HTTP/2");
#endif
            buffer_finish(&plain.text);
        }
    }
    world_finish(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_owners_are_told_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
