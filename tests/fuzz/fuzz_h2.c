/* A client of HTTP/2 and the owner of the engine, both driven by the input: frames in order, out of order and
 * as raw bytes; responses, credit, resets, draining and time. What is looked for, beyond the sanitizers:
 * requests and memory stay within their bounds, each request is told of in order (on_request, on_content,
 * on_end, on_closed), windows hold both ways, and what is written is what a server may say (h2_client.c).
 *
 * The first byte says how what is sent is cut, the second how the owner behaves; steps follow: a byte that
 * names it, and its arguments. So cutting and joining inputs gives inputs that make sense. */
#include "fuzz.h"

#include "tests/fuzz/h2_client.h"

#include <malloc.h>
#include <sanitizer/allocator_interface.h>
#include <stdlib.h>

#define STREAMS    8
#define WINDOW     1024
#define WINDOW_MAX 16384
/* The window of the connection, which is four times that of a stream; and before the client knows of it, of
 * RFC 9113. */
#define UNCONSUMED_MAX   MAX(4 * WINDOW_MAX, 65535)
#define PIECES           64
#define OUTPUT_BYTES_MAX (63u << 10) /* as the front has */
#define MEMORY_MAX       (2u << 20)
#define REPEATED_MAX     64
#define SENT_BYTES_MAX   (1u << 15)
#define WRITES_MAX       10000

enum step {
    STEP_REQUEST,
    STEP_HEADERS,
    STEP_FRAME,
    STEP_LONG_FRAME,
    STEP_RAW,
    STEP_AGAIN, /* the last frame, many times */
    STEP_ACKNOWLEDGE,
    STEP_WRITE,
    STEP_RESPOND,
    STEP_INTERIM,
    STEP_RESUME,
    STEP_CONSUME,
    STEP_RESET,
    STEP_DRAIN,
    STEP_FINISH,
    STEP_TIME,
    STEP_COUNT
};

enum manner {
    ANSWERS_AT_ONCE = 1,
    REFUSES_SOME = 2,
    CONSUMES_AT_ONCE = 4,
    RESETS_CONTENT = 8,
    WAITS = 16,
    FAILS = 32,
    GIVES_ITS_OWN_BYTES = 64, /* rather than to fill the room that it is offered */
    IS_RAW = 128,             /* the rest of the input is all that the client sends */
};

struct request {
    uint32_t stream;
    bool is_answered, has_ended, has_content, waits;
    uint64_t unconsumed;
    uint64_t given, whole; /* content of the response */
};

struct owner {
    struct h2 *engine;
    struct h2_client client;
    struct request *requests[STREAMS];
    struct slice input;
    struct buffer frame; /* the last that was sent */
    unsigned manner, step_bytes, calls;
    uint64_t now_ms, unconsumed;
    bool is_broken;
};

static const struct h2_limits limits = {
    .streams = STREAMS,
    .window_bytes = WINDOW,
    .window_bytes_max = WINDOW_MAX,
    .head_bytes = 2048,
    .uri_bytes = 200,
    .fields = 20,
    .body_bytes = 50000,
};

static uint8_t take_byte(struct owner *owner)
{
    if (owner->input.length == 0)
        return 0;
    uint8_t byte = (uint8_t)owner->input.data[0];
    owner->input = slice_skip(owner->input, 1);
    return byte;
}

static struct slice take_bytes(struct owner *owner, size_t count)
{
    struct slice bytes = slice_take(owner->input, MIN(count, owner->input.length));
    owner->input = slice_skip(owner->input, bytes.length);
    return bytes;
}

/* ---- the owner: what the engine calls ---- */

static void answer(struct owner *owner, struct request *request, unsigned how)
{
    static const int statuses[] = {200, 204, 304, 404};
    static const uint32_t lengths[] = {0, 1, 4096, 16384, 16385, H2_CLIENT_CONTENT_MAX, 100, 5000};
    struct http_response_field fields[] = {{SLICE("Content-Type"), SLICE("text/plain")},
                                           {SLICE("etag"), SLICE("\"x\"")}};
    struct http_response response = {
        .status = statuses[how % 4], .field_count = how & 64 ? 2 : 0, .fields = fields};
    request->whole = response.status == 200 || response.status == 404 ? lengths[how / 4 % 8] : 0;
    response.content_length = how & 32 ? HTTP_LENGTH_UNKNOWN : request->whole;
    response.no_length = response.status == 204;
    request->is_answered = true;
    bool has_content = request->whole > 0 || (how & 128 && response.status == 200);
    bool is_taken =
        h2_respond(owner->engine, request->stream, &response, "Sun, 06 Nov 1994 08:49:37 GMT", has_content);
    assert(is_taken || owner->is_broken);
    (void)is_taken;
}

