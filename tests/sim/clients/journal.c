/* See journal.h. */
#include "journal.h"

#include "answer.h"
#include "endings.h"

#include <stdio.h>
#include <stdlib.h>

void journal_init(struct journal *journal)
{
    *journal = (struct journal){0};
    buffer_init(&journal->text, 1u << 20);
}

void journal_finish(struct journal *journal)
{
    free(journal->entries);
    buffer_finish(&journal->text);
}

static struct journal_entry *entry_of(struct journal *journal, size_t number)
{
    if (number >= journal->entry_count) {
        size_t count = MAX(number + 1, 2 * journal->entry_count);
        journal->entries = realloc(journal->entries, count * sizeof(*journal->entries));
        assert(journal->entries);
        memset(journal->entries + journal->entry_count, 0,
               (count - journal->entry_count) * sizeof(*journal->entries));
        journal->entry_count = count;
    }
    return &journal->entries[number];
}

/* ---- what the clients saw ---- */

static void note_part(struct journal_entry *entry, const struct conversation *conversation,
                      const struct ask *ask)
{
    struct answer answer;
    struct verdict ignored = {0};
    struct slice inbox = buffer_slice(&conversation->inbox);
    bool has_head = answer_read(inbox, ask->is_head, &answer, &ignored) == ANSWER_HEAD && answer.has_length;
    if (!has_head || conversation_is_turned_away(conversation, &answer))
        return;
    entry->seen = SEEN_PART;
    entry->status = answer.status;
    entry->bytes = answer.content.length;
    entry->length = answer.length;
    entry->head_end = conversation->taken_bytes + answer.head_bytes;
}

static void note_ask(struct journal_entry *entry, const struct conversation *conversation, size_t index)
{
    const struct ask *ask = &conversation->asks[index];
    entry->is_framed = conversation->is_framed;
    entry->was_understood = ask->refused == 0 && ask->completed_us > 0;
    entry->causes = conversation_causes(conversation, index);
    if (ask->answer_status) {
        entry->seen = SEEN_WHOLE;
        entry->status = ask->answer_status;
        entry->bytes = entry->length = ask->answer_bytes;
    } else if (index == conversation->answered) {
        note_part(entry, conversation, ask);
    }
}

static uint32_t address_of(const struct sim_socket *socket)
{
    return socket ? sim_socket_address(socket) : 0;
}

void journal_count(struct journal *journal, const struct sim_socket *socket, size_t requests)
{
    journal->asked[address_of(socket) % JOURNAL_ADDRESSES] += requests;
}

struct journal_entry *journal_entry_for(struct journal *journal, size_t number,
                                        const struct sim_socket *socket)
{
    struct journal_entry *entry = entry_of(journal, number);
    entry->is_there = true;
    entry->socket = socket;
    entry->address = address_of(socket);
    return entry;
}

void journal_note(struct journal *journal, const struct conversation *conversation,
                  const struct sim_socket *socket)
{
    journal_count(journal, socket, conversation->ask_count);
    for (size_t i = 0; i < conversation->ask_count; i++) {
        const struct ask *ask = &conversation->asks[i];
        if (ask->number == 0 || ask->began_us == 0)
            continue;
        note_ask(journal_entry_for(journal, ask->number, socket), conversation, i);
    }
}

/* ---- what the log says ---- */

static bool find_text(struct slice line, const char *name, char *out, size_t size)
{
    char words[40];
    int length = snprintf(words, sizeof(words), "\"%s\":\"", name);
    const char *at = memmem(line.data, line.length, words, (size_t)length);
    if (at == NULL)
        return false;
    struct slice rest = slice_skip(line, (size_t)(at - line.data) + (size_t)length);
    struct slice text = slice_take(rest, slice_find(rest, '"'));
    if (text.length >= size)
        return false;
    memcpy(out, text.data, text.length);
    out[text.length] = '\0';
    return true;
}

