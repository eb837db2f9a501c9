/* The oracle is held to what it promises: a right conversation passes, and each way in which one can be wrong
 * is noticed, in words that say what it was. A test for each invariant; an oracle that lets something pass is
 * worth nothing. */
#include "unit/test.h"

#include "content.h"
#include "conversation.h"
#include "kernel/internal.h"

#include <stdio.h>

#define FILE_BYTES 5000

struct stage {
    struct website website;
    struct limits limits;
    struct timeouts timeouts;
    struct scene scene;
    struct area area;
    struct target file_target;
    struct conversation conversation;
};

static struct stage stage;

/* run.c is not here. */
bool sim_is_short_of_jobs(void)
{
    return false;
}

/* ---- building ---- */

static void add_version(struct site_file *file, int64_t age_ns)
{
    struct form *form = &file->forms[FORM_PLAIN];
    if (form->count > 0)
        form->versions[form->count - 1].until_us = sim_now_us();
    form->versions[form->count++] = (struct version){
        .key = content_key(SLICE("/f"), form->count, SLICE("")),
        .size = FILE_BYTES,
        .modified_ns = sim_wall_ns() - age_ns,
        .from_us = sim_now_us(),
        .until_us = WEBSITE_NEVER,
    };
}

static int set_up(void **state)
{
    (void)state;
    kernel_start(&(struct kernel_options){.seed = 1, .replay_words = ""});
    stage = (struct stage){0};
    stage.limits = (struct limits){.connections = 10, .head_bytes = 4096, .uri_bytes = 512, .fields = 32};
    stage.timeouts = (struct timeouts){.head_ms = 3000,
                                       .body_ms = 3000,
                                       .idle_ms = 20000,
                                       .write_ms = 5000,
                                       .linger_ms = 5000,
                                       .rate_bytes_min = 240};
    stage.website.limits = &stage.limits;
    stage.website.timeouts = &stage.timeouts;
    stage.website.server_field = true;
    stage.area = (struct area){.prefix = "/", .root = "/site"};
    struct site_file *file = &stage.website.files[0];
    *file = (struct site_file){.path = "/site/f", .type = "text/plain", .area = &stage.area};
    add_version(file, INT64_C(100000000000));
    stage.file_target = (struct target){
        .kind = TARGET_FILE, .url = "/f", .area = &stage.area, .file = file, .type = "text/plain"};
    stage.scene.website = &stage.website;
    time_spend(SIM_S);
    conversation_begin(&stage.conversation, &stage.scene, 1);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    conversation_finish(&stage.conversation);
    kernel_finish();
    return 0;
}

static struct ask *ask_for_file(const char *method)
{
    struct ask *ask = conversation_add(&stage.conversation);
    ask_init(ask);
    ask->target = &stage.file_target;
    ask->method = method;
    ask->is_head = strcmp(method, "HEAD") == 0;
    buffer_printf(&ask->bytes, "%s /f HTTP/1.1\r\nHost: x\r\n\r\n", method);
    ask->head_bytes = ask->bytes.length;
    return ask;
}

static void send_all(void)
{
    for (struct slice unsent; (unsent = conversation_unsent(&stage.conversation)).length > 0;)
        conversation_sent(&stage.conversation, unsent.length);
    time_spend(1000);
}

static void receive(struct slice bytes)
{
    conversation_received(&stage.conversation, bytes);
}

/* The right head to a GET of the file's newest version, but for what the caller adds. */
static void write_head(struct buffer *out, int status, const char *reason, const char *fields)
{
    const struct version *version = form_now(&stage.website.files[0].forms[FORM_PLAIN]);
    char date[DATE_TEXT_MAX], modified[DATE_TEXT_MAX], tag[ETAG_TEXT_MAX];
    date_write(date, seconds_of(sim_wall_ns()));
    date_write(modified, seconds_of(version->modified_ns));
    etag_write(tag, version->modified_ns, version->size, "", false);
    buffer_printf(out,
                  "HTTP/1.1 %d %s\r\nDate: %s\r\nServer: vif\r\nContent-Type: text/plain\r\n"
                  "Accept-Ranges: bytes\r\nETag: %s\r\nLast-Modified: %s\r\n%s\r\n",
                  status, reason, date, tag, modified, fields);
}

static void write_content(struct buffer *out, const struct version *version, uint64_t first, size_t length)
{
    buffer_reserve(out, length);
    content_fill(out->data + out->length, version->key, first, length);
    out->length += length;
}

