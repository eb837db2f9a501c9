/* Answers as they come in. How a connection may end, and how long a wait may last, is in endings.c. */
#include "conversation.h"

#include "endings.h"
#include "judge.h"

void conversation_begin(struct conversation *conversation, struct scene *scene, unsigned number)
{
    *conversation = (struct conversation){
        .scene = scene,
        .number = number,
        .began_us = sim_now_us(),
        .answered_us = sim_now_us(),
        .moved_us = sim_now_us(),
        .harms.all = &scene->harms,
    };
    buffer_init(&conversation->inbox, 64u << 20);
}

struct ask *conversation_add(struct conversation *conversation)
{
    if (conversation->ask_count == CONVERSATION_ASKS_MAX)
        return NULL;
    return &conversation->asks[conversation->ask_count++];
}

struct slice conversation_unsent(const struct conversation *conversation)
{
    if (conversation->sending == conversation->ask_count)
        return (struct slice){0};
    return slice_skip(buffer_slice(&conversation->asks[conversation->sending].bytes), conversation->sent);
}

void conversation_finish(struct conversation *conversation)
{
    for (size_t i = 0; i < conversation->ask_count; i++) {
        ask_note_end(&conversation->asks[i]);
        ask_finish(&conversation->asks[i]);
    }
    buffer_finish(&conversation->inbox);
}

void conversation_sent(struct conversation *conversation, size_t count)
{
    if (count == 0)
        return;
    struct ask *ask = &conversation->asks[conversation->sending];
    if (conversation->sent == 0)
        ask_note_begin(ask);
    conversation->sent += count;
    conversation->moved_us = ask->last_sent_us = sim_now_us();
    assert(conversation->sent <= ask->bytes.length);
    if (ask->head_sent_us == 0 && conversation->sent >= ask->head_bytes)
        ask->head_sent_us = sim_now_us();
    if (conversation->sent < ask->bytes.length || ask->end == ASK_NEVER_ENDS)
        return;
    ask->completed_us = sim_now_us();
    conversation->sending++;
    conversation->sent = 0;
}

size_t conversation_outstanding(const struct conversation *conversation)
{
    size_t begun = conversation->sending + (conversation->sent > 0);
    return begun > conversation->answered ? begun - conversation->answered : 0;
}

/* The request that the next answer is to; NULL where none was begun. */
static struct ask *current_ask(struct conversation *conversation)
{
    return conversation_outstanding(conversation) > 0 ? &conversation->asks[conversation->answered] : NULL;
}

uint64_t conversation_files_from_us(const struct ask *ask)
{
    uint64_t stale_us = sim_files_may_be_stale_us();
    uint64_t from_us = website_oldest_us(ask->target ? ask->target->file : NULL, ask->began_us);
    return MIN(from_us, ask->began_us > stale_us ? ask->began_us - stale_us : 0);
}

bool conversation_was_written_over(const struct ask *ask)
{
    const struct site_file *file = ask->target ? ask->target->file : NULL;
    unsigned versions = 0;
    for (size_t i = 0; file && i < file->forms[FORM_PLAIN].count; i++)
        versions += version_was_in(&file->forms[FORM_PLAIN].versions[i], conversation_files_from_us(ask),
                                   sim_now_us());
    return versions > 1 && file->change == CHANGE_WRITE;
}

/* The network may take long, and the server's turn; but not as long as a disk. */
#define BEGIN_US_MAX (2 * SLACK_US)