/* Behind all texts that clients choose: the last one counts. */
static bool find_number(struct slice line, const char *name, uint64_t *ret_value)
{
    char words[40];
    int length = snprintf(words, sizeof(words), "\"%s\":", name);
    const char *at = memmem(line.data, line.length, words, (size_t)length);
    if (at == NULL)
        return false;
    struct slice rest = slice_skip(line, (size_t)(at - line.data) + (size_t)length);
    size_t digits = MIN(slice_find(rest, ','), slice_find(rest, '}'));
    return answer_number(slice_take(rest, digits), ret_value);
}

static bool take_line(struct journal *journal, struct slice line, struct verdict *verdict)
{
    struct journal_line read = {.is_there = true};
    char agent[30];
    uint64_t status, duration_us, number;
    bool is_whole = slice_starts_with(line, SLICE("{\"time\":\"")) && slice_ends_with(line, SLICE("\"}"));
    if (!is_whole || !find_number(line, "status", &status) || !find_number(line, "bytes", &read.bytes) ||
        !find_number(line, "duration_us", &duration_us) ||
        !find_text(line, "outcome", read.outcome, sizeof(read.outcome)))
        return blame(verdict, "a line of the log that is none: %.*s", SLICE_ARGS(line));
    read.status = (int)status;
    /* What was not understood is nobody's. */
    if (!find_text(line, "user_agent", agent, sizeof(agent)) || !answer_number(slice_from(agent), &number))
        return true;
    struct journal_entry *entry = entry_of(journal, (size_t)number);
    if (entry->line.is_there)
        return blame(verdict, "request %s has a second line in the log: %.*s", agent, SLICE_ARGS(line));
    entry->line = read;
    return true;
}

bool journal_read(struct journal *journal, struct slice bytes, struct verdict *verdict)
{
    buffer_append(&journal->text, bytes);
    for (;;) {
        struct slice text = buffer_slice(&journal->text);
        size_t end = slice_find(text, '\n');
        if (end == text.length)
            return true;
        if (!take_line(journal, slice_take(text, end), verdict))
            return false;
        buffer_consume(&journal->text, end + 1);
    }
}

/* ---- both together ---- */

static bool is_complete(const struct journal_line *line)
{
    return strcmp(line->outcome, "complete") == 0;
}

static bool judge_whole(const struct journal_entry *entry, size_t number, struct verdict *verdict)
{
    const struct journal_line *line = &entry->line;
    if (line->bytes != entry->bytes)
        return blame(verdict, "the log says %llu bytes of request %zu, of which %llu came",
                     (unsigned long long)line->bytes, number, (unsigned long long)entry->bytes);
    /* A stream that its client has not ended is under way, whatever was answered. */
    return is_complete(line) || entry->status == 408 || (entry->is_framed && !entry->was_understood) ||
           blame(verdict, "the log says %s of request %zu, whose answer came whole", line->outcome, number);
}

/* Responses share the outputs of their connection, and what one has lost with the last of them is not known
 * exactly. */
#define OUTPUT_BYTES_MAX (64u << 10)

static bool judge_framed_part(const struct journal_entry *entry, size_t number, struct verdict *verdict)
{
    const struct journal_line *line = &entry->line;
    if (line->bytes + OUTPUT_BYTES_MAX < entry->bytes || line->bytes > entry->length)
        return blame(verdict, "the log says %llu bytes of request %zu, of which %llu of %llu came",
                     (unsigned long long)line->bytes, number, (unsigned long long)entry->bytes,
                     (unsigned long long)entry->length);
    return !is_complete(line) || line->bytes == entry->length ||
           blame(verdict, "the log says %s of request %zu, of which %llu of %llu bytes were sent",
                 line->outcome, number, (unsigned long long)line->bytes, (unsigned long long)entry->length);
}

static bool judge_part(const struct journal_entry *entry, size_t number, uint64_t handed,
                       struct verdict *verdict)
{
    const struct journal_line *line = &entry->line;
    uint64_t content = MIN(handed - MIN(handed, entry->head_end), entry->length);
    if (line->bytes != content)
        return blame(verdict, "the log says %llu bytes of request %zu, of which %llu were sent",
                     (unsigned long long)line->bytes, number, (unsigned long long)content);
    return is_complete(line) == (content == entry->length) ||
           blame(verdict, "the log says %s of request %zu, of which %llu of %llu bytes were sent",
                 line->outcome, number, (unsigned long long)content, (unsigned long long)entry->length);
}

