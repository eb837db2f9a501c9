/* The engine of a client against a server whose frames are written by hand: each row is what the server
 * sends, and what the owner of the engine is told of it. */
#include "tests/unit/test.h"

#include "base/buffer.h"
#include "h2/caller.h"

enum {
    DATA = 0,
    HEADERS = 1,
    PRIORITY = 2,
    RST_STREAM = 3,
    SETTINGS = 4,
    PUSH_PROMISE = 5,
    PING = 6,
    GOAWAY = 7,
    WINDOW_UPDATE = 8
};
enum { END_STREAM = 1, ACK = 1, END_HEADERS = 4 };

#define WINDOW 65536

/* ---- the owner ---- */

struct owned_call {
    struct h2_call call; /* first */
    struct slice upload; /* what is left to send */
    bool waits;          /* there is more later */
    const struct http_response *trailers;
};

static struct buffer story; /* what the owner was told */
static struct h2_caller_shared *shared;
static struct h2_caller *caller;
static struct buffer sent; /* what the engine has written */
static bool keeps_credit;

static void on_head(void *owner, struct h2_call *call, const struct http_response_head *head, bool is_end)
{
    static const char *const bodies[] = {"none", "length", "open", "close", "tunnel"};
    (void)owner, (void)is_end;
    buffer_printf(&story, "%u:%u %s", call->stream, head->status, bodies[head->body]);
    if (head->has_length)
        buffer_printf(&story, " %llu", (unsigned long long)head->content_length);
    for (unsigned i = 0; i < head->field_count; i++)
        buffer_printf(&story, " %.*s=%.*s", SLICE_ARGS(head->fields[i].name_text),
                      SLICE_ARGS(head->fields[i].value));
    buffer_printf(&story, "\n");
}

static void on_content(void *owner, struct h2_call *call, struct slice bytes)
{
    (void)owner;
    buffer_printf(&story, "%u:\"%.*s\"\n", call->stream,
                  SLICE_ARGS(slice_take(bytes, MIN(bytes.length, 20u))));
    if (!keeps_credit)
        h2_caller_consume(caller, call, bytes.length);
}

static void on_end(void *owner, struct h2_call *call, const struct http_field *trailers, unsigned count)
{
    (void)owner;
    buffer_printf(&story, "%u:end", call->stream);
    for (unsigned i = 0; i < count; i++)
        buffer_printf(&story, " %.*s=%.*s", SLICE_ARGS(trailers[i].name_text), SLICE_ARGS(trailers[i].value));
    buffer_printf(&story, "\n");
}

static void on_closed(void *owner, struct h2_call *call, enum h2_call_end end)
{
    static const char *const ends[] = {"complete", "cancelled", "refused", "reset", "bad"};
    (void)owner;
    buffer_printf(&story, "%u:%s%s%s", call->stream, ends[end], call->fault ? ": " : "",
                  call->fault ? call->fault : "");
    if (end == H2_CALL_RESET)
        buffer_printf(&story, " %s", h2_code_text(call->code));
    buffer_printf(&story, "\n");
}

static enum h2_pulled pull(void *owner, struct h2_call *call, char *room, size_t bytes_max,
                           struct h2_piece *ret_piece)
{
    struct owned_call *owned = (struct owned_call *)call;
    size_t length = MIN(bytes_max, owned->upload.length);
    (void)owner;
    if (length == 0 && owned->waits)
        return H2_PULL_WAIT;
    memcpy(room, owned->upload.data, length);
    owned->upload = slice_skip(owned->upload, length);
    ret_piece->bytes = slice_make(room, length);
    ret_piece->is_last = owned->upload.length == 0 && !owned->waits;
    ret_piece->trailers = owned->trailers;
    return H2_PULLED;
}

static const struct h2_caller_events events = {
    .on_head = on_head,
    .on_content = on_content,
    .on_end = on_end,
    .on_closed = on_closed,
    .pull = pull,
};
static const struct h2_caller_limits limits = {
    .window_bytes = WINDOW, .connection_window_bytes = 16 * WINDOW, .list_bytes = 1 << 16};

