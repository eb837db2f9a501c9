/* What nghttp2 takes of a request by itself: a server's session, without sockets, files or vif, gets the
 * bytes of a client's and answers 100 streams at once with 1 KiB and the headers that vif sends with a file.
 * Frames are gathered in 64 KiB, as vif does. The client's side is not counted.
 *
 *     nghttp2 ROUNDS lists|malloc      whether it has vif's memory (src/h2/memory.h)
 *
 * Prints a line of JSON. bench/engine builds it. */
#include "h2/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define STREAMS       100
#define CONTENT_BYTES 1024
#define OUTPUT_BYTES  (64 << 10)

#define HEADER(name, value)                                                                              \
    {                                                                                                    \
        (uint8_t *)(name), (uint8_t *)(value), sizeof(name) - 1, sizeof(value) - 1, NGHTTP2_NV_FLAG_NONE \
    }

static const nghttp2_nv request[] = {
    HEADER(":method", "GET"),
    HEADER(":scheme", "http"),
    HEADER(":authority", "127.0.0.1:8080"),
    HEADER(":path", "/1k.html"),
    HEADER("user-agent", "h2load nghttp2/1.52.0"),
};

static const nghttp2_nv response[] = {
    HEADER(":status", "200"),
    HEADER("date", "Fri, 27 Nov 2026 08:00:00 GMT"),
    HEADER("Server", "vif"),
    HEADER("Content-Type", "text/html; charset=utf-8"),
    HEADER("Accept-Ranges", "bytes"),
    HEADER("ETag", "\"186fa2b35ee1d2f0-400\""),
    HEADER("Last-Modified", "Fri, 27 Nov 2026 07:00:00 GMT"),
    HEADER("Content-Length", "1024"),
};

struct bytes {
    char *data;
    size_t length, size;
};

struct output {
    char bytes[OUTPUT_BYTES];
    size_t used;
};

static uint64_t answered;
static uint64_t used_ns[2]; /* for receiving, for sending */
static char content[CONTENT_BYTES];
static struct output output;

static void fail(const char *what)
{
    fprintf(stderr, "nghttp2: %s\n", what);
    exit(1);
}

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void append(struct bytes *bytes, const void *data, size_t length)
{
    if (bytes->length + length > bytes->size) {
        bytes->size = 2 * (bytes->length + length);
        bytes->data = realloc(bytes->data, bytes->size);
        if (bytes->data == NULL)
            fail("out of memory");
    }
    memcpy(bytes->data + bytes->length, data, length);
    bytes->length += length;
}

/* ---- the server ---- */

static ssize_t read_content(nghttp2_session *session, int32_t stream, uint8_t *buffer, size_t length,
                            uint32_t *flags, nghttp2_data_source *source, void *user_data)
{
    (void)session, (void)stream, (void)buffer, (void)length, (void)source, (void)user_data;
    *flags |= NGHTTP2_DATA_FLAG_NO_COPY | NGHTTP2_DATA_FLAG_EOF;
    return CONTENT_BYTES;
}

static const nghttp2_data_provider provider = {.read_callback = read_content};

static void put(const void *bytes, size_t length)
{
    if (output.used + length > OUTPUT_BYTES)
        output.used = 0; /* as if it had been sent */
    memcpy(output.bytes + output.used, bytes, length);
    output.used += length;
}

static int put_content(nghttp2_session *session, nghttp2_frame *frame, const uint8_t *head, size_t length,
                       nghttp2_data_source *source, void *user_data)
{
    (void)session, (void)frame, (void)source, (void)user_data;
    put(head, 9);
    put(content, length);
    return 0;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, nghttp2_rcbuf *name,
                     nghttp2_rcbuf *value, uint8_t flags, void *user_data)
{
    (void)session, (void)frame, (void)name, (void)value, (void)flags, (void)user_data;
    return 0;
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *user_data)
{
    (void)user_data;
    if (frame->hd.type != NGHTTP2_HEADERS)
        return 0;
    answered++;
    return nghttp2_submit_response(session, frame->hd.stream_id, response,
                                   sizeof(response) / sizeof(response[0]), &provider);
}