/* Which of the causes a word of the log names. */
static unsigned cause_of(const char *outcome)
{
    static const struct {
        const char *outcome;
        unsigned causes;
    } names[] = {
        {"client_left", CAUSE_CLIENT_LEFT},
        {"timed_out", CAUSE_TIME},
        {"file_changed", CAUSE_CHANGE | CAUSE_FAULT},
        {"read_failed", CAUSE_FAULT},
        {"shed", CAUSE_CROWD},
        {"overloaded", CAUSE_SHORTAGE},
        {"shutdown", CAUSE_END},
        {"connection_cut", CAUSE_EARLIER_CUT},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        if (strcmp(names[i].outcome, outcome) == 0)
            return names[i].causes;
    }
    return 0;
}

static bool judge_outcome(const struct journal_entry *entry, size_t number, struct verdict *verdict)
{
    const struct journal_line *line = &entry->line;
    if (is_complete(line) || (entry->causes & cause_of(line->outcome)))
        return true;
    return line->status == 408 ||
           blame(verdict, "the log says %s of request %zu, and nothing is known of that", line->outcome,
                 number);
}

static bool judge_entry(const struct journal_entry *entry, size_t number,
                        uint64_t (*handed)(const struct sim_socket *socket), struct verdict *verdict)
{
    const struct journal_line *line = &entry->line;
    if (!entry->is_there)
        return blame(verdict, "the log has a line of request %zu, which was not sent", number);
    if (line->status == 499 && (line->bytes > 0 || is_complete(line)))
        return blame(verdict, "a request without a response has %llu bytes and is %s",
                     (unsigned long long)line->bytes, line->outcome);
    if (!judge_outcome(entry, number, verdict))
        return false;
    if (entry->seen == SEEN_NOTHING)
        return true;
    if (line->status != entry->status)
        return blame(verdict, "the log says status %d of request %zu, which was %d", line->status, number,
                     entry->status);
    if (entry->seen == SEEN_WHOLE)
        return judge_whole(entry, number, verdict);
    return entry->is_framed ? judge_framed_part(entry, number, verdict)
                            : judge_part(entry, number, handed(entry->socket), verdict);
}

/* Its server must have known who it was. */
static bool has_to_have_a_line(const struct journal_entry *entry)
{
    return entry->is_there && entry->was_understood && entry->seen != SEEN_NOTHING && entry->status != 408;
}

static bool judge_missing(const struct journal *journal, const struct journal_entry *entry, size_t number,
                          struct verdict *verdict)
{
    uint64_t asked = journal->asked[entry->address % JOURNAL_ADDRESSES];
    return journal->may_lose_any || asked > JOURNAL_FEW_ASKS || journal->dropped == 0 ||
           blame(verdict, "the line of request %zu was dropped, whose client sent only %llu", number,
                 (unsigned long long)asked);
}

bool journal_judge(const struct journal *journal, uint64_t (*handed)(const struct sim_socket *socket),
                   struct verdict *verdict)
{
    uint64_t missing = 0;
    size_t first = 0;
    for (size_t i = 0; i < journal->entry_count; i++) {
        const struct journal_entry *entry = &journal->entries[i];
        if (entry->line.is_there && !judge_entry(entry, i, handed, verdict))
            return false;
        bool lacks_line = has_to_have_a_line(entry) && !entry->line.is_there;
        if (lacks_line && !judge_missing(journal, entry, i, verdict))
            return false;
        first = lacks_line && missing == 0 ? i : first;
        missing += lacks_line;
    }
    return missing <= journal->dropped ||
           blame(verdict, "%llu lines are missing from the log, the first of request %zu; %llu were dropped",
                 (unsigned long long)missing, first, (unsigned long long)journal->dropped);
}