static void flush(void)
{
    static char room[3 * H2_FRAME_BYTES_MAX];
    size_t length;
    enum h2_written written;
    do {
        written = h2_caller_write(caller, room, sizeof(room), &length);
        assert_int_not_equal(written, H2_WRITTEN_FAILED);
        buffer_append(&sent, slice_make(room, length));
    } while (written == H2_WRITTEN_FULL);
}

static void begin(struct owned_call *owned, const char *method, bool has_content)
{
    const struct http_response_field fields[] = {
        {SLICE(":method"), slice_from(method)}, {SLICE(":scheme"), SLICE("http")},
        {SLICE(":authority"), SLICE("x")},      {SLICE(":path"), SLICE("/")},
        {SLICE("TE"), SLICE("trailers")},
    };
    const struct h2_request request = {fields, ARRAY_LENGTH(fields), has_content};
    owned->call.head_bytes = 200;
    owned->call.fields = 5;
    owned->call.is_head = strcmp(method, "HEAD") == 0;
    assert_true(h2_caller_begin(caller, &owned->call, &request));
    flush();
}

static void start(void)
{
    buffer_init(&story, SIZE_MAX);
    buffer_init(&sent, SIZE_MAX);
    keeps_credit = false;
    shared = h2_caller_shared_create(&limits, &events);
    caller = h2_caller_create(shared, NULL);
    assert_non_null(caller);
    flush();
}

static void finish(void)
{
    h2_caller_destroy(caller);
    h2_caller_shared_destroy(shared);
    buffer_finish(&story);
    buffer_finish(&sent);
}

/* ---- the server ---- */

static void put_frame(struct buffer *out, unsigned type, unsigned flags, uint32_t stream,
                      struct slice payload)
{
    const char head[9] = {(char)(payload.length >> 16),
                          (char)(payload.length >> 8),
                          (char)payload.length,
                          (char)type,
                          (char)flags,
                          (char)(stream >> 24),
                          (char)(stream >> 16),
                          (char)(stream >> 8),
                          (char)stream};
    buffer_append(out, slice_make(head, sizeof(head)));
    buffer_append(out, payload);
}

/* "name: value\n", each as a header that is not remembered. */
static void put_headers(struct buffer *out, const char *text)
{
    struct slice rest = slice_from(text), line;
    while (slice_next(&rest, '\n', &line)) {
        size_t colon = slice_find(slice_skip(line, 1), ':') + 1;
        struct slice value = slice_skip(line, colon + 2);
        buffer_append_byte(out, 0);
        buffer_append_byte(out, (char)colon);
        buffer_append(out, slice_take(line, colon));
        assert_true(value.length < 127);
        buffer_append_byte(out, (char)value.length);
        buffer_append(out, value);
    }
}

static void receive(unsigned type, unsigned flags, uint32_t stream, struct slice payload)
{
    struct buffer frame;
    buffer_init(&frame, SIZE_MAX);
    put_frame(&frame, type, flags, stream, payload);
    h2_caller_receive(caller, buffer_slice(&frame), 0);
    buffer_finish(&frame);
}

static void receive_headers(unsigned flags, uint32_t stream, const char *text)
{
    struct buffer block;
    buffer_init(&block, SIZE_MAX);
    put_headers(&block, text);
    receive(HEADERS, flags | END_HEADERS, stream, buffer_slice(&block));
    buffer_finish(&block);
}

/* A script: 'S' settings, 'H' headers, 'E' headers that end the stream, 'D' data, 'L' data that ends it,
 * 'R' reset, 'G' GOAWAY, each on stream 1; the payload or headers follow up to '|'. */
