/* How responses, streams and connections may end over HTTP/2: the counterpart of endings.c. The reasons are
 * those of docs/http2.md. */
#include "dialog_parts.h"

#include "endings.h"
#include "journal.h"
#include "judge.h"

/* As in endings.c. */
#define LINGER_US_MIN (2 * SIM_S)
#define DISK_US       (40 * SIM_S)

/* The network may take long, and the server's turn; but not as long as a disk. */
#define BEGIN_US_MAX (2 * SLACK_US)

static uint64_t dialog_ms(uint32_t count)
{
    return count * SIM_MS;
}

/* When the server ended the connection; now, where it may do so now. */
static uint64_t dialog_end_us(const struct dialog *dialog)
{
    return dialog->ended_us > 0 ? dialog->ended_us : sim_now_us();
}

bool dialog_may_be_crowded(const struct dialog *dialog)
{
    uint64_t ended_us = dialog_end_us(dialog);
    return harms_shed(&dialog->harms, dialog->began_us, ended_us) ||
           scene_was_full(dialog->scene, dialog->began_us, ended_us);
}

bool dialog_has_fault(const struct dialog *dialog)
{
    return harms_ended(&dialog->harms, dialog->began_us, dialog_end_us(dialog));
}

/* A fault may have disturbed its end. */
static bool dialog_closes_badly(const struct dialog *dialog)
{
    return harms_since(&dialog->harms, HARM_CLOSING, dialog->began_us);
}

static bool is_stream_hit(const struct dialog *dialog, const struct ask *ask)
{
    return harms_hit(&dialog->harms, ask, conversation_files_from_us(ask));
}

/* There was no room for a job that the response needs, or no descriptor. */
static bool was_stream_busy(const struct dialog *dialog, const struct ask *ask)
{
    return harms_since(&dialog->harms, HARM_BUSY, conversation_files_from_us(ask));
}

/* A server that drains answers what it has accepted, as long as drain_ms lasts. */
static bool is_drain_over(const struct dialog *dialog)
{
    const struct scene *scene = dialog->scene;
    uint64_t least_us = dialog_ms(scene->website->timeouts->drain_ms);
    return scene->is_draining && sim_now_us() + EARLY_US >= scene->drained_us + least_us;
}

/* ---- responses ---- */

static struct circumstances circumstances_of(const struct dialog *dialog, const struct ask *ask)
{
    uint64_t files_from_us = conversation_files_from_us(ask);
    return (struct circumstances){
        .website = dialog->scene->website,
        .began_from_us = ask->refused ? ask->began_us : ask->head_sent_us,
        .began_until_us = MIN(ask->head_sent_us + BEGIN_US_MAX, sim_now_us()),
        .from_us = ask->began_us - MIN(ask->began_us, sim_files_may_be_stale_us()),
        .files_from_us = files_from_us,
        .until_us = sim_now_us(),
        .until_ns = sim_wall_ns(),
        .is_busy = was_stream_busy(dialog, ask),
        .has_fault = is_stream_hit(dialog, ask),
        .has_page_fault = harms_hit_page(&dialog->harms, dialog->scene->website, files_from_us),
        .fs_unknown_us = dialog->scene->harms.last_us[HARM_FILE_SYSTEM],
    };
}

/* Content did not come in time; not every request without all of its content has had its time. */
static void dialog_judge_late(struct dialog *dialog, const struct ask *ask, const struct answer *answer,
                              const struct circumstances *circumstances)
{
    uint64_t least_us = dialog_ms(dialog->scene->website->timeouts->body_ms);
    uint64_t waited_us = sim_now_us() - ask->began_us;
    judge_editions(judge_timeout, ask, answer, circumstances, &dialog->verdict);
    if (!ask->has_content)
        blame(&dialog->verdict, "408 to a request without content");
    if (waited_us + EARLY_US < least_us)
        blame(&dialog->verdict, "408 after %llu us", (unsigned long long)waited_us);
}

