/* The oracle of the access log is held to what it promises: a test for each thing that a line may say
 * wrongly. */
#include "oracle_stage.h"

#include "journal.h"

static struct journal journal;
static uint64_t handed_bytes;

static uint64_t handed(const struct sim_socket *socket)
{
    (void)socket;
    return handed_bytes;
}

static int open_journal(void **state)
{
    set_up(state);
    journal_init(&journal);
    return 0;
}

static int close_journal(void **state)
{
    journal_finish(&journal);
    return tear_down(state);
}

static void write_line(int status, unsigned bytes, const char *outcome)
{
    char line[300];
    int length = snprintf(line, sizeof(line),
                          "{\"time\":\"x\",\"client\":\"10.0.0.1\",\"method\":\"GET\",\"user_agent\":\"1\","
                          "\"status\":%d,\"bytes\":%u,\"duration_us\":5,\"outcome\":\"%s\"}\n",
                          status, bytes, outcome);
    journal_read(&journal, slice_make(line, (size_t)length), &stage.conversation.verdict);
}

static struct ask *ask_first(void)
{
    struct ask *ask = ask_for_file("GET");
    ask->number = 1;
    send_all();
    return ask;
}

static void end(bool by_client)
{
    stage.conversation.has_ended = true;
    stage.conversation.is_abandoned = by_client;
    journal_note(&journal, &stage.conversation, NULL);
    journal_judge(&journal, handed, &stage.conversation.verdict);
}

static void be_answered(void)
{
    ask_first();
    struct buffer answer = right_answer();
    handed_bytes = answer.length;
    receive_and_free(&answer);
}

/* So many bytes of the content come, and so many were handed over; returns the length of the head. */
static void be_cut(size_t received, size_t sent)
{
    ask_first();
    struct buffer answer = right_answer();
    size_t head = answer.length - FILE_BYTES;
    handed_bytes = head + sent;
    receive(slice_take(buffer_slice(&answer), head + received));
    buffer_finish(&answer);
}

/* ---- what is right ---- */

static void a_right_line_is_right(void **state)
{
    (void)state;
    be_answered();
    write_line(200, FILE_BYTES, "complete");
    end(false);
    expect_good();
}

static void a_right_line_of_a_cut_answer_is_right(void **state)
{
    (void)state;
    be_cut(1000, 3000);
    write_line(200, 3000, "client_left");
    end(true);
    expect_good();
}

static void a_line_that_was_dropped_may_be_missing(void **state)
{
    (void)state;
    be_answered();
    journal.dropped = 1;
    journal.asked[0] = JOURNAL_FEW_ASKS;
    end(false);
    expect_good();
}

static void where_there_is_no_memory_any_line_may_be_missing(void **state)
{
    (void)state;
    be_answered();
    journal.dropped = 1;
    journal.may_lose_any = true;
    end(false);
    expect_good();
}

static void what_nobody_understood_needs_no_line(void **state)
{
    (void)state;
    ask_first()->refused = 400;
    struct buffer answer = error_answer(400, "Connection: close\r\n");
    receive_and_free(&answer);
    end(false);
    expect_good();
}

/* ---- what is not ---- */

static void a_missing_line_is_noticed(void **state)
{
    (void)state;
    be_answered();
    end(false);
    expect_blame("1 lines are missing");
}

static void a_dropped_line_of_who_asked_little_is_noticed(void **state)
{
    (void)state;
    be_answered();
    journal.dropped = 1;
    end(false);
    expect_blame("sent only 1");
}

static void a_second_line_is_noticed(void **state)
{
    (void)state;
    be_answered();
    write_line(200, FILE_BYTES, "complete");
    write_line(200, FILE_BYTES, "complete");
    expect_blame("a second line");
}

static void a_line_of_no_request_is_noticed(void **state)
{
    (void)state;
    write_line(200, FILE_BYTES, "complete");
    end(false);
    expect_blame("was not sent");
}

static void a_broken_line_is_noticed(void **state)
{
    (void)state;
    journal_read(&journal, SLICE("{\"time\":\"x\",\"client\":\"10.\n"), &stage.conversation.verdict);
    expect_blame("that is none");
}

static void another_status_is_noticed(void **state)
{
    (void)state;
    be_answered();
    write_line(404, FILE_BYTES, "complete");
    end(false);
    expect_blame("status 404");
}

static void another_length_is_noticed(void **state)
{
    (void)state;
    be_answered();
    write_line(200, FILE_BYTES + 100, "complete");
    end(false);
    expect_blame("5100 bytes");
}

static void a_whole_answer_that_is_called_cut_is_noticed(void **state)
{
    (void)state;
    be_answered();
    write_line(200, FILE_BYTES, "client_left");
    end(true);
    expect_blame("came whole");
}

static void the_promised_length_of_a_cut_answer_is_noticed(void **state)
{
    (void)state;
    be_cut(1000, 3000);
    write_line(200, FILE_BYTES, "client_left");
    end(true);
    expect_blame("of which 3000 were sent");
}

static void a_cut_answer_that_is_called_complete_is_noticed(void **state)
{
    (void)state;
    be_cut(1000, 3000);
    write_line(200, 3000, "complete");
    end(true);
    expect_blame("complete of request 1");
}

static void who_is_there_has_not_left(void **state)
{
    (void)state;
    be_cut(1000, 3000);
    write_line(200, 3000, "client_left");
    end(false);
    expect_blame("says client_left");
}

/* Each is the answer of a client that has done nothing to bring it about. */
static void no_reason_is_given_without_cause(void **state)
{
    static const char *const words[] = {"timed_out", "file_changed",   "read_failed", "shed",
                                        "shutdown",  "connection_cut", "overloaded",  "anything"};
    for (size_t i = 0; i < ARRAY_LENGTH(words); i++) {
        be_cut(1000, 3000);
        write_line(200, 3000, words[i]);
        end(false);
        expect_blame(words[i]);
        close_journal(state);
        open_journal(state);
    }
}

static void who_reads_slowly_may_be_late(void **state)
{
    (void)state;
    be_cut(1000, 3000);
    write_line(200, 3000, "timed_out");
    stage.conversation.is_slow = true;
    end(false);
    expect_good();
}

static void no_response_has_no_bytes(void **state)
{
    (void)state;
    ask_first();
    write_line(499, 7, "client_left");
    end(true);
    expect_blame("without a response");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_journal, close_journal)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_right_line_is_right),
        TEST(a_right_line_of_a_cut_answer_is_right),
        TEST(a_line_that_was_dropped_may_be_missing),
        TEST(what_nobody_understood_needs_no_line),
        TEST(where_there_is_no_memory_any_line_may_be_missing),
        TEST(a_missing_line_is_noticed),
        TEST(a_dropped_line_of_who_asked_little_is_noticed),
        TEST(a_second_line_is_noticed),
        TEST(a_line_of_no_request_is_noticed),
        TEST(a_broken_line_is_noticed),
        TEST(another_status_is_noticed),
        TEST(another_length_is_noticed),
        TEST(a_whole_answer_that_is_called_cut_is_noticed),
        TEST(the_promised_length_of_a_cut_answer_is_noticed),
        TEST(a_cut_answer_that_is_called_complete_is_noticed),
        TEST(who_is_there_has_not_left),
        TEST(no_reason_is_given_without_cause),
        TEST(who_reads_slowly_may_be_late),
        TEST(no_response_has_no_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