static void play(const char *script)
{
    struct slice rest = slice_from(script), step;
    char text[600];
    while (slice_next(&rest, '|', &step)) {
        struct slice payload = slice_skip(step, 1);
        snprintf(text, sizeof(text), "%.*s", SLICE_ARGS(payload));
        switch (step.data[0]) {
        case 'S': receive(SETTINGS, 0, 0, payload); break;
        case 'H': receive_headers(0, 1, text); break;
        case 'E': receive_headers(END_STREAM, 1, text); break;
        case 'D': receive(DATA, 0, 1, payload); break;
        case 'L': receive(DATA, END_STREAM, 1, payload); break;
        case 'R':
            receive(RST_STREAM, 0, 1, slice_make((const char[4]){0, 0, 0, payload.data[0] - '0'}, 4));
            break;
        case 'G':
            receive(GOAWAY, 0, 0, slice_make((const char[8]){0, 0, 0, payload.data[0] - '0'}, 8));
            break;
        case 'P': receive(PUSH_PROMISE, END_HEADERS, 1, SLICE("\0\0\0\2\x82\x86\x84\x01\x01x")); break;
        default: fail();
        }
    }
    flush();
}

#define BAD_HEADER "1:bad: a header of it is not allowed in HTTP/2\n"
#define LONG_VALUE "0123456789012345678901234567890123456789012345678901234567890123456789"

static const struct {
    const char *name;
    const char *method;
    const char *script;
    const char *story;
} responses[] = {
    {"no content", "GET", "S|E:status: 200\na: b", "1:200 length a=b\n1:end\n1:complete\n"},
    {"a length", "GET", "S|H:status: 200\ncontent-length: 5|L12345",
     "1:200 length 5 content-length=5\n1:\"12345\"\n1:end\n1:complete\n"},
    {"no length", "GET", "S|H:status: 200|D123|D45|L",
     "1:200 open\n1:\"123\"\n1:\"45\"\n1:end\n1:complete\n"},
    {"trailers", "GET", "S|H:status: 200|D123|Egrpc-status: 0",
     "1:200 open\n1:\"123\"\n1:end grpc-status=0\n1:complete\n"},
    {"interim", "GET", "S|H:status: 103\nlink: l|H:status: 100|E:status: 204",
     "1:103 none link=l\n1:100 none\n1:204 none\n1:end\n1:complete\n"},
    {"HEAD", "HEAD", "S|E:status: 200\ncontent-length: 5",
     "1:200 none 5 content-length=5\n1:end\n1:complete\n"},
    {"HEAD with content", "HEAD", "S|H:status: 200\ncontent-length: 5|L12345",
     "1:200 none 5 content-length=5\n1:bad: its content is not as long as it says\n"},
    {"too short", "GET", "S|H:status: 200\ncontent-length: 5|L1234",
     "1:200 length 5 content-length=5\n1:\"1234\"\n1:bad: its content is not as long as it says\n"},
    {"too long", "GET", "S|H:status: 200\ncontent-length: 3|D1234",
     "1:200 length 3 content-length=3\n1:bad: its content is not as long as it says\n"},
    {"no content for a length", "GET", "S|E:status: 200\ncontent-length: 3",
     "1:bad: it breaks the rules of HTTP/2 for messages\n"},
    {"two lengths", "GET", "S|H:status: 200\ncontent-length: 3\ncontent-length: 3|L123", BAD_HEADER},
    {"no length at all", "GET", "S|H:status: 200\ncontent-length: x|L123", BAD_HEADER},
    {"Connection", "GET", "S|E:status: 200\nconnection: close", BAD_HEADER},
    {"Transfer-Encoding", "GET", "S|E:status: 200\ntransfer-encoding: chunked", BAD_HEADER},
    {"upper case", "GET", "S|E:status: 200\nA: b", BAD_HEADER},
    {"no status", "GET", "S|Ea: b", "1:bad: it breaks the rules of HTTP/2 for messages\n"},
    {"status 99", "GET", "S|E:status: 099", "1:bad: its status is not one of 100 to 599 that HTTP/2 has\n"},
    {"status 600", "GET", "S|E:status: 600", "1:bad: its status is not one of 100 to 599 that HTTP/2 has\n"},
    {"status 101", "GET", "S|H:status: 101", BAD_HEADER},
    {"an interim response ends it", "GET", "S|E:status: 100",
     "1:bad: it breaks the rules of HTTP/2 for messages\n"},
    {"as long as the limit", "GET",
     "S|E:status: 200\na: " LONG_VALUE "\nb: " LONG_VALUE
     "\nc: 012345678901234567890123456789012345678901234567890123456",
     "1:200 length a=" LONG_VALUE " b=" LONG_VALUE
     " c=012345678901234567890123456789012345678901234567890123456\n1:end\n1:complete\n"},
    {"a byte longer", "GET",
     "S|E:status: 200\na: " LONG_VALUE "\nb: " LONG_VALUE
     "\nc: 0123456789012345678901234567890123456789012345678901234567",
     "1:bad: its head is longer than the limit\n"},
    {"as many headers as the limit", "GET", "S|E:status: 200\na: 1\nb: 1\nc: 1\nd: 1\ne: 1",
     "1:200 length a=1 b=1 c=1 d=1 e=1\n1:end\n1:complete\n"},
    {"one more", "GET", "S|E:status: 200\na: 1\nb: 1\nc: 1\nd: 1\ne: 1\nf: 1",
     "1:bad: it has more headers than the limit\n"},
    {"long trailers", "GET", "S|H:status: 200|Ea: 1\nb: 1\nc: 1\nd: 1\ne: 1\nf: 1",
     "1:200 open\n1:bad: it has more headers than the limit\n"},
    {"refused", "GET", "S|R7", "1:refused\n"},
    {"reset", "GET", "S|R2", "1:reset INTERNAL_ERROR\n"},
    {"reset in the middle", "GET", "S|H:status: 200|D123|R8", "1:200 open\n1:\"123\"\n1:reset CANCEL\n"},
    {"dismissed before", "GET", "S|G0", "1:refused\n"},
    {"dismissed behind", "GET", "S|G1|E:status: 204", "1:204 none\n1:end\n1:complete\n"},
};