static void judge_whole(struct dialog *dialog, struct dialog_stream *stream, const struct answer *answer)
{
    struct ask *ask = &stream->ask.ask;
    struct circumstances circumstances = circumstances_of(dialog, ask);
    bool is_early = ask->completed_us == 0 && ask->refused == 0 && ask->status == 0;
    if (stream->ask.resets)
        blame(&dialog->verdict, "status %d to what must be reset", answer->status);
    else if (answer->status == 408)
        dialog_judge_late(dialog, ask, answer, &circumstances);
    else if (is_early && !circumstances.has_fault && !circumstances.is_busy)
        blame(&dialog->verdict, "status %d before the request was sent", answer->status);
    else
        judge(ask, answer, &circumstances, &dialog->verdict);
    ask->answer_status = answer->status;
    ask->answer_bytes = answer->content.length;
    ask_note_end(ask);
}

/* The bytes of a response that was cut off are right as far as they go. */
static void judge_part(struct dialog *dialog, struct dialog_stream *stream, const struct answer *answer)
{
    struct circumstances circumstances = circumstances_of(dialog, &stream->ask.ask);
    circumstances.is_cut = true;
    if (answer->status != 408)
        judge(&stream->ask.ask, answer, &circumstances, &dialog->verdict);
}

static void blame_stream(struct dialog *dialog, const struct dialog_stream *stream)
{
    struct verdict of_stream = dialog->verdict;
    dialog->verdict.is_bad = false;
    blame(&dialog->verdict, "stream %u, request %u: %s", stream->id, stream->ask.ask.number, of_stream.text);
}

void dialog_judge_response(struct dialog *dialog, struct dialog_stream *stream, bool is_cut)
{
    struct answer answer;
    struct slice inbox = buffer_slice(&stream->inbox);
    bool was_bad = dialog->verdict.is_bad;
    enum answer_result result = answer_read(inbox, stream->ask.ask.is_head, &answer, &dialog->verdict);
    if (result == ANSWER_WHOLE && answer_bytes(&answer) < inbox.length)
        blame(&dialog->verdict, "content behind the length that was announced");
    else if (result == ANSWER_WHOLE && !is_cut)
        judge_whole(dialog, stream, &answer);
    else if (result == ANSWER_HEAD && is_cut)
        judge_part(dialog, stream, &answer);
    else if (!is_cut)
        blame(&dialog->verdict, "the response ends after %zu of %llu bytes", answer.content.length,
              (unsigned long long)answer.length);
    if (dialog->verdict.is_bad && !was_bad)
        blame_stream(dialog, stream);
    if (result == ANSWER_WHOLE && !is_cut)
        sim_trace("client %u: stream %u: %d, %zu bytes", dialog->number, stream->id, answer.status,
                  answer.content.length);
}

/* ---- streams that the server resets ---- */

/* There were more streams than the server said, before it could say so. */
static bool had_too_many(const struct dialog *dialog, const struct dialog_stream *stream)
{
    return dialog->streams_max != UINT32_MAX && stream->id / 2 >= dialog->streams_max;
}

/* So much waits in the network that what opens a window may be part of it for as long as the server waits. */
#define WAITING_BYTES_MIN 512

/* Its client did not do its part: it opened no window, or did not send all of its content. Behind our FIN, or
 * half a frame, the window of the connection is not opened any more, either. */
static bool has_stalled(const struct dialog *dialog, const struct dialog_stream *stream)
{
    bool was_starved = stream->was_starved || (dialog->is_finished && dialog->was_starved);
    return was_starved || dialog->waiting_bytes >= WAITING_BYTES_MIN || stream->ask.ask.completed_us == 0 ||
           dialog->is_slow || dialog->is_half_sent;
}

