/* Frames for streams that are over: an error of the connection, except where we have reset the stream and
 * they may have been on their way. Frames are written by hand, and come in one piece and byte by byte. */
#include "tests/unit/h2_pair.h"

static struct world world;
static struct h2_pair pair;
static struct buffer sent;

enum { DATA = 0, HEADERS = 1, RST_STREAM = 3, WINDOW_UPDATE = 8, CANCEL = 98, ANSWER = 99 };
enum { END_STREAM = 1, END_HEADERS = 4, WHOLE = END_STREAM | END_HEADERS };
enum { GOES_ON = -1 };

#define NAMES "\x86\x01\x01x\x04\x06/small"

struct frame {
    unsigned type, flags;
    uint32_t stream;
    struct slice payload;
};

/* A request; a request with content to come; one that is reset, since its header is in upper case. */
#define GET(stream)                                 \
    {                                               \
        HEADERS, WHOLE, stream, SLICE("\x82" NAMES) \
    }
#define POST(stream)                                      \
    {                                                     \
        HEADERS, END_HEADERS, stream, SLICE("\x83" NAMES) \
    }
#define BAD(stream)                                                        \
    {                                                                      \
        HEADERS, END_HEADERS, stream, SLICE("\x83" NAMES "\x10\x01X\x01v") \
    }
#define CONTENT(stream)                   \
    {                                     \
        DATA, 0, stream, SLICE("content") \
    }
#define LAST_CONTENT(stream)                       \
    {                                              \
        DATA, END_STREAM, stream, SLICE("content") \
    }
#define RESET(stream)                              \
    {                                              \
        RST_STREAM, 0, stream, SLICE("\0\0\0\x08") \
    }
#define CREDIT(stream)                                \
    {                                                 \
        WINDOW_UPDATE, 0, stream, SLICE("\0\0\0\x01") \
    }
#define ANSWERED      \
    {                 \
        ANSWER, 0, 0, \
        {             \
            0         \
        }             \
    } /* what vif has to say is written here */
#define CANCELLED(stream)  \
    {                      \
        CANCEL, 0, stream, \
        {                  \
            0              \
        }                  \
    } /* vif resets it, and says so */
#define FRAMES_MAX 6

static const struct row {
    const char *name;
    int code;
    struct frame frames[FRAMES_MAX];
} rows[] = {
    {"content", GOES_ON, {POST(1), CONTENT(1), CONTENT(1), LAST_CONTENT(1), GET(3)}},
    {"trailers", GOES_ON, {POST(1), CONTENT(1), {HEADERS, WHOLE, 1, SLICE("\x10\x01x\x01v")}, GET(3)}},
    {"content behind an answer", NGHTTP2_STREAM_CLOSED, {GET(1), ANSWERED, CONTENT(1)}},
    {"content behind two answers", NGHTTP2_STREAM_CLOSED, {GET(1), GET(3), ANSWERED, CONTENT(1)}},
    {"empty content behind an answer",
     NGHTTP2_STREAM_CLOSED,
     {GET(1), ANSWERED, {DATA, END_STREAM, 1, SLICE("")}}},
    {"another head behind an answer", NGHTTP2_STREAM_CLOSED, {GET(1), ANSWERED, GET(1)}},
    {"content behind a reset", NGHTTP2_STREAM_CLOSED, {POST(1), RESET(1), CONTENT(1)}},
    {"trailers behind a reset", NGHTTP2_STREAM_CLOSED, {POST(1), RESET(1), GET(1)}},
    {"content of a stream that was left out", NGHTTP2_PROTOCOL_ERROR, {GET(5), CONTENT(3)}},
    {"a head of a stream that was left out", NGHTTP2_PROTOCOL_ERROR, {GET(5), GET(3)}},
    {"the first stream was left out", NGHTTP2_PROTOCOL_ERROR, {GET(3), GET(1)}},
    {"content of a stream to come", NGHTTP2_PROTOCOL_ERROR, {GET(1), CONTENT(3)}},
    {"content of a stream of ours", NGHTTP2_PROTOCOL_ERROR, {GET(1), GET(3), CONTENT(2)}},
    {"a reset behind an answer", GOES_ON, {GET(1), ANSWERED, RESET(1), GET(3)}},
    {"a window behind an answer", GOES_ON, {GET(1), ANSWERED, CREDIT(1), GET(3)}},
    {"two resets", GOES_ON, {POST(1), RESET(1), RESET(1), GET(3)}},
    {"content that crosses our reset", GOES_ON, {BAD(1), CONTENT(1), CONTENT(1), GET(3)}},
    {"content behind our reset", GOES_ON, {BAD(1), ANSWERED, CONTENT(1), LAST_CONTENT(1), GET(3)}},
    {"trailers behind our reset", GOES_ON, {BAD(1), ANSWERED, GET(1), GET(3)}},
    {"content behind our cancel", GOES_ON, {POST(1), CANCELLED(1), CONTENT(1), GET(3)}},
    {"one that we reset and one that it has reset",
     GOES_ON,
     {BAD(1), POST(3), RESET(3), ANSWERED, CONTENT(1), GET(5)}},
};