static struct buffer right_answer(void)
{
    struct buffer out;
    char length[40];
    buffer_init(&out, 1u << 20);
    snprintf(length, sizeof(length), "Content-Length: %d\r\n", FILE_BYTES);
    write_head(&out, 200, "OK", length);
    write_content(&out, form_now(&stage.website.files[0].forms[FORM_PLAIN]), 0, FILE_BYTES);
    return out;
}

/* An error page as vif writes it. */
static struct buffer error_answer(int status, const char *fields)
{
    struct buffer out;
    char date[DATE_TEXT_MAX];
    buffer_init(&out, 1u << 20);
    date_write(date, seconds_of(sim_wall_ns()));
    buffer_printf(&out,
                  "HTTP/1.1 %d X\r\nDate: %s\r\nServer: vif\r\n%sContent-Type: text/html; charset=utf-8\r\n"
                  "Content-Length: 32\r\n\r\n<p class=\"status\">%d</p></html>",
                  status, date, fields, status);
    return out;
}

/* ---- asking the oracle ---- */

static void expect_good(void)
{
    if (stage.conversation.verdict.is_bad)
        fail_msg("a right conversation was blamed: %s", stage.conversation.verdict.text);
}

static void expect_blame(const char *words)
{
    if (!stage.conversation.verdict.is_bad)
        fail_msg("nothing was noticed, expected \"%s\"", words);
    if (strstr(stage.conversation.verdict.text, words) == NULL)
        fail_msg("blamed for \"%s\", expected \"%s\"", stage.conversation.verdict.text, words);
}

static void receive_and_free(struct buffer *answer)
{
    receive(buffer_slice(answer));
    buffer_finish(answer);
}

/* ---- right conversations ---- */

static void right_answers_pass(void **state)
{
    (void)state;
    ask_for_file("GET");
    ask_for_file("GET");
    send_all();
    for (int i = 0; i < 2; i++) {
        struct buffer answer = right_answer();
        for (size_t at = 0; at < answer.length; at++)
            receive(slice_make(answer.data + at, 1));
        buffer_finish(&answer);
    }
    expect_good();
    assert_int_equal(stage.conversation.answered, 2);
    time_spend(25 * SIM_S);
    conversation_ended(&stage.conversation, false);
    expect_good();
}

/* ---- a wrong byte in an answer ---- */

static const struct mutation {
    const char *from, *to, *blame;
} mutations[] = {
    {"HTTP/1.1 200", "HTTP/1.0 200", "where an answer should begin"},
    {"HTTP/1.1 200", " HTTP/1.1 200", "where an answer should begin"},
    {"200 OK", "2x0 OK", "the status line"},
    {"200 OK", "206 OK", "expected 200"},
    {"200 OK", "500 OK", "expected 200"},
    {"\r\nDate", "\nDate", "bare"},
    {"OK\r\n", "O\rK\r\n", "bare CR"},
    {"Server: vif", "Server : vif", "the field line"},
    {"Server: vif", "Server:vif", "the field line"},
    {"Server: vif",
     "Server: v\x01"
     "f",
     "the field line"},
    {"Server: vif\r\n", "", "no Server"},
    {"Server: vif", " Server: vif", "the field line"},
    {"Content-Type: text/plain", "Content-Type: text/html", "Content-Type"},
    {"Accept-Ranges: bytes\r\n", "Accept-Ranges: bytes\r\nAccept-Ranges: bytes\r\n", "more than one"},
    {"Accept-Ranges: bytes\r\n", "", "Accept-Ranges"},
    {"Accept-Ranges: bytes\r\n", "Accept-Ranges: bytes\r\nVary: Accept-Encoding\r\n", "Vary"},
    {"Accept-Ranges: bytes\r\n", "Accept-Ranges: bytes\r\nContent-Encoding: gzip\r\n", "Content-Encoding"},
    {"Accept-Ranges: bytes\r\n", "Accept-Ranges: bytes\r\nContent-Range: bytes 0-4999/5000\r\n",
     "Content-Range"},
    {"Accept-Ranges: bytes\r\n", "Accept-Ranges: bytes\r\nConnection: close\r\n", "without a reason"},
    {"Accept-Ranges: bytes\r\n", "Accept-Ranges: bytes\r\nConnection: keep-alive\r\n", "keep-alive"},
    {"Accept-Ranges: bytes\r\n", "Accept-Ranges: bytes\r\nConnection: upgrade\r\n", "Connection: upgrade"},
    {"Accept-Ranges: bytes\r\n", "Accept-Ranges: bytes\r\nTransfer-Encoding: chunked\r\n",
     "Transfer-Encoding"},
    {"ETag: \"", "ETag: \"1", "ETag"},
    {"ETag: \"", "ETag: W/\"", "ETag"},
    {"Content-Length: 5000\r\n", "", "no Content-Length"},
    {"Content-Length: 5000", "Content-Length: +5000", "Content-Length"},
    {"Content-Length: 5000", "Content-Length: 4999", "Content-Length"},
    {"Content-Length: 5000", "Content-Length: 5000\r\nContent-Length: 5000", "more than one"},
    {"Date: ", "Date: x", "Date"},
    {"GMT\r\nServer", "UTC\r\nServer", "Date"},
    {"Last-Modified: ", "Last-Modified: x", "Last-Modified"},
};