static bool has_reason(const struct dialog *dialog, const struct dialog_stream *stream, uint32_t code)
{
    const struct ask *ask = &stream->ask.ask;
    switch (code) {
    case FRAME_NO_ERROR: return stream->has_end && ask->has_content;
    case FRAME_PROTOCOL_ERROR: return stream->ask.resets;
    case FRAME_INTERNAL_ERROR:
        return conversation_was_written_over(ask) || is_stream_hit(dialog, ask) ||
               was_stream_busy(dialog, ask);
    case FRAME_REFUSED_STREAM:
        return !stream->has_head && (had_too_many(dialog, stream) || is_stream_hit(dialog, ask) ||
                                     dialog->scene->is_draining || dialog->goaways > 0);
    case FRAME_CANCEL: return has_stalled(dialog, stream) || ask->refused > 0;
    default: return false;
    }
}

void dialog_judge_reset(struct dialog *dialog, struct dialog_stream *stream, uint32_t code)
{
    bool is_expected = stream->ask.resets && code == FRAME_PROTOCOL_ERROR;
    if (!has_reason(dialog, stream, code) && !dialog_has_fault(dialog))
        blame(&dialog->verdict, "stream %u, request %u: reset with code %u, %s", stream->id,
              stream->ask.ask.number, code, stream->has_end ? "behind its response" : "without a reason");
    if (stream->has_head && !stream->has_end && !is_expected)
        dialog_judge_response(dialog, stream, true);
}

/* ---- the end of the connection ---- */

/* We had broken the protocol by then. */
static bool dialog_was_provoked(const struct dialog *dialog)
{
    return dialog->provoked_from_us > 0 && dialog_end_us(dialog) >= dialog->provoked_from_us;
}

static bool dialog_may_end_any_time(const struct dialog *dialog)
{
    return dialog->is_abandoned || dialog->turned_away || dialog_was_provoked(dialog) ||
           dialog_has_fault(dialog);
}

static bool dialog_may_be_idle(const struct dialog *dialog)
{
    return sim_now_us() - dialog->asked_us + EARLY_US >= dialog_ms(dialog->scene->website->timeouts->idle_ms);
}

static bool may_be_late(const struct dialog *dialog)
{
    const struct timeouts *timeouts = dialog->scene->website->timeouts;
    uint64_t began_us = dialog->began_us;
    bool is_inside = dialog->is_half_sent || dialog->sent_bytes <= dialog->preface_end + FRAME_HEAD_BYTES ||
                     dialog->outbox.length > 0;
    for (size_t i = 0; i < dialog->stream_count; i++) {
        const struct dialog_stream *stream = dialog->streams[i];
        bool may_be_on_its_way = stream->ask.ask.began_us > 0 && !stream->has_head && !stream->is_reset;
        if (may_be_on_its_way && !is_inside)
            began_us = stream->ask.ask.began_us;
        is_inside |= may_be_on_its_way;
    }
    return is_inside && sim_now_us() - began_us + EARLY_US >= dialog_ms(timeouts->head_ms);
}

static bool has_had_all_requests(const struct dialog *dialog)
{
    uint32_t most = dialog->scene->website->limits->requests_per_connection;
    size_t begun = 0;
    for (size_t i = 0; i < dialog->stream_count; i++)
        begun += dialog->streams[i]->ask.ask.began_us > 0;
    return most > 0 && begun >= most;
}

void dialog_judge_goaway(struct dialog *dialog, uint32_t code)
{
    bool has_cause = dialog_may_end_any_time(dialog) || dialog->scene->is_draining ||
                     dialog_may_be_idle(dialog) || dialog_may_be_crowded(dialog) || may_be_late(dialog) ||
                     has_had_all_requests(dialog) || dialog->is_slow || dialog->is_finished ||
                     dialog->said_goaway || dialog_closes_badly(dialog);
    bool is_provoked = dialog->provoked_from_us > 0 && code == dialog->provoked_code;
    if (code != FRAME_NO_ERROR && !is_provoked && !dialog_has_fault(dialog))
        blame(&dialog->verdict, "GOAWAY with code %u", code);
    if (!has_cause)
        blame(&dialog->verdict, "GOAWAY without a reason after %llu us",
              (unsigned long long)(sim_now_us() - dialog->began_us));
}

/* What we sent behind the server's end may have destroyed what was still on its way to us. */
static bool dialog_provoked_reset(const struct dialog *dialog)
{
    return dialog->scene->website->timeouts->linger_ms * SIM_MS < LINGER_US_MIN ||
           dialog_closes_badly(dialog);
}