static void test_responses(void **state)
{
    (void)state;
    TABLE_ROWS(i, responses, responses[i].name) {
        struct owned_call owned = {0};
        start();
        begin(&owned, responses[i].method, false);
        play(responses[i].script);
        assert_slice(buffer_slice(&story), responses[i].story);
        finish();
    }
}

/* Nothing of what the server sends is longer than a byte. */
static void test_responses_in_bytes(void **state)
{
    (void)state;
    struct buffer frames;
    struct owned_call owned = {0};
    start();
    begin(&owned, "GET", false);
    buffer_init(&frames, SIZE_MAX);
    put_frame(&frames, SETTINGS, 0, 0, SLICE(""));
    put_frame(&frames, HEADERS, END_HEADERS, 1,
              SLICE("\x88\x00\x01"
                    "a\x01"
                    "b"));
    put_frame(&frames, DATA, END_STREAM, 1, SLICE("1"));
    for (size_t i = 0; i < frames.length; i++)
        h2_caller_receive(caller, slice_make(frames.data + i, 1), 0);
    assert_slice(buffer_slice(&story), "1:200 open a=b\n1:\"1\"\n1:end\n1:complete\n");
    buffer_finish(&frames);
    finish();
}

/* ---- connections ---- */

static const struct {
    const char *name;
    const char *script;
    bool is_alone;
} breaches[] = {
    {"no settings", "H:status: 200", true},
    {"a push", "S|P", false},
    {"content before the head", "S|D123", false},
};

static void test_breaches(void **state)
{
    (void)state;
    TABLE_ROWS(i, breaches, breaches[i].name) {
        struct owned_call owned = {0};
        start();
        begin(&owned, "GET", false);
        play(breaches[i].script);
        assert_true(h2_caller_is_over(caller));
        assert_int_equal(h2_caller_is_alone(caller), breaches[i].is_alone);
        assert_int_equal(h2_caller_room(caller), 0);
        finish();
    }
}

/* A server of HTTP/1. */
static void test_answer_of_http_1(void **state)
{
    (void)state;
    struct owned_call owned = {0};
    start();
    begin(&owned, "GET", false);
    h2_caller_receive(caller, SLICE("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"), 0);
    flush();
    assert_true(h2_caller_is_over(caller) && h2_caller_is_alone(caller));
    assert_slice(buffer_slice(&story), "");
    finish();
}