static void each_wrong_line_is_noticed(void **state)
{
    for (size_t i = 0; i < ARRAY_LENGTH(mutations); i++) {
        const struct mutation *mutation = &mutations[i];
        tear_down(state);
        set_up(state);
        ask_for_file("GET");
        send_all();
        struct buffer answer = right_answer(), wrong;
        buffer_init(&wrong, 1u << 20);
        const char *place = memmem(answer.data, answer.length, mutation->from, strlen(mutation->from));
        assert_non_null(place);
        size_t before = (size_t)(place - answer.data);
        buffer_append(&wrong, slice_make(answer.data, before));
        buffer_append(&wrong, slice_from(mutation->to));
        buffer_append(&wrong, slice_skip(buffer_slice(&answer), before + strlen(mutation->from)));
        receive_and_free(&wrong);
        buffer_finish(&answer);
        expect_blame(mutation->blame);
    }
}

static void each_wrong_byte_of_content_is_noticed(void **state)
{
    static const size_t places[] = {0, 1, 7, 8, 1000, 4095, 4096, FILE_BYTES - 1};
    for (size_t i = 0; i < ARRAY_LENGTH(places); i++) {
        tear_down(state);
        set_up(state);
        ask_for_file("GET");
        send_all();
        struct buffer answer = right_answer();
        answer.data[answer.length - FILE_BYTES + places[i]] ^= 1;
        receive_and_free(&answer);
        expect_blame("is not of the version");
    }
}

static void a_date_that_is_off_is_noticed(void **state)
{
    (void)state;
    ask_for_file("GET");
    send_all();
    struct buffer answer = right_answer();
    time_spend(3 * SIM_S);
    struct buffer late = right_answer();
    receive_and_free(&answer);
    expect_good();
    ask_for_file("GET");
    send_all();
    memcpy(late.data, "HTTP/1.1 200 OK\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT", 52);
    receive_and_free(&late);
    expect_blame("seconds off");
}

/* ---- versions ---- */

static void either_version_passes_and_no_mixture(void **state)
{
    for (int mixed = 0; mixed < 3; mixed++) {
        tear_down(state);
        set_up(state);
        ask_for_file("GET");
        send_all();
        struct buffer old = right_answer();
        add_version(&stage.website.files[0], INT64_C(50000000));
        time_spend(1000);
        struct buffer new = right_answer();
        if (mixed == 2)
            memcpy(new.data + new.length - 100, old.data + old.length - 100, 100);
        receive(buffer_slice(mixed == 0 ? &old : &new));
        buffer_finish(&old);
        buffer_finish(&new);
        if (mixed == 2)
            expect_blame("is not of the version");
        else
            expect_good();
    }
}

static void a_version_of_before_the_request_is_noticed(void **state)
{
    (void)state;
    struct buffer old = right_answer();
    time_spend(1000);
    add_version(&stage.website.files[0], INT64_C(50000000));
    time_spend(1000);
    ask_for_file("GET");
    send_all();
    receive_and_free(&old);
    expect_blame("ETag");
}

/* ---- order and count ---- */

static void a_second_answer_is_noticed(void **state)
{
    (void)state;
    ask_for_file("GET");
    send_all();
    for (int i = 0; i < 2; i++) {
        struct buffer answer = right_answer();
        receive_and_free(&answer);
    }
    expect_blame("an answer to nothing");
}