/* Nothing may have moved for as long as the server waits, and at less than the minimum rate. */
static bool may_have_stalled(const struct dialog *dialog)
{
    bool was_starved = dialog->was_starved || dialog->is_slow;
    for (size_t i = 0; i < dialog->stream_count; i++)
        was_starved |= dialog->streams[i]->was_starved;
    return was_starved && sim_now_us() - dialog->began_us + EARLY_US >=
                              dialog_ms(dialog->scene->website->timeouts->write_ms);
}

/* The connection as a whole may end with responses outstanding. */
static bool may_lose_streams(const struct dialog *dialog, bool by_reset)
{
    /* One that waits for the server is not idle, and is never closed to make room. */
    bool may_be_spared = dialog_may_be_idle(dialog) || may_be_late(dialog) || dialog_may_be_crowded(dialog);
    return dialog_may_end_any_time(dialog) || may_have_stalled(dialog) || is_drain_over(dialog) ||
           (by_reset && dialog_provoked_reset(dialog)) || (may_be_spared && !dialog->had_time);
}

/* The last GOAWAY may be lost, and with it what would have said that the stream was not accepted. */
static bool may_lose(const struct dialog *dialog, const struct dialog_stream *stream)
{
    return has_stalled(dialog, stream) || (dialog->scene->is_draining && !dialog->said_last);
}

static void judge_owed(struct dialog *dialog, struct dialog_stream *stream, bool by_reset)
{
    if (!may_lose_streams(dialog, by_reset) && !may_lose(dialog, stream))
        blame(
            &dialog->verdict,
            "the connection ended (%s) without a response to stream %u, request %u, of which %zu bytes came",
            by_reset ? "RST" : "FIN", stream->id, stream->ask.ask.number, stream->inbox.length);
    if (stream->has_head)
        dialog_judge_response(dialog, stream, true);
}

/* The server cuts handshakes that last too long. */
static bool dialog_handshake_is_late(const struct dialog *dialog)
{
    return dialog->is_shaking_hands && sim_now_us() - dialog->began_us + EARLY_US >=
                                           dialog_ms(dialog->scene->website->timeouts->handshake_ms);
}

static void dialog_judge_idle(struct dialog *dialog)
{
    bool has_cause = dialog_may_end_any_time(dialog) || dialog_handshake_is_late(dialog) ||
                     dialog->scene->is_draining || dialog->is_slow || dialog->goaways > 0 ||
                     dialog->said_goaway || dialog->is_finished || dialog_may_be_crowded(dialog) ||
                     dialog_may_be_idle(dialog) || may_be_late(dialog) || dialog_closes_badly(dialog);
    if (!has_cause)
        blame(&dialog->verdict, "a connection without a request was closed after %llu us",
              (unsigned long long)(sim_now_us() - dialog->asked_us));
}

/* Whoever breaks the protocol is told so before the end: a FIN comes behind all that was said. */
static void judge_told(struct dialog *dialog)
{
    bool has_other_cause = dialog->goaways > 0 || dialog->is_abandoned || dialog->turned_away ||
                           dialog->scene->is_draining || dialog_has_fault(dialog) ||
                           dialog_may_be_crowded(dialog) || dialog_may_be_idle(dialog) ||
                           may_be_late(dialog) || may_have_stalled(dialog) || dialog->is_slow;
    if (dialog->is_provoked && dialog->read_bytes >= dialog->provoked_end && !has_other_cause)
        blame(&dialog->verdict, "the protocol was broken, and the connection ended without a word");
}

