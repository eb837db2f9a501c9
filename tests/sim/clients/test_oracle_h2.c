/* The oracle keeps what dialog.h promises: a test for each rule of HTTP/2. The server's frames are written
 * here; the content of responses is judged as over HTTP/1, see test_oracle_answers.c. */
#include "oracle_stage.h"

#include "dialog.h"

#include <ctype.h>

static struct dialog dialog;
static struct buffer frames; /* of the server, until `deliver` */

static int set_up_h2(void **state)
{
    set_up(state);
    stage.limits.requests_per_connection = 0;
    dialog_begin(&dialog, &stage.scene, 1);
    dialog_introduce(&dialog, FRAME_WINDOW, 4096);
    buffer_init(&frames, 16u << 20);
    return 0;
}

static int tear_down_h2(void **state)
{
    buffer_finish(&frames);
    dialog_finish(&dialog);
    return tear_down(state);
}

/* ---- the client's side ---- */

static void flush_client(void)
{
    dialog_sent(&dialog, dialog_unsent(&dialog).length);
    time_spend(1000);
}

static struct dialog_stream *open_file(void)
{
    struct dialog_stream *stream = dialog_open(&dialog);
    ask_init(&stream->ask.ask);
    buffer_init(&stream->ask.block, 1u << 20);
    stream->ask.ask.target = &stage.file_target;
    frame_write_header(&stream->ask.block, SLICE(":method"), SLICE("GET"));
    dialog_send_head(&dialog, stream, FRAME_BYTES_MAX);
    return stream;
}

static struct dialog_stream *ask_file(void)
{
    struct dialog_stream *stream = open_file();
    flush_client();
    return stream;
}

/* ---- the server's side ---- */

static void deliver(void)
{
    dialog_received(&dialog, buffer_slice(&frames));
    buffer_clear(&frames);
}

static void put(uint8_t type, uint8_t flags, uint32_t stream, struct slice payload)
{
    frame_write(&frames, type, flags, stream, payload);
}

static void put_numbers(uint8_t type, uint32_t stream, uint32_t first, uint32_t second, size_t count)
{
    frame_write_head(&frames, count * 4, type, 0, stream);
    frame_write_number(&frames, first);
    if (count > 1)
        frame_write_number(&frames, second);
}

static void introduce_server(void)
{
    put(FRAME_SETTINGS, 0, 0, (struct slice){0});
    put(FRAME_SETTINGS, FRAME_ACK, 0, (struct slice){0});
    deliver();
}

static void put_line(struct buffer *block, struct slice line)
{
    char name[64];
    size_t colon = slice_find(line, ':');
    for (size_t i = 0; i < colon; i++)
        name[i] = (char)tolower((unsigned char)line.data[i]);
    frame_write_header(block, slice_make(name, colon), slice_skip(line, colon + 2));
}

/* The head of a response over HTTP/1 as a block of headers; returns what follows it. */
static struct slice put_head(struct slice response, uint32_t stream, uint8_t flags)
{
    struct buffer block;
    buffer_init(&block, 1u << 20);
    frame_write_header(&block, SLICE(":status"), slice_make(response.data + 9, 3));
    response = slice_skip(response, slice_find(response, '\n') + 1);
    while (response.data[0] != '\r') {
        size_t end = slice_find(response, '\n');
        put_line(&block, slice_take(response, end - 1));
        response = slice_skip(response, end + 1);
    }
    put(FRAME_HEADERS, flags, stream, buffer_slice(&block));
    buffer_finish(&block);
    return slice_skip(response, 2);
}

static void put_content(struct slice content, uint32_t stream, size_t piece, bool ends)
{
    do {
        struct slice bytes = slice_take(content, MIN(piece, content.length));
        content = slice_skip(content, bytes.length);
        put(FRAME_DATA, ends && content.length == 0 ? FRAME_END_STREAM : 0, stream, bytes);
    } while (content.length > 0);
}