struct circumstances conversation_circumstances(const struct conversation *conversation,
                                                const struct ask *ask)
{
    uint64_t began_us = ask ? ask->began_us : conversation->began_us;
    bool has_head = ask && ask->head_sent_us > 0 && ask->end != ASK_NEVER_ENDS;
    uint64_t ready_us = has_head ? MAX(ask->head_sent_us, conversation->answered_us) : sim_now_us();
    return (struct circumstances){
        .website = conversation->scene->website,
        /* What is refused may have been before it was whole. */
        .began_from_us = has_head && ask->refused == 0 ? ask->head_sent_us : began_us,
        .began_until_us = MIN(ready_us + BEGIN_US_MAX, sim_now_us()),
        /* What is known of files may be older than the request. */
        .from_us = began_us - MIN(began_us, sim_files_may_be_stale_us()),
        .files_from_us = ask ? conversation_files_from_us(ask) : conversation->began_us,
        .until_us = sim_now_us(),
        .until_ns = sim_wall_ns(),
        .is_busy = conversation_was_busy(conversation, ask),
        .has_fault = conversation_is_hit(conversation, ask),
        .has_page_fault = conversation_page_is_hit(conversation, ask),
        .fs_unknown_us = conversation->scene->harms.last_us[HARM_FILE_SYSTEM],
    };
}

/* ---- what the Connection field must say ---- */

static bool is_last_allowed(const struct conversation *conversation)
{
    uint32_t most = conversation->scene->website->limits->requests_per_connection;
    return most > 0 && conversation->answered + 1 >= most;
}

/* The client is told before it sends what nobody wants to read. */
static bool is_refused_early(const struct ask *ask)
{
    return ask->expects && ask->status != 0;
}

bool ask_is_last(const struct ask *ask)
{
    bool goes_on = ask->is_old ? ask->says_keep_open && !ask->says_close : !ask->says_close;
    return ask->refused || is_refused_early(ask) || !goes_on;
}

static void judge_connection(struct conversation *conversation, const struct ask *ask,
                             const struct answer *answer)
{
    bool must_close = answer->status == 408 || ask_is_last(ask) || is_last_allowed(conversation);
    if (must_close && !answer->says_close)
        blame(&conversation->verdict, "the last answer does not say Connection: close");
    /* What comes before the request is whole leaves the rest of it unread. */
    bool is_early = ask->expects || ask->completed_us == 0;
    bool is_failure = is_early && answer->status >= 500 && conversation_is_hit(conversation, ask);
    if (!must_close && answer->says_close && !conversation->scene->is_draining && !is_failure)
        blame(&conversation->verdict, "Connection: close without a reason");
    if (!answer->says_close && answer->says_keep_open != ask->is_old)
        blame(&conversation->verdict, "Connection: %s to HTTP/1.%d",
              answer->says_keep_open ? "keep-alive" : "nothing", !ask->is_old);
}

/* ---- special answers ---- */

static void take_continue(struct conversation *conversation, const struct ask *ask)
{
    if (ask == NULL || !ask->expects)
        blame(&conversation->verdict, "100 to a request that does not expect it");
    else if (conversation->was_continued)
        blame(&conversation->verdict, "100 twice to one request");
    else if (is_refused_early(ask))
        blame(&conversation->verdict, "100 to a request that is refused");
    conversation->was_continued = true;
}

/* The one line of defence that has no connection to answer with: no date, no name. */
bool conversation_is_turned_away(const struct conversation *conversation, const struct answer *answer)
{
    return conversation->answered == 0 && answer->status == 503 && answer->says_close &&
           answer_field(answer, "Date").data == NULL;
}

static void take_refusal(struct conversation *conversation, const struct answer *answer)
{
    conversation->turned_away = true;
    if (!slice_equal(answer->content, SLICE("Too many connections, try again\n")) ||
        !slice_equal(answer_field(answer, "Retry-After"), SLICE("1")))
        blame(&conversation->verdict, "503 that is not what it should be");
    if (!conversation_may_be_crowded(conversation) && !conversation_has_fault(conversation))
        blame(&conversation->verdict, "turned away, though there is room");
}

