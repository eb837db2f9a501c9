/* The oracle is held to what it promises of the wire: order and count of answers, how connections end, and
 * when. A test for each invariant. */
#include "oracle_stage.h"

#include <errno.h>

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
    harms_note(&stage.scene.harms, &stage.website,
               &(struct sim_fault){.call = "malloc", .error = ENOMEM, .number = 1});
    struct buffer answer = right_answer();
    answer.data[answer.length - 10] ^= 1;
    receive(slice_make(answer.data, answer.length - 1));
    buffer_finish(&answer);
    conversation_ended(&stage.conversation, false);
    expect_blame("is not of the version");
}

/* ---- what a fault excuses ---- */

static const struct sim_fault no_memory = {.call = "malloc", .error = ENOMEM, .number = 1};

static void a_fault_of_its_own_excuses_an_end(void **state)
{
    (void)state;
    ask_for_file("GET");
    send_all();
    harms_note_own(&stage.conversation.harms, &no_memory);
    conversation_ended(&stage.conversation, false);
    expect_good();
}

static void a_fault_of_another_connection_excuses_nothing(void **state)
{
    (void)state;
    struct sim_fault fault = no_memory;
    fault.is_for_one = true;
    ask_for_file("GET");
    send_all();
    harms_note(&stage.scene.harms, &stage.website, &fault);
    conversation_ended(&stage.conversation, false);
    expect_blame("without an answer");
}

static void a_fault_long_ago_excuses_no_end(void **state)
{
    (void)state;
    harms_note(&stage.scene.harms, &stage.website, &no_memory);
    time_spend(10 * SIM_S);
    conversation_ended(&stage.conversation, false);
    expect_blame("an idle connection was closed");
}

static void want_of_room_long_ago_excuses_no_end(void **state)
{
    (void)state;
    harms_note(&stage.scene.harms, &stage.website, &(struct sim_fault){.call = "accept4", .error = EMFILE});
    time_spend(10 * SIM_S);
    conversation_ended(&stage.conversation, false);
    expect_blame("an idle connection was closed");
}

static void want_of_room_takes_no_answer_away(void **state)
{
    (void)state;
    ask_for_file("GET");
    send_all();
    harms_note(&stage.scene.harms, &stage.website, &(struct sim_fault){.call = "accept4", .error = EMFILE});
    stage.conversation.had_time = true;
    conversation_ended(&stage.conversation, false);
    expect_blame("without an answer");
}

static void a_full_pool_excuses_503_of_whom_it_hits(void **state)
{
    static const struct sim_fault full = {.call = "offload", .error = EAGAIN, .is_for_one = true};
    for (int is_own = 0; is_own < 2; is_own++) {
        tear_down(state);
        set_up(state);
        ask_for_file("GET");
        send_all();
        harms_note(&stage.scene.harms, &stage.website, &full);
        if (is_own)
            harms_note_own(&stage.conversation.harms, &full);
        struct buffer answer = error_answer(503, "Retry-After: 1\r\n");
        receive_and_free(&answer);
        if (is_own)
            expect_good();
        else
            expect_blame("503");
    }
}

/* A server that drains answers what it has, as long as it has time. */
static void drain_with_a_request(uint64_t drain_us)
{
    stage.timeouts.drain_ms = 30000;
    ask_for_file("GET");
    send_all();
    stage.scene.is_draining = true;
    stage.scene.drained_us = sim_now_us();
    time_spend(drain_us);
    stage.conversation.had_time = true;
    conversation_ended(&stage.conversation, false);
}

static void draining_takes_no_answer_away(void **state)
{
    (void)state;
    drain_with_a_request(10 * SIM_S);
    expect_blame("without an answer");
}

static void the_end_of_draining_does(void **state)
{
    (void)state;
    drain_with_a_request(30 * SIM_S);
    expect_good();
}

/* ---- ends ---- */

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
    time_spend(60 * SIM_S);
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
        TEST(an_end_without_an_answer_is_noticed),
        TEST(an_answer_that_is_cut_off_is_noticed),
        TEST(a_wrong_byte_in_what_a_fault_cut_off_is_noticed),
        TEST(a_fault_of_its_own_excuses_an_end),
        TEST(a_fault_of_another_connection_excuses_nothing),
        TEST(a_fault_long_ago_excuses_no_end),
        TEST(want_of_room_long_ago_excuses_no_end),
        TEST(want_of_room_takes_no_answer_away),
        TEST(a_full_pool_excuses_503_of_whom_it_hits),
        TEST(draining_takes_no_answer_away),
        TEST(the_end_of_draining_does),
        TEST(an_idle_connection_that_ends_early_is_noticed),
        TEST(an_end_in_the_middle_of_a_request_is_noticed),
        TEST(a_client_that_is_turned_away_from_an_empty_server_is_noticed),
        TEST(a_408_that_comes_early_is_noticed),
        TEST(silence_is_noticed),
        TEST(a_head_that_drips_on_is_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