static void put_response(uint32_t stream)
{
    struct buffer answer = right_answer();
    put_content(put_head(buffer_slice(&answer), stream, FRAME_END_HEADERS), stream, 4000, true);
    buffer_finish(&answer);
}

static void put_part(uint32_t stream, size_t length)
{
    struct buffer answer = right_answer();
    struct slice content = put_head(buffer_slice(&answer), stream, FRAME_END_HEADERS);
    put_content(slice_take(content, length), stream, 4000, false);
    buffer_finish(&answer);
}

static void expect_no_blame(void)
{
    if (dialog.verdict.is_bad)
        fail_msg("a right dialog was blamed: %s", dialog.verdict.text);
}

static void expect_words(const char *words)
{
    if (!dialog.verdict.is_bad)
        fail_msg("nothing was noticed, expected \"%s\"", words);
    if (strstr(dialog.verdict.text, words) == NULL)
        fail_msg("blamed for \"%s\", expected \"%s\"", dialog.verdict.text, words);
}

/* ---- what is right ---- */

static void a_right_dialog_is_not_blamed(void **state)
{
    (void)state;
    ask_file();
    introduce_server();
    put_response(1);
    put_numbers(FRAME_GOAWAY, 0, 1, FRAME_NO_ERROR, 2);
    stage.scene.is_draining = true;
    deliver();
    dialog_ended(&dialog, false);
    expect_no_blame();
}

/* ---- frames ---- */

static void content_before_headers_is_noticed(void **state)
{
    (void)state;
    ask_file();
    introduce_server();
    put(FRAME_DATA, 0, 1, SLICE("abc"));
    deliver();
    expect_words("content before the headers");
}

static void a_frame_before_settings_is_noticed(void **state)
{
    (void)state;
    put_numbers(FRAME_WINDOW_UPDATE, 0, 1, 0, 1);
    deliver();
    expect_words("before SETTINGS");
}

static void a_frame_behind_the_end_is_noticed(void **state)
{
    (void)state;
    ask_file();
    introduce_server();
    put_response(1);
    put(FRAME_DATA, FRAME_END_STREAM, 1, (struct slice){0});
    deliver();
    expect_words("behind the end of stream 1");
}

static void a_stream_that_nobody_opened_is_noticed(void **state)
{
    (void)state;
    introduce_server();
    put_response(1);
    deliver();
    expect_words("was not opened");
}

static void a_long_frame_is_noticed(void **state)
{
    (void)state;
    introduce_server();
    frame_write_head(&frames, FRAME_BYTES_MAX + 1, FRAME_DATA, 0, 1);
    deliver();
    expect_words("a frame of 16385 bytes");
}

static void a_long_first_frame_is_noticed(void **state)
{
    (void)state;
    struct buffer answer = right_answer();
    ask_file();
    introduce_server();
    put_content(put_head(buffer_slice(&answer), 1, FRAME_END_HEADERS), 1, 4097, true);
    buffer_finish(&answer);
    deliver();
    expect_words("at the beginning");
}

static void a_frame_between_headers_is_noticed(void **state)
{
    (void)state;
    struct buffer answer = right_answer();
    ask_file();
    introduce_server();
    put_head(buffer_slice(&answer), 1, 0);
    buffer_finish(&answer);
    put(FRAME_PING, 0, 0, SLICE("12345678"));
    deliver();
    expect_words("between headers and their continuation");
}

static void an_odd_frame_is_noticed(void **state)
{
    (void)state;
    introduce_server();
    put(FRAME_PUSH_PROMISE, 0, 1, SLICE("1234"));
    deliver();
    expect_words("a frame of type 5");
}

static void a_header_of_connections_is_noticed(void **state)
{
    (void)state;
    struct buffer answer;
    buffer_init(&answer, 1u << 20);
    buffer_append(&answer, SLICE("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"));
    ask_file();
    introduce_server();
    put_head(buffer_slice(&answer), 1, FRAME_END_HEADERS);
    buffer_finish(&answer);
    deliver();
    expect_words("\"connection\" over HTTP/2");
}