/* The request did not come in time; half of it, or what is left of it, is what the answer is to. */
static void take_timeout(struct conversation *conversation, const struct ask *ask,
                         const struct answer *answer)
{
    const struct timeouts *timeouts = conversation->scene->website->timeouts;
    uint64_t least_us = (uint64_t)MIN(timeouts->head_ms, timeouts->body_ms) * SIM_MS;
    struct circumstances circumstances = conversation_circumstances(conversation, ask);
    judge_editions(judge_timeout, ask, answer, &circumstances, &conversation->verdict);
    if (ask->refused == 0 && sim_now_us() - ask->began_us + EARLY_US < least_us)
        blame(&conversation->verdict, "408 after %llu us",
              (unsigned long long)(sim_now_us() - ask->began_us));
}

/* ---- answers ---- */

/* Some answers may come before the request is whole: those that refuse it. */
static bool may_be_early(const struct ask *ask, const struct answer *answer)
{
    return ask->refused == answer->status || is_refused_early(ask);
}

static void take_final(struct conversation *conversation, struct ask *ask, const struct answer *answer)
{
    struct circumstances circumstances = conversation_circumstances(conversation, ask);
    if (answer->status == 408) {
        take_timeout(conversation, ask, answer);
    } else {
        if (ask->completed_us == 0 && !may_be_early(ask, answer) && !circumstances.has_fault)
            blame(&conversation->verdict, "status %d before the request was sent", answer->status);
        judge(ask, answer, &circumstances, &conversation->verdict);
    }
    judge_connection(conversation, ask, answer);
    ask->answer_status = answer->status;
    ask->answer_bytes = answer->content.length;
    ask_note_end(ask);
    conversation->answered++;
    conversation->was_continued = false;
    conversation->answered_us = sim_now_us();
}

static void take_answer(struct conversation *conversation, const struct answer *answer)
{
    struct ask *ask = current_ask(conversation);
    sim_trace("client %u: %d, %zu bytes%s", conversation->number, answer->status, answer_bytes(answer),
              answer->says_close ? ", closes" : "");
    conversation->said_close |= answer->says_close;
    if (answer->status == 100)
        take_continue(conversation, ask);
    else if (conversation_is_turned_away(conversation, answer))
        take_refusal(conversation, answer);
    else if (ask == NULL)
        blame(&conversation->verdict, "status %d is an answer to nothing", answer->status);
    else
        take_final(conversation, ask, answer);
}

/* A HEAD that was not understood, as its time was up or there was no connection for it, is answered like any
 * other request: with content. */
static bool is_answered_bare(const struct conversation *conversation, const struct answer *answer)
{
    return answer->status != 408 && !conversation_is_turned_away(conversation, answer);
}

static enum answer_result read_answer(struct conversation *conversation, struct answer *answer)
{
    const struct ask *ask = current_ask(conversation);
    struct slice input = buffer_slice(&conversation->inbox);
    struct verdict *verdict = &conversation->verdict;
    enum answer_result result = answer_read(input, ask && ask->is_head, answer, verdict);
    if (!ask || !ask->is_head || result != ANSWER_WHOLE || is_answered_bare(conversation, answer))
        return result;
    bool is_alone = input.length == answer->head_bytes && conversation->has_ended;
    return is_alone ? result : answer_read(input, false, answer, verdict);
}

void conversation_take_answers(struct conversation *conversation)
{
    while (!conversation->verdict.is_bad && conversation->inbox.length > 0) {
        struct answer answer;
        if (conversation->said_close) {
            blame(&conversation->verdict, "%zu bytes behind the last answer", conversation->inbox.length);
            return;
        }
        if (read_answer(conversation, &answer) != ANSWER_WHOLE)
            return;
        take_answer(conversation, &answer);
        conversation->taken_bytes += answer_bytes(&answer);
        buffer_consume(&conversation->inbox, answer_bytes(&answer));
    }
}

void conversation_received(struct conversation *conversation, struct slice bytes)
{
    conversation->moved_us = sim_now_us();
    if (conversation->inbox.length == 0)
        conversation->inbox_us = sim_now_us();
    buffer_append(&conversation->inbox, bytes);
    assert(!conversation->inbox.failed);
    if (conversation->has_ended)
        blame(&conversation->verdict, "bytes behind the end of the connection");
    conversation_take_answers(conversation);
}
