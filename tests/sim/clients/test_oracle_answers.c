/* The oracle is held to what it promises of single answers: the right one passes, and each way in which one
 * can be wrong is noticed, in words that say what it was. An oracle that lets something pass is worth
 * nothing. */
#include "oracle_stage.h"

#include <errno.h>

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
    {"ETag: \"", "ETag: \"1", "the ETag was"},
    {"ETag: \"", "ETag: W/\"", "is weak"},
    {"ETag: \"", "ETag: ", "ETag: "},
    {"ETag: ", "X-Tag: ", "no ETag"},
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
        ask_for_file("GET");
        send_all();
        struct buffer answer = right_answer(), wrong;
        receive(buffer_slice(&answer));
        expect_good();
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
    expect_blame("is not of the version");
}

/* ---- tags ---- */

/* The next version, and an answer with it that has the tag of the one before. */
static struct buffer answer_with_the_tag_of_before(int status, const char *reason)
{
    char length[40];
    struct site_file *file = &stage.website.files[0];
    char old_tag[ETAG_TEXT_MAX], new_tag[ETAG_TEXT_MAX];
    snprintf(old_tag, sizeof(old_tag), "%016llx",
             (unsigned long long)form_now(&file->forms[FORM_PLAIN])->key);
    time_spend(SIM_S);
    add_version(file, INT64_C(101000000000));
    time_spend(SIM_S);
    snprintf(new_tag, sizeof(new_tag), "%016llx",
             (unsigned long long)form_now(&file->forms[FORM_PLAIN])->key);
    snprintf(length, sizeof(length), "Content-Length: %d\r\n", FILE_BYTES);
    struct buffer answer;
    buffer_init(&answer, 1u << 20);
    write_head(&answer, status, reason, status == 304 ? "" : length);
    if (status != 304)
        write_content(&answer, form_now(&file->forms[FORM_PLAIN]), 0, FILE_BYTES);
    memcpy(memmem(answer.data, answer.length, new_tag, 16), old_tag, 16);
    return answer;
}

static void one_tag_for_two_contents_is_noticed(void **state)
{
    (void)state;
    ask_for_file("GET");
    send_all();
    struct buffer answer = right_answer();
    receive_and_free(&answer);
    expect_good();
    answer = answer_with_the_tag_of_before(200, "OK");
    ask_for_file("GET");
    send_all();
    receive_and_free(&answer);
    expect_blame("of two contents");
}

