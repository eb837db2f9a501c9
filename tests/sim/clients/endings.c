/* The ends of connections: which are right, and when they are due.
 *
 * A server may close a connection that owes nothing when it has been idle for long enough, when it must make
 * room, or when it drains. It may not close one that owes an answer, but where a client does not take it, or
 * a fault kept it from being made. */
#include "endings.h"

#include "judge.h"

#include <stdio.h>

bool conversation_may_be_crowded(const struct conversation *conversation)
{
    uint64_t ended_us = conversation_end_us(conversation);
    return harms_shed(&conversation->harms, conversation->began_us, ended_us) ||
           scene_was_full(conversation->scene, conversation->began_us, ended_us);
}

static uint64_t ms(uint32_t count)
{
    return count * SIM_MS;
}

/* A server that drains closes idle connections at once, and gives the others time to end. */
static bool was_drained(const struct conversation *conversation)
{
    const struct scene *scene = conversation->scene;
    return scene->is_draining && conversation_end_us(conversation) >= scene->drained_us;
}

static bool was_drain_over(const struct conversation *conversation)
{
    const struct scene *scene = conversation->scene;
    return scene->is_draining && conversation_end_us(conversation) + EARLY_US >=
                                     scene->drained_us + ms(scene->website->timeouts->drain_ms);
}

/* The server may have ended the connection at any moment, for a reason of its own. */
static bool may_end_any_time(const struct conversation *conversation)
{
    return conversation->is_abandoned || conversation->turned_away || was_drain_over(conversation) ||
           conversation_has_fault(conversation);
}

/* Shorter than this, lingering may be over before a lost segment was sent again. */
#define LINGER_US_MIN (2 * SIM_S)

/* The last request before this one that was whole; when the connection can have become idle at the
 * earliest. */
static uint64_t idle_since_us(const struct conversation *conversation)
{
    if (conversation->answered == 0)
        return conversation->began_us;
    return conversation->asks[conversation->answered - 1].last_sent_us;
}

static bool may_be_idle_too_long(const struct conversation *conversation)
{
    return sim_now_us() - idle_since_us(conversation) + EARLY_US >=
           ms(conversation->scene->website->timeouts->idle_ms);
}

/* A client that goes on behind its own "close", or behind what is refused, may have the answer taken out of
 * its hands by the RST that its bytes cause (RFC 9112 section 9.6). Lingering keeps it from that only where
 * it lasts longer than the network's delays. */
static bool provoked_reset(const struct conversation *conversation)
{
    if (conversation->scene->website->timeouts->linger_ms * SIM_MS < LINGER_US_MIN ||
        conversation_closes_badly(conversation))
        return true;
    size_t begun = conversation->sending + (conversation->sent > 0);
    for (size_t i = 0; i < begun; i++) {
        const struct ask *ask = &conversation->asks[i];
        bool has_more = i + 1 < begun || ask->refused || ask->end == ASK_NEVER_ENDS;
        if (has_more && ask_is_last(ask))
            return true;
    }
    return false;
}

unsigned conversation_causes(const struct conversation *conversation, size_t index)
{
    const struct ask *ask = &conversation->asks[index];
    bool has_fault = conversation_has_fault(conversation);
    bool has_left = conversation->is_abandoned || conversation->is_finished || !conversation->has_ended;
    bool is_late = conversation->is_slow || ask->completed_us == 0;
    /* The server may find something else before it sees that the client has left. */
    bool is_hit = has_fault || conversation_is_hit(conversation, ask) ||
                  (conversation->is_abandoned && sim_has_faults());
    bool is_short = conversation_was_busy(conversation, ask);
    return (has_left || has_fault ? CAUSE_CLIENT_LEFT : 0u) | (is_late ? CAUSE_TIME : 0u) |
           (conversation_was_written_over(ask) ? CAUSE_CHANGE : 0u) | (is_hit ? CAUSE_FAULT : 0u) |
           (is_hit || is_short ? CAUSE_SHORTAGE : 0u) |
           (conversation_may_be_crowded(conversation) ? CAUSE_CROWD : 0u) |
           (conversation->scene->is_draining ? CAUSE_END : 0u) |
           (conversation->answered < index ? CAUSE_EARLIER_CUT : 0u);
}

