/* All engines write their frames into one buffer. A head in several frames, which one of them has begun, goes
 * on as it began, whatever another engine writes between. */
#include "tests/unit/test.h"

#include "base/buffer.h"
#include "h2/h2.h"

#include <nghttp2/nghttp2.h>
#include <string.h>

#define VALUES      4
#define VALUE_BYTES 15000

enum { HEADERS = 1, CONTINUATION = 9 };

static const struct h2_limits limits = {.streams = 10,
                                        .window_bytes = 65535,
                                        .window_bytes_max = 65535,
                                        .head_bytes = 16384,
                                        .uri_bytes = 100,
                                        .fields = 10};

static struct engine {
    struct h2 *h2;
    char letter; /* its values consist of it */
    struct buffer sent;
} engines[] = {{.letter = 'a'}, {.letter = 'Z'}};

static void *on_request(void *owner, uint32_t stream, const struct h2_head_event *head)
{
    (void)stream;
    assert_int_equal(head->reject_status, 0);
    return owner;
}

static void on_closed(void *owner, void *context)
{
    (void)owner, (void)context;
}

static const struct h2_events events = {.on_request = on_request, .on_closed = on_closed};

static const char request[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
                              "\0\0\0\4\0\0\0\0\0"
                              "\0\0\6\1\5\0\0\0\1\x82\x86\x84\x01\x01x";

static void begin(struct engine *engine, struct h2_shared *shared)
{
    char value[VALUE_BYTES];
    struct http_response_field fields[VALUES];
    struct http_response response = {
        .status = 200, .no_length = true, .fields = fields, .field_count = VALUES};
    memset(value, engine->letter, sizeof(value));
    for (unsigned i = 0; i < VALUES; i++)
        fields[i] =
            (struct http_response_field){.name = SLICE("x"), .value = slice_make(value, sizeof(value))};
    buffer_init(&engine->sent, SIZE_MAX);
    engine->h2 = h2_create(shared, engine);
    assert_non_null(engine->h2);
    assert_true(h2_receive(engine->h2, slice_make(request, sizeof(request) - 1), 0));
    assert_true(h2_respond(engine->h2, 1, &response, NULL, false));
}

/* One frame, as there is no room for two. Returns whether there is more. */
static bool write_frame(struct engine *engine)
{
    static char room[H2_FRAME_BYTES_MAX];
    struct slice pieces[4];
    struct h2_output output = {.room = room,
                               .room_size = sizeof(room),
                               .pieces = pieces,
                               .piece_max = ARRAY_LENGTH(pieces),
                               .bytes_max = UINT64_MAX};
    enum h2_written written = h2_write(engine->h2, &output);
    assert_int_not_equal(written, H2_WRITTEN_FAILED);
    for (size_t i = 0; i < output.piece_count; i++)
        buffer_append(&engine->sent, output.pieces[i]);
    return written == H2_WRITTEN_FULL;
}

/* The header block of the response, from its frames. Returns how many there were. */
static unsigned collect_head(struct slice bytes, struct buffer *block)
{
    unsigned frames = 0;
    while (bytes.length > 0) {
        const unsigned char *head = (const unsigned char *)bytes.data;
        size_t length = (size_t)head[0] << 16 | (size_t)head[1] << 8 | head[2];
        assert_true(H2_FRAME_HEAD_BYTES + length <= bytes.length);
        if (head[3] == HEADERS || head[3] == CONTINUATION) {
            buffer_append(block, slice_take(slice_skip(bytes, H2_FRAME_HEAD_BYTES), length));
            frames++;
        }
        bytes = slice_skip(bytes, H2_FRAME_HEAD_BYTES + length);
    }
    return frames;
}

static void check_value(const nghttp2_nv *header, char letter)
{
    assert_int_equal(header->valuelen, VALUE_BYTES);
    for (size_t i = 0; i < header->valuelen; i++)
        assert_int_equal(header->value[i], letter);
}

static void check_head(struct slice block, char letter)
{
    nghttp2_hd_inflater *inflater;
    nghttp2_nv header;
    unsigned values = 0;
    int flags = 0;
    assert_int_equal(nghttp2_hd_inflate_new(&inflater), 0);
    while (!(flags & NGHTTP2_HD_INFLATE_FINAL)) {
        ssize_t used =
            nghttp2_hd_inflate_hd2(inflater, &header, &flags, (const uint8_t *)block.data, block.length, 1);
        assert_true(used >= 0);
        block = slice_skip(block, (size_t)used);
        if (flags & NGHTTP2_HD_INFLATE_EMIT && header.namelen == 1) {
            check_value(&header, letter);
            values++;
        }
    }
    assert_int_equal(values, VALUES);
    nghttp2_hd_inflate_del(inflater);
}

static void finish(struct engine *engine)
{
    struct buffer block;
    buffer_init(&block, SIZE_MAX);
    assert_in_range(collect_head(buffer_slice(&engine->sent), &block), 2, 10);
    check_head(buffer_slice(&block), engine->letter);
    buffer_finish(&block);
    buffer_finish(&engine->sent);
    h2_destroy(engine->h2);
}

static void heads_in_several_frames_do_not_mix(void **state)
{
    (void)state;
    bool goes_on = true;
    struct h2_shared *shared = h2_shared_create(&limits, &events);
    assert_non_null(shared);
    for (size_t i = 0; i < ARRAY_LENGTH(engines); i++)
        begin(&engines[i], shared);
    while (goes_on) {
        goes_on = false;
        for (size_t i = 0; i < ARRAY_LENGTH(engines); i++)
            goes_on |= write_frame(&engines[i]);
    }
    for (size_t i = 0; i < ARRAY_LENGTH(engines); i++)
        finish(&engines[i]);
    h2_shared_destroy(shared);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(heads_in_several_frames_do_not_mix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