/* The client has the old content, and is told that it is still true. */
static void a_304_with_the_tag_of_another_content_is_noticed(void **state)
{
    (void)state;
    ask_for_file("GET");
    send_all();
    struct buffer answer = right_answer();
    receive_and_free(&answer);
    answer = answer_with_the_tag_of_before(304, "Not Modified");
    struct ask *ask = ask_for_file("GET");
    ask->none_match = (struct ask_tags){.is_there = true, .count = 1};
    struct version *old = &stage.website.files[0].forms[FORM_PLAIN].versions[0];
    assert_true(old->tag[0] != '\0');
    snprintf(ask->none_match.tags[0], ETAG_TEXT_MAX, "%s", old->tag);
    send_all();
    receive_and_free(&answer);
    expect_blame("of two contents");
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

/* ---- errors, and what other origins may read ---- */

/* The answer to a path that leads nowhere, with one line put in the place of another. */
static void receive_error(const char *from, const char *to)
{
    struct buffer answer = error_answer(404, ""), changed;
    buffer_init(&changed, 1u << 20);
    const char *place = memmem(answer.data, answer.length, from, strlen(from));
    assert_non_null(place);
    buffer_append(&changed, slice_make(answer.data, (size_t)(place - answer.data)));
    buffer_append(&changed, slice_from(to));
    buffer_append(&changed, slice_from(place + strlen(from)));
    receive(buffer_slice(&changed));
    buffer_finish(&answer);
    buffer_finish(&changed);
}

static void ask_for_nothing(void)
{
    stage.file_target.kind = TARGET_NOTHING;
    ask_for_file("GET");
    send_all();
}

static void an_error_in_another_form_is_noticed(void **state)
{
    static const struct {
        const char *from, *to, *blame; /* NULL: it is right */
        bool has_page, wants_json;
    } cases[] = {
        {"Vary", "Vary", NULL, false, false},
        {"Vary: Accept\r\n", "", "does not vary", false, false},
        {"Vary: Accept\r\n", "Vary: Accept, Origin\r\n", "Vary and Origin", false, false},
        {"<p class=\"status\">404", "<p class=\"status\">403", "is not whole", false, false},
        {"Vary", "Vary", "Content-Type", false, true},
        {"Vary", "Vary", "expected \"text/plain\"", true, false},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        tear_down(state);
        set_up(state);
        stage.area.error_page = cases[i].has_page ? &stage.website.files[0] : NULL;
        stage.area.has_page_for[4] = true;
        stage.website.areas[0] = stage.area;
        ask_for_nothing();
        stage.conversation.asks[0].wants_json = cases[i].wants_json;
        receive_error(cases[i].from, cases[i].to);
        if (cases[i].blame)
            expect_blame(cases[i].blame);
        else
            expect_good();
    }
}

/* Without headers there is an excuse, and with some of them there is none. */
static void only_a_fault_excuses_a_bare_503(void **state)
{
    static const struct {
        const char *status, *fields;
        bool has_fault, is_right;
    } cases[] = {
        {"503", "", true, true},
        {"503", "", false, false},
        {"200", "", true, false},
        {"503", "Server: vif\r\n", true, false},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct buffer answer;
        char date[DATE_TEXT_MAX];
        tear_down(state);
        set_up(state);
        ask_for_file("GET");
        send_all();
        if (cases[i].has_fault)
            harms_note(&stage.scene.harms, &stage.website,
                       &(struct sim_fault){.call = "malloc", .error = ENOMEM, .number = 1});
        date_write(date, seconds_of(sim_wall_ns()));
        buffer_init(&answer, 1000);
        buffer_printf(&answer, "HTTP/1.1 %s X\r\nDate: %s\r\n%sContent-Length: 0\r\n\r\n", cases[i].status,
                      date, cases[i].fields);
        receive_and_free(&answer);
        if (stage.conversation.verdict.is_bad == cases[i].is_right)
            fail_msg("%zu: %s", i, stage.conversation.verdict.text);
    }
}

static void an_origin_that_may_not_read_is_noticed(void **state)
{
#define ALLOW  "Access-Control-Allow-Origin: "
#define EXPOSE "Access-Control-Expose-Headers: ETag\r\n"
    static const struct {
        const char *origin, *fields;
        int cors;
        bool is_right;
    } cases[] = {
        {NULL, "", CORS_NONE, true},
        {WEBSITE_ORIGIN, ALLOW "*\r\n" EXPOSE, CORS_NONE, false},
        {NULL, ALLOW "*\r\n" EXPOSE, CORS_OF_ALL, true},
        {NULL, ALLOW "*\r\n", CORS_OF_ALL, false},
        {NULL, "", CORS_OF_ALL, false},
        {WEBSITE_ORIGIN, "Vary: Origin\r\n" ALLOW WEBSITE_ORIGIN "\r\n" EXPOSE, CORS_OF_SOME, true},
        {WEBSITE_ORIGIN, ALLOW WEBSITE_ORIGIN "\r\n" EXPOSE, CORS_OF_SOME, false},
        {WEBSITE_ORIGIN, "Vary: Origin\r\n", CORS_OF_SOME, false},
        {"https://evil.example", "Vary: Origin\r\n", CORS_OF_SOME, true},
        {"https://evil.example", "Vary: Origin\r\n" ALLOW "https://evil.example\r\n" EXPOSE, CORS_OF_SOME,
         false},
        {NULL, "Vary: Origin\r\n" ALLOW WEBSITE_ORIGIN "\r\n" EXPOSE, CORS_OF_SOME, false},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        tear_down(state);
        set_up(state);
        stage.area.cors = cases[i].cors;
        ask_for_nothing();
        stage.conversation.asks[0].origin = cases[i].origin;
        struct buffer answer = error_answer(404, cases[i].fields);
        receive_and_free(&answer);
        if (stage.conversation.verdict.is_bad == cases[i].is_right)
            fail_msg("%zu: %s", i, stage.conversation.verdict.text);
    }
}

/* ---- the settings that an answer is by ---- */

static void ask_and_answer(const char *mark, const char *words)
{
    struct buffer answer, out;
    ask_for_file("GET");
    send_all();
    time_spend(SIM_S);
    answer = right_answer();
    buffer_init(&out, 1u << 20);
    buffer_printf(&out, "HTTP/1.1 200 OK\r\n%s", mark);
    buffer_append(&out, slice_skip(buffer_slice(&answer), strlen("HTTP/1.1 200 OK\r\n")));
    receive_and_free(&out);
    buffer_finish(&answer);
    if (words)
        expect_blame(words);
    else
        expect_good();
}

#define SECOND "X-Edition: second\r\n"

/* While one takes over from the other both are right; before and afterwards one is. */
static void an_answer_by_other_settings_is_noticed(void **state)
{
    static const struct {
        bool is_told, is_decided, is_taken;
        const char *mark, *words;
    } cases[] = {
        {false, false, false, "", NULL},
        {false, false, false, SECOND, "X-Edition: second, where none should be"},
        {true, false, false, "", NULL},
        {true, false, false, SECOND, NULL},
        {true, true, false, "", NULL},
        {true, true, false, SECOND, "X-Edition: second, where none should be"},
        {true, true, true, "", "no X-Edition"},
        {true, true, true, SECOND, NULL},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct editions *editions = &stage.website.editions;
        tear_down(state);
        set_up(state);
        editions->all[1] = (struct edition){.mark = "second", .server_field = true};
        size_t reign = cases[i].is_told ? editions_begin_reign(editions, 1) : 0;
        if (cases[i].is_decided)
            editions_decide_reign(editions, reign, cases[i].is_taken);
        time_spend(SIM_S);
        ask_and_answer(cases[i].mark, cases[i].words);
    }
}

/* It is by those that it began with, however late it comes; a server need not be so quick in between. */
static void a_late_answer_by_later_settings_is_noticed(void **state)
{
    (void)state;
    struct editions *editions = &stage.website.editions;
    editions->all[1] = (struct edition){.mark = "second", .server_field = true};
    ask_for_file("GET");
    send_all();
    time_spend(30 * SIM_S);
    editions_decide_reign(editions, editions_begin_reign(editions, 1), true);
    struct buffer answer = right_answer();
    receive_and_free(&answer);
    expect_good();
    time_spend(SIM_S);
    ask_for_file("GET");
    send_all();
    time_spend(30 * SIM_S);
    editions_decide_reign(editions, editions_begin_reign(editions, 0), true);
    answer = right_answer();
    receive_and_free(&answer);
    expect_blame("no X-Edition");
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
        TEST(one_tag_for_two_contents_is_noticed),
        TEST(a_304_with_the_tag_of_another_content_is_noticed),
        TEST(a_condition_that_was_not_seen_is_noticed),
        TEST(a_wrong_range_is_noticed),
        TEST(an_error_in_another_form_is_noticed),
        TEST(only_a_fault_excuses_a_bare_503),
        TEST(an_origin_that_may_not_read_is_noticed),
        TEST(an_answer_by_other_settings_is_noticed),
        TEST(a_late_answer_by_later_settings_is_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