/* For how long a client may take its answer before it may have to make room for others. */
#define SLOW_US SIM_S

static bool may_have_made_room(const struct conversation *conversation, const struct ask *ask)
{
    return conversation_may_be_crowded(conversation) &&
           sim_now_us() - ask->last_sent_us + EARLY_US >= SLOW_US;
}

/* The bytes of an answer that was cut off are right as far as they go. */
static void judge_cut(struct conversation *conversation, const struct ask *ask, bool by_reset)
{
    struct answer answer;
    struct verdict *verdict = &conversation->verdict;
    bool has_cause = may_end_any_time(conversation) || conversation->is_slow ||
                     conversation_was_written_over(ask) || conversation_was_busy(conversation, ask) ||
                     conversation_is_hit(conversation, ask) || may_have_made_room(conversation, ask) ||
                     (by_reset && provoked_reset(conversation));
    bool has_head =
        answer_read(buffer_slice(&conversation->inbox), ask->is_head, &answer, verdict) == ANSWER_HEAD;
    if (has_head && by_reset && conversation_is_turned_away(conversation, &answer))
        return;
    /* An error's page is sent to who asks with HEAD, too, if time was up before the server could read that.
     */
    has_cause |= answer.status >= 400 && conversation_page_is_hit(conversation, ask);
    if (!has_cause)
        blame(verdict, "the answer was cut off after %zu bytes", conversation->inbox.length);
    if (!has_head || answer.status == 408)
        return;
    struct circumstances circumstances = conversation_circumstances(conversation, ask);
    circumstances.is_cut = true;
    judge(ask, &answer, &circumstances, verdict);
}

/* A request that was sent whole has no answer, and no byte of one. */
static void judge_unanswered(struct conversation *conversation, bool by_reset)
{
    /* One that waits for the server is not idle, and is never closed to make room. */
    bool may_be_spared =
        !conversation->had_time && (may_be_idle_too_long(conversation) ||
                                    conversation_may_be_crowded(conversation) || was_drained(conversation));
    bool has_cause = may_end_any_time(conversation) || conversation->is_slow || may_be_spared ||
                     (by_reset && provoked_reset(conversation));
    if (!has_cause)
        blame(&conversation->verdict, "the connection ended (%s) without an answer to request %zu",
              by_reset ? "RST" : "FIN", conversation->answered + 1);
}

/* A request that did not come to its end. Its client may have ended it; else its time is up, and it must be
 * told. */
static void judge_unfinished(struct conversation *conversation, bool by_reset)
{
    bool has_cause = may_end_any_time(conversation) || was_drained(conversation) ||
                     conversation->is_finished || conversation->is_slow ||
                     may_be_idle_too_long(conversation) || conversation_may_be_crowded(conversation) ||
                     conversation_closes_badly(conversation) || (by_reset && provoked_reset(conversation));
    if (!has_cause)
        blame(&conversation->verdict, "the connection ended (%s) in the middle of request %zu",
              by_reset ? "RST" : "FIN", conversation->answered + 1);
}

/* The server cuts handshakes that last too long. */
static bool is_handshake_late(const struct conversation *conversation)
{
    return conversation->is_shaking_hands && sim_now_us() - conversation->began_us + EARLY_US >=
                                                 ms(conversation->scene->website->timeouts->handshake_ms);
}

static void judge_idle(struct conversation *conversation)
{
    bool has_cause = may_end_any_time(conversation) || was_drained(conversation) ||
                     is_handshake_late(conversation) || conversation->is_finished ||
                     conversation->said_close || may_be_idle_too_long(conversation) ||
                     conversation_may_be_crowded(conversation) || conversation->is_slow ||
                     conversation_closes_badly(conversation);
    if (!has_cause)
        blame(&conversation->verdict, "an idle connection was closed after %llu us",
              (unsigned long long)(sim_now_us() - idle_since_us(conversation)));
}