/* ---- windows ---- */

static void a_window_that_is_overdrawn_is_noticed(void **state)
{
    (void)state;
    dialog_send_settings(&dialog, 4000, 4096);
    ask_file();
    introduce_server();
    put(FRAME_SETTINGS, FRAME_ACK, 0, (struct slice){0});
    put_response(1);
    deliver();
    expect_words("the windows are 0 of the stream");
}

static void settings_count_from_their_acknowledgement_on(void **state)
{
    (void)state;
    dialog_send_settings(&dialog, 4000, 4096);
    ask_file();
    introduce_server();
    put_response(1);
    deliver();
    expect_no_blame();
}

static void the_window_of_the_connection_counts(void **state)
{
    (void)state;
    ask_file();
    introduce_server();
    dialog.window = 4500;
    put_response(1);
    deliver();
    expect_words("500 of the connection");
}

static void a_window_that_is_opened_too_far_is_noticed(void **state)
{
    (void)state;
    introduce_server();
    put_numbers(FRAME_WINDOW_UPDATE, 0, FRAME_WINDOW_MAX, 0, 1);
    deliver();
    expect_words("a window is opened");
}

/* ---- acknowledgements ---- */

static void settings_that_nobody_acknowledges_are_noticed(void **state)
{
    (void)state;
    ask_file();
    put(FRAME_SETTINGS, 0, 0, (struct slice){0});
    deliver();
    flush_client();
    time_spend(17 * SIM_S);
    dialog_check_time(&dialog);
    expect_words("SETTINGS are not acknowledged");
}

static void a_ping_that_nobody_answers_is_noticed(void **state)
{
    (void)state;
    introduce_server();
    dialog_send_ping(&dialog);
    flush_client();
    time_spend(17 * SIM_S);
    dialog_check_time(&dialog);
    expect_words("a PING is not answered");
}

static void a_pong_to_nothing_is_noticed(void **state)
{
    (void)state;
    introduce_server();
    put(FRAME_PING, FRAME_ACK, 0, SLICE("12345678"));
    deliver();
    expect_words("a PING that was not sent");
}

static void a_frame_of_a_stream_that_was_reset_is_noticed(void **state)
{
    (void)state;
    struct dialog_stream *stream = ask_file();
    introduce_server();
    dialog_reset(&dialog, stream, FRAME_CANCEL);
    dialog_send_ping(&dialog);
    flush_client();
    put_part(1, 100);
    deliver();
    expect_no_blame();
    frame_write_head(&frames, 8, FRAME_PING, FRAME_ACK, 0);
    frame_write_number(&frames, 0);
    frame_write_number(&frames, dialog.ping_number);
    put(FRAME_DATA, 0, 1, SLICE("abc"));
    deliver();
    expect_words("knows to be reset");
}

/* ---- resets and GOAWAY ---- */

static void reset_with(enum frame_code code)
{
    ask_file();
    introduce_server();
    put_part(1, 100);
    put_numbers(FRAME_RST_STREAM, 1, code, 0, 1);
    deliver();
}

static void a_reset_without_a_reason_is_noticed(void **state)
{
    (void)state;
    reset_with(FRAME_CANCEL);
    expect_words("reset with code 8, without a reason");
}

static void an_internal_error_is_noticed(void **state)
{
    (void)state;
    reset_with(FRAME_INTERNAL_ERROR);
    expect_words("reset with code 2");
}

static void a_stream_without_a_window_may_be_reset(void **state)
{
    (void)state;
    dialog_send_settings(&dialog, 100, 4096);
    ask_file();
    introduce_server();
    put(FRAME_SETTINGS, FRAME_ACK, 0, (struct slice){0});
    put_part(1, 100);
    put_numbers(FRAME_RST_STREAM, 1, FRAME_CANCEL, 0, 1);
    deliver();
    expect_no_blame();
}