static void put_frame(struct buffer *out, const struct frame *frame)
{
    uint32_t stream = frame->stream;
    const char head[9] = {
        0, 0, (char)frame->payload.length, (char)frame->type, (char)frame->flags, 0, 0, 0, (char)stream};
    buffer_append(out, slice_make(head, sizeof(head)));
    buffer_append(out, frame->payload);
}

static void be_answered(void)
{
    do {
        while (h2_pair_work(&pair))
            continue;
    } while (h2_pair_write(&pair));
}

static void prepare(size_t read_max)
{
    struct buffer hello;
    h2_pair_init_events(&pair, &world);
    h2_pair_start(&pair, 65535);
    buffer_init(&sent, SIZE_MAX);
    buffer_init(&hello, SIZE_MAX);
    pair.raw = &sent;
    pair.read_max = read_max;
    h2_client_write(&pair.client, &hello);
    h2_pair_receive(&pair, buffer_slice(&hello));
    buffer_finish(&hello);
    be_answered();
}

/* The code of the GOAWAY among what was sent; GOES_ON: there is none. */
static int find_goaway(struct slice bytes)
{
    while (bytes.length > 0) {
        const unsigned char *head = (const unsigned char *)bytes.data;
        size_t length = (size_t)head[0] << 16 | (size_t)head[1] << 8 | head[2];
        if (head[3] == NGHTTP2_GOAWAY)
            return head[9 + 7];
        bytes = slice_skip(bytes, 9 + length);
    }
    return GOES_ON;
}

static void play(const struct row *row, size_t read_max)
{
    struct buffer bytes;
    prepare(read_max);
    buffer_init(&bytes, SIZE_MAX);
    for (size_t i = 0; i < FRAMES_MAX; i++) {
        const struct frame *frame = &row->frames[i];
        if (frame->type < CANCEL) {
            if (frame->stream != 0)
                put_frame(&bytes, frame);
            continue;
        }
        h2_pair_receive(&pair, buffer_slice(&bytes));
        buffer_clear(&bytes);
        if (frame->type == CANCEL)
            h2_reset(pair.session->engine, frame->stream, H2_CANCEL);
        be_answered();
    }
    h2_pair_receive(&pair, buffer_slice(&bytes));
    be_answered();
    int code = find_goaway(buffer_slice(&sent));
    if (code != row->code)
        fail_msg("the code is %d, not %d (%zu bytes at a time)", code, row->code, read_max);
    buffer_finish(&bytes);
    buffer_finish(&sent);
    h2_pair_finish(&pair);
}

static void each_ends_as_it_should(void **state)
{
    (void)state;
    world_init(&world);
    world_add_file(&world, "small", 100);
    world_start(&world);
    TABLE_ROWS(i, rows, rows[i].name) {
        for (size_t read_max = 0; read_max < 12; read_max++)
            play(&rows[i], read_max);
    }
    world_finish(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_ends_as_it_should),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