void conversation_ended(struct conversation *conversation, bool by_reset)
{
    /* An RST behind the FIN says nothing new. */
    if (conversation->has_ended)
        return;
    conversation->has_ended = true;
    conversation_take_answers(conversation);
    if (conversation->verdict.is_bad || conversation->said_close || conversation->turned_away)
        return;
    const struct ask *ask = &conversation->asks[conversation->answered];
    bool owes = conversation_outstanding(conversation) > 0;
    if (owes && conversation->inbox.length > 0)
        judge_cut(conversation, ask, by_reset);
    else if (conversation->inbox.length > 0 && !may_end_any_time(conversation))
        blame(&conversation->verdict, "%zu bytes that are no answer", conversation->inbox.length);
    else if (owes && ask->completed_us > 0)
        judge_unanswered(conversation, by_reset);
    else if (owes)
        judge_unfinished(conversation, by_reset);
    else
        judge_idle(conversation);
}

bool conversation_owes_nothing(const struct conversation *conversation)
{
    return conversation->has_ended && !may_end_any_time(conversation) && !was_drained(conversation) &&
           !conversation->is_slow && !conversation_may_be_crowded(conversation) &&
           !conversation_closes_badly(conversation) && conversation_outstanding(conversation) == 0 &&
           conversation->inbox.length == 0;
}

/* ---- time ---- */

static uint64_t longest_wait_us(const struct timeouts *timeouts)
{
    uint32_t longest =
        MAX(MAX(timeouts->head_ms, timeouts->body_ms), MAX(timeouts->idle_ms, timeouts->write_ms));
    longest = MAX(longest, timeouts->handshake_ms);
    /* Lingering is prolonged where the client has got on with the last answer meanwhile. */
    return MAX(ms(longest), 2 * ms(timeouts->linger_ms));
}

/* A request that is whole may have to wait for its turn at a slow disk. */
#define DISK_US (40 * SIM_S)

/* Nothing happens at all. */
static void check_silence(struct conversation *conversation)
{
    const struct ask *ask = &conversation->asks[conversation->answered];
    bool waits_for_answer = conversation_outstanding(conversation) > 0 && ask->completed_us > 0;
    uint64_t most_us = longest_wait_us(conversation->scene->website->longest) + SLACK_US;
    most_us += waits_for_answer ? DISK_US : 0;
    if (sim_now_us() > conversation->moved_us + most_us)
        blame(&conversation->verdict, "nothing has happened for %llu us, %zu requests without an answer",
              (unsigned long long)(sim_now_us() - conversation->moved_us),
              conversation_outstanding(conversation));
}

/* A head must be there in time, however it drips; content must come at a rate. */
static void check_drip(struct conversation *conversation)
{
    const struct timeouts *timeouts = conversation->scene->website->longest;
    const struct ask *ask = &conversation->asks[conversation->answered];
    if (conversation->said_close || conversation_outstanding(conversation) != 1 || ask->completed_us > 0 ||
        conversation->inbox.length > 0)
        return;
    uint64_t from_us = MAX(ask->began_us, conversation->answered_us);
    uint64_t most_us = ms(timeouts->head_ms) + SLACK_US;
    if (conversation->sent >= ask->head_bytes && timeouts->rate_bytes_min == 0)
        return;
    if (conversation->sent >= ask->head_bytes)
        most_us += ms(timeouts->body_ms) + conversation->sent * SIM_S / timeouts->rate_bytes_min;
    if (sim_now_us() > from_us + most_us)
        blame(&conversation->verdict, "a request has been dripping for %llu us",
              (unsigned long long)(sim_now_us() - from_us));
}

void conversation_check_time(struct conversation *conversation)
{
    bool may_wait = conversation->is_abandoned || conversation->scene->is_draining;
    if (conversation->has_ended || may_wait)
        return;
    check_silence(conversation);
    check_drip(conversation);
}