static void a_response_to_what_must_be_reset_is_noticed(void **state)
{
    (void)state;
    ask_file()->ask.resets = true;
    introduce_server();
    put_response(1);
    deliver();
    expect_words("to what must be reset");
}

static void goaway_without_a_reason_is_noticed(void **state)
{
    (void)state;
    ask_file();
    introduce_server();
    put_numbers(FRAME_GOAWAY, 0, 1, FRAME_NO_ERROR, 2);
    deliver();
    expect_words("GOAWAY without a reason");
}

static void goaway_with_a_code_is_noticed(void **state)
{
    (void)state;
    stage.scene.is_draining = true;
    introduce_server();
    dialog_break(&dialog, FRAME_PING, 0, SLICE("1234567"), FRAME_SIZE_ERROR); /* excuses no other code */
    put_numbers(FRAME_GOAWAY, 0, 1, FRAME_ENHANCE_YOUR_CALM, 2);
    deliver();
    expect_words("GOAWAY with code 11");
}

static void goaway_that_takes_more_streams_is_noticed(void **state)
{
    (void)state;
    stage.scene.is_draining = true;
    introduce_server();
    put_numbers(FRAME_GOAWAY, 0, 1, FRAME_NO_ERROR, 2);
    put_numbers(FRAME_GOAWAY, 0, 3, FRAME_NO_ERROR, 2);
    deliver();
    expect_words("GOAWAY with stream 3 after one with 1");
}

static void goaway_that_drops_a_response_is_noticed(void **state)
{
    (void)state;
    stage.scene.is_draining = true;
    ask_file();
    introduce_server();
    put_part(1, 100);
    put_numbers(FRAME_GOAWAY, 0, 0, FRAME_NO_ERROR, 2);
    deliver();
    expect_words("is being answered");
}

/* ---- the end ---- */

static void a_stream_without_a_response_is_noticed(void **state)
{
    (void)state;
    ask_file();
    introduce_server();
    dialog_ended(&dialog, false);
    expect_words("without a response to stream 1");
}

static void a_stream_that_draining_loses_is_noticed(void **state)
{
    (void)state;
    stage.timeouts.drain_ms = 30000;
    ask_file();
    introduce_server();
    stage.scene.is_draining = true;
    stage.scene.drained_us = sim_now_us();
    put_numbers(FRAME_GOAWAY, 0, 1, FRAME_NO_ERROR, 2);
    deliver();
    dialog_ended(&dialog, false);
    expect_words("without a response to stream 1");
}

static void a_stream_behind_the_last_may_be_lost(void **state)
{
    (void)state;
    stage.timeouts.drain_ms = 30000;
    ask_file();
    introduce_server();
    stage.scene.is_draining = true;
    stage.scene.drained_us = sim_now_us();
    put_numbers(FRAME_GOAWAY, 0, 0, FRAME_NO_ERROR, 2);
    deliver();
    dialog_ended(&dialog, false);
    expect_no_blame();
}

static void half_a_frame_at_the_end_is_noticed(void **state)
{
    (void)state;
    introduce_server();
    time_spend(21 * SIM_S);
    frame_write_head(&frames, 8, FRAME_PING, 0, 0);
    deliver();
    dialog_ended(&dialog, false);
    expect_words("in the middle of a frame");
}

static void a_short_response_is_noticed(void **state)
{
    (void)state;
    ask_file();
    introduce_server();
    put_part(1, 100);
    put(FRAME_DATA, FRAME_END_STREAM, 1, (struct slice){0});
    deliver();
    expect_words("the response ends after 100 of 5000 bytes");
}

/* ---- time ---- */

static void a_stream_that_is_held_up_is_noticed(void **state)
{
    (void)state;
    ask_file();
    introduce_server();
    flush_client();
    time_spend(45 * SIM_S);
    dialog.moved_us = sim_now_us();
    dialog_check_time(&dialog);
    expect_words("has windows and gets nothing");
}