void dialog_ended(struct dialog *dialog, bool by_reset)
{
    unsigned owed = 0;
    if (dialog->has_ended)
        return;
    dialog->has_ended = true;
    if (!by_reset)
        judge_told(dialog);
    for (size_t i = 0; i < dialog->stream_count && !dialog->verdict.is_bad; i++) {
        if (!dialog_owes(dialog, dialog->streams[i]))
            continue;
        judge_owed(dialog, dialog->streams[i], by_reset);
        owed++;
    }
    if (owed == 0)
        dialog_judge_idle(dialog);
    if (!by_reset && dialog->inbox.length > 0 && !dialog_may_end_any_time(dialog) && !dialog->is_slow &&
        !is_drain_over(dialog))
        blame(&dialog->verdict, "the connection ended in the middle of a frame");
}

bool dialog_owes_nothing(const struct dialog *dialog)
{
    bool owes = dialog->inbox.length > 0 || dialog->is_slow || dialog_may_be_crowded(dialog) ||
                dialog_may_end_any_time(dialog) || may_have_stalled(dialog);
    for (size_t i = 0; i < dialog->stream_count; i++)
        owes |= dialog_owes(dialog, dialog->streams[i]);
    return !owes && dialog->has_ended;
}

/* ---- time ---- */

static uint64_t dialog_longest_wait_us(const struct timeouts *timeouts)
{
    uint32_t longest =
        MAX(MAX(timeouts->head_ms, timeouts->body_ms), MAX(timeouts->idle_ms, 2 * timeouts->write_ms));
    longest = MAX(longest, timeouts->handshake_ms);
    return MAX(dialog_ms(longest), 2 * dialog_ms(timeouts->linger_ms));
}

static void dialog_check_silence(struct dialog *dialog)
{
    uint64_t most_us = dialog_longest_wait_us(dialog->scene->website->longest) + SLACK_US + DISK_US;
    if (sim_now_us() > dialog->moved_us + most_us)
        blame(&dialog->verdict, "nothing has happened for %llu us",
              (unsigned long long)(sim_now_us() - dialog->moved_us));
}

/* A response that has windows gets on, whatever the others wait for: some content comes, its own or that of
 * one with a higher priority. */
static void check_held_up(struct dialog *dialog, const struct dialog_stream *stream)
{
    const struct ask *ask = &stream->ask.ask;
    uint64_t since_us = MAX(MAX(stream->window_us, dialog->content_us), ask->completed_us);
    bool waits = dialog_owes(dialog, stream) && ask->completed_us > 0 && stream->starved_us == 0 &&
                 dialog->starved_us == 0;
    if (waits && sim_now_us() > since_us + SLACK_US + DISK_US)
        blame(&dialog->verdict, "stream %u, request %u, has windows and gets nothing for %llu us", stream->id,
              ask->number, (unsigned long long)(sim_now_us() - since_us));
}

/* One that has none does not stay for ever: the stream is reset, or the connection ends. */
static void check_stalled(struct dialog *dialog, const struct dialog_stream *stream)
{
    const struct timeouts *timeouts = dialog->scene->website->longest;
    uint64_t most_us = 2 * dialog_ms(timeouts->write_ms) + dialog_ms(timeouts->body_ms) + SLACK_US + DISK_US;
    if (dialog_owes(dialog, stream) && stream->starved_us > 0 && stream->ask.ask.completed_us > 0 &&
        sim_now_us() > stream->starved_us + most_us)
        blame(&dialog->verdict, "stream %u, request %u, goes on without a window for %llu us", stream->id,
              stream->ask.ask.number, (unsigned long long)(sim_now_us() - stream->starved_us));
}

/* Acknowledgements come before all else that is to be sent. */
#define ACKNOWLEDGE_US (4 * SLACK_US)

static void check_acknowledgements(struct dialog *dialog)
{
    if (dialog->ping_us > 0 && sim_now_us() > dialog->ping_us + ACKNOWLEDGE_US)
        blame(&dialog->verdict, "a PING is not answered");
    if (dialog->settings_us > 0 && sim_now_us() > dialog->settings_us + ACKNOWLEDGE_US &&
        dialog->sent_bytes > dialog->preface_end && !dialog->is_half_sent && dialog->outbox.length == 0)
        blame(&dialog->verdict, "SETTINGS are not acknowledged");
}