static void *on_request(void *context, uint32_t stream, const struct h2_head_event *head)
{
    struct owner *owner = context;
    const struct http_request *request = head->request;
    assert(head->text.length <= limits.head_bytes && request->field_count <= limits.fields + 1);
    assert(head->reject_status != 0 || request->method == HTTP_METHOD_CONNECT || request->path.length > 0);
    assert(head->reject_status == 0 || (head->reject_status >= 400 && head->reject_status < 600));
    if (owner->manner & REFUSES_SOME && ++owner->calls % 2 == 0)
        return NULL;
    size_t slot = 0;
    while (slot < STREAMS && owner->requests[slot])
        assert(owner->requests[slot++]->stream != stream);
    assert(slot < STREAMS);
    struct request *made = calloc(1, sizeof(*made));
    made->stream = stream;
    made->has_content = request->body != HTTP_BODY_NONE;
    owner->requests[slot] = made;
    if (owner->manner & ANSWERS_AT_ONCE)
        answer(owner, made, head->reject_status ? 3 : stream / 2);
    return made;
}

static void consume(struct owner *owner, struct request *request, uint64_t bytes)
{
    request->unconsumed -= bytes;
    owner->unconsumed -= bytes;
    h2_consume(owner->engine, request->stream, bytes);
}

static void on_content(void *context, void *of, struct slice content)
{
    struct owner *owner = context;
    struct request *request = of;
    assert(request->has_content && !request->has_ended && content.length > 0);
    request->unconsumed += content.length;
    owner->unconsumed += content.length;
    assert(owner->unconsumed <= UNCONSUMED_MAX);
    if (owner->manner & RESETS_CONTENT)
        h2_reset(owner->engine, request->stream, H2_NO_ERROR);
    if (owner->manner & CONSUMES_AT_ONCE)
        consume(owner, request, request->unconsumed);
}

static void on_end(void *context, void *of, const struct h2_trailers *trailers)
{
    struct request *request = of;
    (void)context;
    for (unsigned i = 0; trailers && trailers->reject_status == 0 && i < trailers->count; i++)
        assert(http_is_token(trailers->fields[i].name_text) &&
               http_is_field_value(trailers->fields[i].value));
    assert(request->has_content && !request->has_ended);
    request->has_ended = true;
}

static void on_closed(void *context, void *of)
{
    struct owner *owner = context;
    size_t slot = 0;
    while (owner->requests[slot] != of)
        assert(++slot < STREAMS);
    consume(owner, of, owner->requests[slot]->unconsumed);
    owner->requests[slot] = NULL;
    free(of);
}

static enum h2_pulled pull(void *context, void *of, char *room, size_t bytes_max, struct h2_piece *ret_piece)
{
    struct owner *owner = context;
    struct request *request = of;
    assert(request->is_answered && !request->waits && request->given <= request->whole && bytes_max > 0);
    owner->calls++;
    if (owner->manner & FAILS && owner->calls % 7 == 0)
        return H2_PULL_FAILED;
    if (owner->manner & WAITS && owner->calls % 3 == 0)
        return request->waits = true, H2_PULL_WAIT;
    size_t length = MIN((size_t)(request->whole - request->given), bytes_max);
    const char *bytes = h2_client_content(request->stream) + request->given;
    if (!(owner->manner & GIVES_ITS_OWN_BYTES))
        bytes = memcpy(room, bytes, length);
    ret_piece->bytes = slice_make(bytes, length);
    request->given += length;
    ret_piece->is_last = request->given == request->whole;
    return H2_PULLED;
}

static const struct h2_events events = {.on_request = on_request,
                                        .on_content = on_content,
                                        .on_end = on_end,
                                        .on_closed = on_closed,
                                        .pull = pull};

/* ---- the client: what it sends ---- */

static void send_bytes(struct owner *owner, struct slice bytes)
{
    if (bytes.length > 0)
        h2_client_send(&owner->client, bytes);
    while (bytes.length > 0) {
        size_t length = MIN((size_t)owner->step_bytes, bytes.length);
        char *copy = malloc(length);
        memcpy(copy, bytes.data, length);
        bool goes_on = h2_receive(owner->engine, slice_make(copy, length), owner->now_ms);
        free(copy);
        assert(!owner->is_broken || !goes_on);
        owner->is_broken = !goes_on;
        bytes = slice_skip(bytes, length);
    }
}