static void flood(unsigned type, unsigned flags, uint32_t stream, struct slice payload, unsigned at_once)
{
    struct owned_call owned = {0};
    start();
    begin(&owned, "GET", false);
    play("S");
    for (unsigned i = 0; i < at_once; i++)
        receive(type, flags, stream, payload);
    flush();
    assert_false(h2_caller_is_over(caller));
    receive(type, flags, stream, payload);
    flush();
    assert_true(h2_caller_is_over(caller));
    assert_non_null(h2_caller_fault(caller));
    finish();
}

static void test_floods(void **state)
{
    (void)state;
    flood(PING, 0, 0, SLICE("12345678"), 100);
    flood(SETTINGS, 0, 0, SLICE(""), 31);
    flood(PRIORITY, 0, 1, SLICE("\0\0\0\0\1"), 1000);
    flood(WINDOW_UPDATE, 0, 1, SLICE("\0\0\0\1"), 4000);
}

/* More than that is refused by the engine itself, not by the server. */
static void test_room(void **state)
{
    (void)state;
    struct owned_call first = {0}, second = {0};
    start();
    assert_int_equal(h2_caller_room(caller), 1);
    receive(SETTINGS, 0, 0, SLICE("\0\3\0\0\0\2"));
    assert_true(h2_caller_is_introduced(caller));
    assert_int_equal(h2_caller_room(caller), 2);
    begin(&first, "GET", false);
    begin(&second, "GET", false);
    assert_int_equal(h2_caller_room(caller), 0);
    play("E:status: 204");
    assert_int_equal(h2_caller_room(caller), 1);
    receive(GOAWAY, 0, 0, SLICE("\0\0\0\3\0\0\0\0"));
    assert_int_equal(h2_caller_room(caller), 0);
    assert_true(h2_caller_was_dismissed(caller));
    assert_false(h2_caller_is_over(caller)); /* the second one goes on */
    receive_headers(END_STREAM, 3, ":status: 204");
    flush();
    assert_true(h2_caller_is_over(caller));
    finish();
}

/* ---- requests ---- */

/* Sum of the DATA in what was sent; `ret_flags`: of the last frame. */
static size_t sent_content(unsigned *ret_flags)
{
    struct slice rest = slice_skip(buffer_slice(&sent), 24); /* the preface */
    size_t total = 0;
    while (rest.length > 0) {
        const unsigned char *head = (const unsigned char *)rest.data;
        size_t length = (size_t)head[0] << 16 | (size_t)head[1] << 8 | head[2];
        total += head[3] == DATA ? length : 0;
        *ret_flags = head[3] == DATA || head[3] == HEADERS ? head[4] | (unsigned)head[3] << 8 : *ret_flags;
        rest = slice_skip(rest, 9 + length);
    }
    return total;
}

static char large[300000];

/* As far as the server's windows allow, and no further. */
static void test_upload_within_windows(void **state)
{
    (void)state;
    struct owned_call owned = {.upload = slice_make(large, sizeof(large))};
    unsigned flags = 0;
    start();
    begin(&owned, "POST", true);
    assert_int_equal(sent_content(&flags), 65535);
    play("S");
    receive(WINDOW_UPDATE, 0, 0, SLICE("\0\x10\0\0"));
    flush();
    assert_int_equal(sent_content(&flags), 65535);
    receive(WINDOW_UPDATE, 0, 1, SLICE("\0\x10\0\0"));
    flush();
    assert_int_equal(sent_content(&flags), sizeof(large));
    assert_int_equal(flags, END_STREAM | DATA << 8);
    finish();
}

static void test_upload_in_parts(void **state)
{
    (void)state;
    struct arena arena;
    struct http_response trailers;
    struct owned_call owned = {.waits = true};
    unsigned flags = 0;
    arena_init(&arena, SIZE_MAX);
    http_response_init(&trailers, &arena);
    http_response_add(&trailers, SLICE("Checksum"), SLICE("1"));
    start();
    begin(&owned, "POST", true);
    assert_int_equal(sent_content(&flags), 0);
    owned.upload = SLICE("abc");
    h2_caller_resume(caller, &owned.call);
    flush();
    assert_int_equal(sent_content(&flags), 3);
    assert_int_equal(flags, DATA << 8);
    owned.waits = false;
    owned.trailers = &trailers;
    h2_caller_resume(caller, &owned.call);
    flush();
    assert_int_equal(sent_content(&flags), 3);
    assert_int_equal(flags, END_STREAM | END_HEADERS | HEADERS << 8);
    finish();
    arena_finish(&arena);
}