static void an_answer_before_its_request_is_noticed(void **state)
{
    (void)state;
    ask_for_file("GET");
    conversation_sent(&stage.conversation, 10);
    struct buffer answer = right_answer();
    receive_and_free(&answer);
    expect_blame("before the request was sent");
}

static void answers_in_another_order_are_noticed(void **state)
{
    (void)state;
    ask_for_file("GET");
    ask_for_file("GET")->status = 501;
    send_all();
    struct buffer second = error_answer(501, "");
    receive_and_free(&second);
    expect_blame("status 501, expected 200");
}

static void bytes_behind_the_last_answer_are_noticed(void **state)
{
    (void)state;
    ask_for_file("GET")->refused = 400;
    send_all();
    struct buffer answer = error_answer(400, "Connection: close\r\n");
    receive(buffer_slice(&answer));
    expect_good();
    receive_and_free(&answer);
    expect_blame("behind the last answer");
}

static void content_of_a_head_request_is_noticed(void **state)
{
    (void)state;
    ask_for_file("HEAD");
    send_all();
    struct buffer answer = right_answer();
    receive_and_free(&answer);
    expect_blame("where an answer should begin");
}

static void a_last_answer_that_does_not_say_so_is_noticed(void **state)
{
    (void)state;
    ask_for_file("GET")->says_close = true;
    send_all();
    struct buffer answer = right_answer();
    receive_and_free(&answer);
    expect_blame("does not say Connection: close");
}

static void more_requests_than_allowed_are_noticed(void **state)
{
    (void)state;
    stage.limits.requests_per_connection = 1;
    ask_for_file("GET");
    send_all();
    struct buffer answer = right_answer();
    receive_and_free(&answer);
    expect_blame("does not say Connection: close");
}

static void a_needless_continue_is_noticed(void **state)
{
    (void)state;
    ask_for_file("GET");
    send_all();
    receive(SLICE("HTTP/1.1 100 Continue\r\n\r\n"));
    expect_blame("does not expect it");
}

static void a_second_continue_is_noticed(void **state)
{
    (void)state;
    ask_for_file("GET")->expects = true;
    send_all();
    receive(SLICE("HTTP/1.1 100 Continue\r\n\r\n"));
    expect_good();
    receive(SLICE("HTTP/1.1 100 Continue\r\n\r\n"));
    expect_blame("100 twice");
}

static void a_refusal_with_another_status_is_noticed(void **state)
{
    (void)state;
    ask_for_file("GET")->refused = 431;
    send_all();
    struct buffer answer = error_answer(400, "Connection: close\r\n");
    receive_and_free(&answer);
    expect_blame("status 400, expected 431");
}

/* ---- conditions and ranges ---- */

static void a_condition_that_was_not_seen_is_noticed(void **state)
{
    (void)state;
    struct ask *ask = ask_for_file("GET");
    ask->none_match = (struct ask_tags){.is_there = true, .is_star = true};
    send_all();
    struct buffer answer = right_answer();
    receive_and_free(&answer);
    expect_blame("status 200, expected 304");
}