static void send_frame(struct owner *owner, uint8_t kind, uint8_t flags, uint8_t stream, struct slice payload)
{
    const char head[] = {(char)(payload.length >> 16),
                         (char)(payload.length >> 8),
                         (char)payload.length,
                         (char)kind,
                         (char)flags,
                         0,
                         0,
                         0,
                         (char)stream};
    buffer_clear(&owner->frame);
    buffer_append(&owner->frame, slice_make(head, sizeof(head)));
    buffer_append(&owner->frame, payload);
    send_bytes(owner, buffer_slice(&owner->frame));
}

static const char *const lines[] = {
    ":method: GET",
    ":method: POST",
    ":method: HEAD",
    ":method: CONNECT",
    ":scheme: http",
    ":scheme: https",
    ":authority: x",
    ":authority: y:1",
    ":path: /",
    ":path: *",
    ":path: /a?b",
    ":path: //a/../b",
    ":status: 200",
    "host: x",
    "host: y",
    "content-length: 0",
    "content-length: 5",
    "content-length: 4000",
    "content-length: 99999",
    "te: trailers",
    "te: gzip",
    "connection: close",
    "transfer-encoding: chunked",
    "expect: 100-continue",
    "priority: u=1, i",
    "cookie: a=b",
    "cookie: c",
    "Upper: x",
    "empty: ",
    "x: \r\n",
    "range: bytes=0-1",
    "a: b",
};

/* As a literal that is not remembered, without Huffman's code: all are shorter than 127 bytes. */
static void put_line(struct buffer *block, const char *line)
{
    size_t name = 1 + strcspn(line + 1, ":"), value = strlen(line) - name - 2;
    buffer_append_byte(block, 0);
    buffer_append_byte(block, (char)name);
    buffer_append(block, slice_make(line, name));
    buffer_append_byte(block, (char)value);
    buffer_append(block, slice_make(line + name + 2, value));
}

/* From input: bytes below 64 are lines, others stand before bytes that are put in as they are. */
static void put_block(struct owner *owner, struct buffer *block, unsigned count)
{
    for (; count > 0 && owner->input.length > 0; count--) {
        uint8_t byte = take_byte(owner);
        if (byte < 64)
            put_line(block, lines[byte % ARRAY_LENGTH(lines)]);
        else
            buffer_append(block, take_bytes(owner, byte % 64));
    }
}

/* A request that is in order, as far as the lines that follow leave it so. */
static void send_head(struct owner *owner, bool is_request)
{
    uint8_t stream = take_byte(owner), flags = take_byte(owner), count = take_byte(owner);
    struct buffer block;
    buffer_init(&block, 1u << 16);
    if (is_request) {
        put_line(&block, lines[flags / 64]); /* the method */
        put_line(&block, ":scheme: http");
        put_line(&block, ":authority: x");
        put_line(&block, ":path: /");
        flags = (flags & 1) | NGHTTP2_FLAG_END_HEADERS;
        stream |= 1;
    }
    put_block(owner, &block, count % 32);
    send_frame(owner, NGHTTP2_HEADERS, flags, stream, buffer_slice(&block));
    buffer_finish(&block);
}

static void send_any_frame(struct owner *owner)
{
    static const uint8_t kinds[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0x10, 0x0a, 0, 4, 8, 9};
    uint8_t kind = kinds[take_byte(owner) % 16], flags = take_byte(owner), stream = take_byte(owner);
    send_frame(owner, kind, flags, stream, take_bytes(owner, take_byte(owner)));
}

static void send_long_frame(struct owner *owner)
{
    static const char zeros[20000];
    uint8_t kind = take_byte(owner) % 16, flags = take_byte(owner), stream = take_byte(owner);
    send_frame(owner, kind, flags, stream, slice_make(zeros, (size_t)take_byte(owner) * 70));
}

static void send_again(struct owner *owner)
{
    for (unsigned count = take_byte(owner) % REPEATED_MAX; count > 0; count--)
        send_bytes(owner, buffer_slice(&owner->frame));
}

static void send_acknowledgements(struct owner *owner)
{
    char ping[8];
    memcpy(ping, &owner->client.ping, sizeof(ping));
    send_frame(owner, NGHTTP2_SETTINGS, NGHTTP2_FLAG_ACK, 0, SLICE(""));
    send_frame(owner, NGHTTP2_PING, NGHTTP2_FLAG_ACK, 0, slice_make(ping, sizeof(ping)));
}

/* ---- the owner: what it does by itself ---- */

static struct request *choose(struct owner *owner)
{
    return owner->requests[take_byte(owner) % STREAMS];
}