static nghttp2_session *make_server(struct h2_memory *memory)
{
    nghttp2_session_callbacks *callbacks;
    nghttp2_option *options;
    nghttp2_session *session;
    const nghttp2_settings_entry settings[] = {{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, STREAMS},
                                               {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1}};
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_header_callback2(callbacks, on_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    nghttp2_session_callbacks_set_send_data_callback(callbacks, put_content);
    nghttp2_option_new(&options);
    nghttp2_option_set_no_auto_window_update(options, 1);
    nghttp2_option_set_no_closed_streams(options, 1);
    if (nghttp2_session_server_new3(&session, callbacks, NULL, options, memory ? &memory->calls : NULL) !=
            0 ||
        nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, settings, 2) != 0)
        fail("no session");
    nghttp2_option_del(options);
    nghttp2_session_callbacks_del(callbacks);
    return session;
}

/* ---- the client: it is told nothing of responses but that streams are over ---- */

static nghttp2_session *make_client(void)
{
    nghttp2_session_callbacks *callbacks;
    nghttp2_session *session;
    const nghttp2_settings_entry settings[] = {{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, (1u << 30) - 1}};
    nghttp2_session_callbacks_new(&callbacks);
    if (nghttp2_session_client_new(&session, callbacks, NULL) != 0 ||
        nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, settings, 1) != 0 ||
        nghttp2_session_set_local_window_size(session, NGHTTP2_FLAG_NONE, 0, (1 << 30) - 1) != 0)
        fail("no session");
    nghttp2_session_callbacks_del(callbacks);
    return session;
}

static void ask(nghttp2_session *client, struct bytes *to_server)
{
    const uint8_t *bytes;
    ssize_t length;
    for (int i = 0; i < STREAMS; i++)
        if (nghttp2_submit_request(client, NULL, request, sizeof(request) / sizeof(request[0]), NULL, NULL) <
            0)
            fail("no request");
    to_server->length = 0;
    while ((length = nghttp2_session_mem_send(client, &bytes)) > 0)
        append(to_server, bytes, (size_t)length);
}

/* The last round's frames end their streams at the client by this: a reset for each. */
static void forget(nghttp2_session *client, int32_t first)
{
    const uint8_t *bytes;
    uint8_t reset[13] = {0, 0, 4, NGHTTP2_RST_STREAM};
    for (int32_t stream = first; stream < first + 2 * STREAMS; stream += 2) {
        for (int i = 0; i < 4; i++)
            reset[5 + i] = (uint8_t)((uint32_t)stream >> (24 - 8 * i));
        if (nghttp2_session_mem_recv(client, reset, sizeof(reset)) < 0)
            fail("the client gave up");
    }
    while (nghttp2_session_mem_send(client, &bytes) > 0)
        ;
}

static void answer(nghttp2_session *server, const struct bytes *bytes)
{
    const uint8_t *frame;
    ssize_t length;
    uint64_t before = now_ns();
    if (nghttp2_session_mem_recv(server, (const uint8_t *)bytes->data, bytes->length) < 0)
        fail("the server gave up");
    uint64_t between = now_ns();
    while ((length = nghttp2_session_mem_send(server, &frame)) > 0)
        put(frame, (size_t)length);
    used_ns[0] += between - before;
    used_ns[1] += now_ns() - between;
}

int main(int argc, char **argv)
{
    int rounds = argc == 3 ? atoi(argv[1]) : 0;
    struct h2_memory memory;
    struct bytes bytes = {0};
    static const uint8_t no_settings[9] = {[3] = NGHTTP2_SETTINGS};
    if (rounds < 1)
        fail("usage: nghttp2 ROUNDS lists|malloc");
    h2_memory_init(&memory);
    nghttp2_session *server = make_server(strcmp(argv[2], "lists") == 0 ? &memory : NULL);
    nghttp2_session *client = make_client();
    if (nghttp2_session_mem_recv(client, no_settings, sizeof(no_settings)) < 0)
        fail("the client gave up");
    for (int round = 0; round < rounds; round++) {
        ask(client, &bytes);
        answer(server, &bytes);
        forget(client, 1 + round * 2 * STREAMS);
    }
    if (answered != (uint64_t)rounds * STREAMS)
        fail("not all was answered");
    printf("{\"receive_us\": %.3f, \"send_us\": %.3f}\n", (double)used_ns[0] / 1e3 / (double)answered,
           (double)used_ns[1] / 1e3 / (double)answered);
    nghttp2_session_del(server);
    nghttp2_session_del(client);
    h2_memory_finish(&memory);
    free(bytes.data);
    return 0;
}