/* Whoever breaks the protocol is told, and the connection ends. */
static void check_provoked(struct dialog *dialog)
{
    uint64_t linger_us = 2 * dialog_ms(dialog->scene->website->longest->linger_ms);
    if (dialog->provoked_us > 0 && sim_now_us() > dialog->provoked_us + linger_us + ACKNOWLEDGE_US &&
        !dialog->is_slow)
        blame(&dialog->verdict, "the protocol is broken, and the connection goes on");
}

void dialog_check_time(struct dialog *dialog)
{
    if (dialog->has_ended || dialog->is_abandoned || dialog->scene->is_draining || dialog->turned_away)
        return;
    dialog_check_silence(dialog);
    check_provoked(dialog);
    if (dialog->provoked_from_us > 0 || dialog->goaways > 0 || dialog->is_slow)
        return;
    check_acknowledgements(dialog);
    for (size_t i = 0; i < dialog->stream_count; i++) {
        check_held_up(dialog, dialog->streams[i]);
        check_stalled(dialog, dialog->streams[i]);
    }
}

/* ---- the log ---- */

/* The server may find something else before it sees that the client has left. */
static unsigned causes_of_server(const struct dialog *dialog, const struct ask *ask)
{
    bool has_left = dialog->is_abandoned || dialog->is_finished;
    bool is_hit =
        dialog_has_fault(dialog) || is_stream_hit(dialog, ask) || (dialog->is_abandoned && sim_has_faults());
    return (conversation_was_written_over(ask) ? CAUSE_CHANGE : 0u) | (is_hit ? CAUSE_FAULT : 0u) |
           (is_hit || was_stream_busy(dialog, ask) ? CAUSE_SHORTAGE : 0u) |
           (dialog->goaways > 0 || dialog->provoked_from_us > 0 || has_left ? CAUSE_EARLIER_CUT : 0u) |
           (dialog_may_be_crowded(dialog) ? CAUSE_CROWD : 0u) | (dialog->scene->is_draining ? CAUSE_END : 0u);
}

static void note_stream(const struct dialog *dialog, const struct dialog_stream *stream,
                        struct journal_entry *entry)
{
    const struct ask *ask = &stream->ask.ask;
    struct answer answer;
    struct verdict ignored = {0};
    entry->is_framed = true;
    /* What is sent behind a breach is not read. */
    bool is_behind = dialog->provoked_from_us > 0 && stream->end > dialog->provoked_begin;
    entry->was_understood = ask->refused == 0 && !stream->ask.resets && ask->completed_us > 0 && !is_behind;
    bool has_left = dialog->is_abandoned || dialog->is_finished || stream->reset_end > 0 ||
                    stream->is_reset || dialog_has_fault(dialog) || !dialog->has_ended;
    bool is_late = dialog->is_slow || dialog->was_starved || stream->was_starved || ask->completed_us == 0 ||
                   stream->was_starved || may_have_stalled(dialog) || ask->answer_status == 0;
    entry->causes =
        causes_of_server(dialog, ask) | (has_left ? CAUSE_CLIENT_LEFT : 0u) | (is_late ? CAUSE_TIME : 0u);
    if (ask->answer_status) {
        entry->seen = SEEN_WHOLE;
        entry->status = ask->answer_status;
        entry->bytes = entry->length = ask->answer_bytes;
    } else if (stream->has_head &&
               answer_read(buffer_slice(&stream->inbox), ask->is_head, &answer, &ignored) == ANSWER_HEAD) {
        entry->seen = SEEN_PART;
        entry->status = answer.status;
        entry->bytes = answer.content.length;
        entry->length = answer.length;
    }
}

void dialog_note(const struct dialog *dialog, const struct sim_socket *socket)
{
    journal_count(dialog->scene->journal, socket, dialog->stream_count);
    for (size_t i = 0; i < dialog->stream_count; i++) {
        const struct dialog_stream *stream = dialog->streams[i];
        if (stream->ask.ask.number > 0 && stream->ask.ask.began_us > 0)
            note_stream(dialog, stream,
                        journal_entry_for(dialog->scene->journal, stream->ask.ask.number, socket));
    }
}