static enum h2_written write_once(struct owner *owner)
{
    static char room[OUTPUT_BYTES_MAX + H2_FRAME_BYTES_MAX];
    struct slice pieces[PIECES];
    struct h2_output output = {.room = room,
                               .room_size = sizeof(room),
                               .pieces = pieces,
                               .piece_max = PIECES,
                               .bytes_max = OUTPUT_BYTES_MAX};
    enum h2_written written = h2_write(owner->engine, &output);
    assert(output.piece_count <= PIECES && output.room_used <= sizeof(room));
    h2_client_receive(&owner->client, &output);
    return written;
}

static void write_all(struct owner *owner)
{
    enum h2_written written = H2_WRITTEN_FULL;
    for (unsigned count = 0; written == H2_WRITTEN_FULL; count++) {
        assert(count < WRITES_MAX);
        written = write_once(owner);
    }
}

static void interim(struct owner *owner, struct request *request)
{
    struct http_response response = {.status = 103, .no_length = true};
    if (!request->is_answered)
        (void)!h2_send_interim(owner->engine, request->stream, &response);
}

static void resume(struct owner *owner, struct request *request)
{
    if (!request->waits)
        return;
    request->waits = false;
    h2_resume(owner->engine, request->stream);
}

static void act(struct owner *owner, enum step step)
{
    struct request *request = choose(owner);
    if (request == NULL)
        return;
    switch (step) {
    case STEP_RESPOND:
        if (!request->is_answered)
            answer(owner, request, take_byte(owner));
        return;
    case STEP_INTERIM: interim(owner, request); return;
    case STEP_RESUME: resume(owner, request); return;
    case STEP_CONSUME: consume(owner, request, request->unconsumed); return;
    case STEP_RESET: h2_reset(owner->engine, request->stream, H2_CANCEL); return;
    default: return;
    }
}

static void take_step(struct owner *owner)
{
    enum step step = take_byte(owner) % STEP_COUNT;
    switch (step) {
    case STEP_REQUEST:
    case STEP_HEADERS: send_head(owner, step == STEP_REQUEST); return;
    case STEP_FRAME: send_any_frame(owner); return;
    case STEP_LONG_FRAME: send_long_frame(owner); return;
    case STEP_RAW: send_bytes(owner, take_bytes(owner, take_byte(owner))); return;
    case STEP_AGAIN: send_again(owner); return;
    case STEP_ACKNOWLEDGE: send_acknowledgements(owner); return;
    case STEP_WRITE: (void)write_once(owner); return;
    case STEP_DRAIN: h2_drain(owner->engine); return;
    case STEP_FINISH: h2_finish(owner->engine); return;
    case STEP_TIME: owner->now_ms += (uint64_t)take_byte(owner) * 100; return;
    default: act(owner, step); return;
    }
}

/* ---- the whole ---- */

/* Without the sanitizer it runs several times as often a second. */
static size_t allocated_bytes(void)
{
#if __has_feature(address_sanitizer)
    return __sanitizer_get_current_allocated_bytes();
#else
    return mallinfo2().uordblks;
#endif
}

static void converse(struct owner *owner)
{
    if (owner->manner & IS_RAW) {
        send_bytes(owner, take_bytes(owner, SIZE_MAX));
    } else {
        send_bytes(owner, SLICE("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"));
        while (owner->input.length > 0 && !owner->is_broken && owner->client.sent < SENT_BYTES_MAX)
            take_step(owner);
    }
    write_all(owner);
}

static void check_end(const struct owner *owner)
{
    assert(!owner->is_broken || owner->client.has_goodbye);
    assert(!owner->is_broken || h2_is_over(owner->engine));
    assert(owner->is_broken || h2_flood(owner->engine) == H2_FLOOD_NONE);
}

static struct h2_shared *shared;

/* LeakSanitizer does not look for pointers in poisoned memory, where those of the kept blocks are. */
static void destroy_shared(void)
{
    h2_shared_destroy(shared);
}

static void ensure_shared(void)
{
    if (shared)
        return;
    shared = h2_shared_create(&limits, &events);
    atexit(destroy_shared);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct owner owner = {.input = slice_make((const char *)data, size)};
    ensure_shared();
    uint8_t cuts = take_byte(&owner);
    owner.step_bytes = cuts ? cuts : UINT32_MAX;
    owner.manner = take_byte(&owner);
    buffer_init(&owner.frame, 1u << 20);
    h2_client_init(&owner.client);
    size_t before = allocated_bytes();
    owner.engine = h2_create(shared, &owner);
    converse(&owner);
    size_t used = allocated_bytes() - before;
    assert(used < MEMORY_MAX + owner.client.unread.capacity);
    check_end(&owner);
    h2_destroy(owner.engine);
    for (size_t i = 0; i < STREAMS; i++)
        free(owner.requests[i]);
    h2_client_finish(&owner.client);
    buffer_finish(&owner.frame);
    return 0;
}