static void a_wrong_range_is_noticed(void **state)
{
    static const struct {
        const char *content_range;
        uint64_t first;
        const char *blame; /* NULL: it is right */
    } cases[] = {
        {"bytes 10-19/5000", 10, NULL},
        {"bytes 10-19/5000", 11, "is not of the version"},
        {"bytes 10-20/5000", 10, "Content-Range"},
        {"bytes 10-19/*", 10, "Content-Range"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        tear_down(state);
        set_up(state);
        struct ask *ask = ask_for_file("GET");
        struct buffer answer;
        char fields[100];
        ask->has_range = true;
        ask->range_count = 1;
        ask->ranges[0] = (struct ask_range){RANGE_BETWEEN, 10, 19};
        send_all();
        snprintf(fields, sizeof(fields), "Content-Range: %s\r\nContent-Length: 10\r\n",
                 cases[i].content_range);
        buffer_init(&answer, 1u << 20);
        write_head(&answer, 206, "Partial Content", fields);
        write_content(&answer, form_now(&stage.website.files[0].forms[FORM_PLAIN]), cases[i].first, 10);
        receive_and_free(&answer);
        if (cases[i].blame)
            expect_blame(cases[i].blame);
        else
            expect_good();
    }
}

/* ---- ends ---- */

static void an_end_without_an_answer_is_noticed(void **state)
{
    (void)state;
    ask_for_file("GET");
    send_all();
    conversation_ended(&stage.conversation, false);
    expect_blame("without an answer");
}

static void an_answer_that_is_cut_off_is_noticed(void **state)
{
    (void)state;
    ask_for_file("GET");
    send_all();
    struct buffer answer = right_answer();
    receive(slice_make(answer.data, answer.length - 1));
    buffer_finish(&answer);
    conversation_ended(&stage.conversation, false);
    expect_blame("cut off");
}

static void a_wrong_byte_in_what_a_fault_cut_off_is_noticed(void **state)
{
    (void)state;
    ask_for_file("GET");
    send_all();
    stage.scene.faults++;
    struct buffer answer = right_answer();
    answer.data[answer.length - 10] ^= 1;
    receive(slice_make(answer.data, answer.length - 1));
    buffer_finish(&answer);
    conversation_ended(&stage.conversation, false);
    expect_blame("is not of the version");
}

static void an_idle_connection_that_ends_early_is_noticed(void **state)
{
    (void)state;
    time_spend(10 * SIM_S);
    conversation_ended(&stage.conversation, false);
    expect_blame("an idle connection was closed");
}

static void an_end_in_the_middle_of_a_request_is_noticed(void **state)
{
    (void)state;
    ask_for_file("GET");
    conversation_sent(&stage.conversation, 10);
    conversation_ended(&stage.conversation, false);
    expect_blame("in the middle of request");
}

static void a_client_that_is_turned_away_from_an_empty_server_is_noticed(void **state)
{
    (void)state;
    stage.conversation.began_us = sim_now_us();
    receive(SLICE("HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nConnection: close\r\n"
                  "Content-Type: text/plain\r\nContent-Length: 32\r\n\r\nToo many connections, try again\n"));
    expect_blame("though there is room");
}

/* ---- time ---- */

static void a_408_that_comes_early_is_noticed(void **state)
{
    (void)state;
    ask_for_file("GET")->end = ASK_NEVER_ENDS;
    conversation_sent(&stage.conversation, 10);
    time_spend(SIM_S);
    struct buffer answer = error_answer(408, "Connection: close\r\n");
    receive_and_free(&answer);
    expect_blame("408 after");
}

static void silence_is_noticed(void **state)
{
    (void)state;
    ask_for_file("GET");
    send_all();
    time_spend(20 * SIM_S);
    conversation_check_time(&stage.conversation);
    expect_good();
    time_spend(10 * SIM_S);
    conversation_check_time(&stage.conversation);
    expect_blame("nothing has happened");
}

static void a_head_that_drips_on_is_noticed(void **state)
{
    (void)state;
    ask_for_file("GET");
    for (int i = 0; i < 12; i++) {
        conversation_sent(&stage.conversation, 1);
        time_spend(SIM_S);
    }
    conversation_check_time(&stage.conversation);
    expect_blame("has been dripping");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(right_answers_pass),
        TEST(each_wrong_line_is_noticed),
        TEST(each_wrong_byte_of_content_is_noticed),
        TEST(a_date_that_is_off_is_noticed),
        TEST(either_version_passes_and_no_mixture),
        TEST(a_version_of_before_the_request_is_noticed),
        TEST(a_second_answer_is_noticed),
        TEST(an_answer_before_its_request_is_noticed),
        TEST(answers_in_another_order_are_noticed),
        TEST(bytes_behind_the_last_answer_are_noticed),
        TEST(content_of_a_head_request_is_noticed),
        TEST(a_last_answer_that_does_not_say_so_is_noticed),
        TEST(more_requests_than_allowed_are_noticed),
        TEST(a_needless_continue_is_noticed),
        TEST(a_second_continue_is_noticed),
        TEST(a_refusal_with_another_status_is_noticed),
        TEST(a_condition_that_was_not_seen_is_noticed),
        TEST(a_wrong_range_is_noticed),
        TEST(an_end_without_an_answer_is_noticed),
        TEST(an_answer_that_is_cut_off_is_noticed),
        TEST(a_wrong_byte_in_what_a_fault_cut_off_is_noticed),
        TEST(an_idle_connection_that_ends_early_is_noticed),
        TEST(an_end_in_the_middle_of_a_request_is_noticed),
        TEST(a_client_that_is_turned_away_from_an_empty_server_is_noticed),
        TEST(a_408_that_comes_early_is_noticed),
        TEST(silence_is_noticed),
        TEST(a_head_that_drips_on_is_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