static void a_stream_that_is_stalled_for_ever_is_noticed(void **state)
{
    (void)state;
    dialog_send_settings(&dialog, 0, 4096);
    ask_file();
    introduce_server();
    put(FRAME_SETTINGS, FRAME_ACK, 0, (struct slice){0});
    deliver();
    flush_client();
    time_spend(60 * SIM_S);
    dialog.moved_us = sim_now_us();
    dialog_check_time(&dialog);
    expect_words("goes on without a window");
}

/* It ends before the breach is sent; behind it, without a word; or not at all. */
static void what_follows_a_breach_is_judged(void **state)
{
    static const char *const words[] = {"a connection without a request was closed", "ended without a word",
                                        "the protocol is broken"};
    for (size_t i = 0; i < ARRAY_LENGTH(words); i++) {
        tear_down_h2(state);
        set_up_h2(state);
        introduce_server();
        dialog_break(&dialog, FRAME_PING, 0, SLICE("1234567"), FRAME_SIZE_ERROR);
        if (i > 0)
            flush_client();
        dialog.read_bytes = dialog.sent_bytes;
        time_spend(i == 2 ? 40 * SIM_S : 0);
        dialog.moved_us = sim_now_us();
        (i == 2) ? dialog_check_time(&dialog) : dialog_ended(&dialog, false);
        expect_words(words[i]);
    }
}

#define H2_TEST(name) cmocka_unit_test_setup_teardown(name, set_up_h2, tear_down_h2)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        H2_TEST(a_right_dialog_is_not_blamed),
        H2_TEST(content_before_headers_is_noticed),
        H2_TEST(a_frame_before_settings_is_noticed),
        H2_TEST(a_frame_behind_the_end_is_noticed),
        H2_TEST(a_stream_that_nobody_opened_is_noticed),
        H2_TEST(a_long_frame_is_noticed),
        H2_TEST(a_long_first_frame_is_noticed),
        H2_TEST(a_frame_between_headers_is_noticed),
        H2_TEST(an_odd_frame_is_noticed),
        H2_TEST(a_header_of_connections_is_noticed),
        H2_TEST(a_window_that_is_overdrawn_is_noticed),
        H2_TEST(settings_count_from_their_acknowledgement_on),
        H2_TEST(the_window_of_the_connection_counts),
        H2_TEST(a_window_that_is_opened_too_far_is_noticed),
        H2_TEST(settings_that_nobody_acknowledges_are_noticed),
        H2_TEST(a_ping_that_nobody_answers_is_noticed),
        H2_TEST(a_pong_to_nothing_is_noticed),
        H2_TEST(a_frame_of_a_stream_that_was_reset_is_noticed),
        H2_TEST(a_reset_without_a_reason_is_noticed),
        H2_TEST(an_internal_error_is_noticed),
        H2_TEST(a_stream_without_a_window_may_be_reset),
        H2_TEST(a_response_to_what_must_be_reset_is_noticed),
        H2_TEST(goaway_without_a_reason_is_noticed),
        H2_TEST(goaway_with_a_code_is_noticed),
        H2_TEST(goaway_that_takes_more_streams_is_noticed),
        H2_TEST(goaway_that_drops_a_response_is_noticed),
        H2_TEST(a_stream_without_a_response_is_noticed),
        H2_TEST(a_stream_that_draining_loses_is_noticed),
        H2_TEST(a_stream_behind_the_last_may_be_lost),
        H2_TEST(half_a_frame_at_the_end_is_noticed),
        H2_TEST(a_short_response_is_noticed),
        H2_TEST(a_stream_that_is_held_up_is_noticed),
        H2_TEST(a_stream_that_is_stalled_for_ever_is_noticed),
        H2_TEST(what_follows_a_breach_is_judged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