/* Its content is not sent further, and what comes is not told. */
static void test_cancel(void **state)
{
    (void)state;
    struct owned_call owned = {.waits = true, .upload = SLICE("abc")}, next = {0};
    start();
    play("S");
    begin(&owned, "POST", true);
    h2_caller_cancel(caller, &owned.call);
    play("H:status: 200|D123");
    assert_slice(buffer_slice(&story), "1:cancelled\n");
    begin(&next, "GET", false);
    receive_headers(END_STREAM, 3, ":status: 204");
    assert_slice(buffer_slice(&story), "1:cancelled\n3:204 none\n3:end\n3:complete\n");
    finish();
}

static void test_cancel_at_once(void **state)
{
    (void)state;
    struct owned_call owned = {0};
    const struct http_response_field fields[] = {
        {SLICE(":method"), SLICE("GET")},
        {SLICE(":scheme"), SLICE("http")},
        {SLICE(":authority"), SLICE("x")},
        {SLICE(":path"), SLICE("/")},
    };
    const struct h2_request request = {fields, ARRAY_LENGTH(fields), false};
    start();
    assert_true(h2_caller_begin(caller, &owned.call, &request));
    h2_caller_cancel(caller, &owned.call);
    flush();
    assert_slice(buffer_slice(&story), "1:cancelled\n");
    assert_int_equal(h2_caller_room(caller), 1);
    finish();
}

/* A call whose content is not taken keeps its own window shut, and no other's. */
static void test_windows_of_responses(void **state)
{
    (void)state;
    struct owned_call slow = {0}, fast = {0};
    struct slice frame = slice_make(large, 16384);
    start();
    play("S");
    begin(&slow, "GET", false);
    begin(&fast, "GET", false);
    keeps_credit = true;
    play("H:status: 200");
    for (int i = 0; i < WINDOW / 16384; i++)
        receive(DATA, 0, 1, frame);
    keeps_credit = false;
    receive_headers(0, 3, ":status: 200");
    for (int i = 0; i < 100; i++) {
        receive(DATA, 0, 3, frame);
        flush();
    }
    assert_false(h2_caller_is_over(caller));
    receive(DATA, 0, 1, SLICE("1")); /* past its window */
    flush();
    assert_true(h2_caller_fault(caller) || h2_caller_is_over(caller) || slow.call.fault);
    finish();
}

static void test_ping(void **state)
{
    (void)state;
    start();
    play("S");
    h2_caller_ping(caller);
    flush();
    struct slice end = slice_skip(buffer_slice(&sent), sent.length - 17);
    assert_int_equal(end.data[3], PING);
    receive(PING, ACK, 0, slice_skip(end, 9));
    assert_false(h2_caller_is_over(caller));
    assert_slice(buffer_slice(&story), "");
    finish();
}

/* The last frame is a GOAWAY without an error. */
static void test_finish(void **state)
{
    (void)state;
    start();
    play("S");
    h2_caller_finish(caller);
    flush();
    assert_true(h2_caller_is_over(caller));
    assert_int_equal(h2_caller_room(caller), 0);
    struct slice end = slice_skip(buffer_slice(&sent), sent.length - 17);
    assert_int_equal(end.data[3], GOAWAY);
    assert_int_equal(end.data[16], H2_NO_ERROR);
    finish();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_responses),
        cmocka_unit_test(test_responses_in_bytes),
        cmocka_unit_test(test_breaches),
        cmocka_unit_test(test_answer_of_http_1),
        cmocka_unit_test(test_floods),
        cmocka_unit_test(test_room),
        cmocka_unit_test(test_upload_within_windows),
        cmocka_unit_test(test_upload_in_parts),
        cmocka_unit_test(test_cancel),
        cmocka_unit_test(test_cancel_at_once),
        cmocka_unit_test(test_windows_of_responses),
        cmocka_unit_test(test_ping),
        cmocka_unit_test(test_finish),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
