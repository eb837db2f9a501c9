/* The judge of answers from files: which version, in which coding, under which conditions, which ranges (RFC
 * 9110 sections 12.5.3, 13.2, 14). judge_file tries every version that was there. */
#include "judge.h"
#include "tags.h"

#include <stdio.h>

/* A version that could be what the answer is of. */
struct candidate {
    struct site_file *file;
    const char *type;
    struct version *version; /* of the form that is sent */
    enum form_kind form;
    bool is_negotiated; /* there is more than one form */
    bool is_dated;      /* its time was not in the future when it was looked at */
    char tag[ETAG_TEXT_MAX];
};

/* What was changed so short before it was looked at may change again without a trace. */
#define RACY_US 10000

/* ---- codings ---- */

static int weight_of(const struct ask_codings *codings, unsigned kind)
{
    return codings->weights[kind] != ASK_UNSAID ? codings->weights[kind]
           : codings->others != ASK_UNSAID      ? codings->others
                                                : 0;
}

/* The form with the highest weight, and of those with the same the last of the table. */
static enum form_kind choose_form(const struct ask_codings *codings, const bool available[FORM_COUNT])
{
    enum form_kind best = FORM_PLAIN;
    int best_weight = codings->is_there ? weight_of(codings, FORM_PLAIN) : 0;
    for (unsigned kind = FORM_GZIP; kind < FORM_COUNT && codings->is_there; kind++) {
        int weight = weight_of(codings, kind);
        if (available[kind] && weight > 0 && weight >= best_weight) {
            best = (enum form_kind)kind;
            best_weight = weight;
        }
    }
    return best;
}

/* ---- conditions ---- */

static bool tags_name(const struct ask_tags *tags, const char *tag, bool is_strong)
{
    if (tags->is_star)
        return true;
    for (size_t i = 0; i < tags->count; i++) {
        if (tags_match(tags->tags[i], tag, is_strong))
            return true;
    }
    return false;
}

/* Whether the file is newer than the date says; a time in the future is none. */
static bool is_after(const struct ask_date *date, const struct candidate *candidate, bool otherwise)
{
    return candidate->is_dated ? seconds_of(candidate->version->modified_ns) > date->seconds : otherwise;
}

/* 0 where the request is to be answered, 304 or 412. */
static int condition(const struct ask *ask, const struct candidate *candidate)
{
    if (ask->match.is_there) {
        if (!tags_name(&ask->match, candidate->tag, true))
            return 412;
    } else if (ask->unmodified_since.is_there && is_after(&ask->unmodified_since, candidate, false)) {
        return 412;
    }
    if (ask->none_match.is_there)
        return tags_name(&ask->none_match, candidate->tag, false) ? 304 : 0;
    return ask->modified_since.is_there && !is_after(&ask->modified_since, candidate, true) ? 304 : 0;
}

/* ---- ranges ---- */

enum range_outcome { RANGES_IGNORED, RANGES_GIVEN, RANGES_UNSATISFIABLE };

/* What vif says it takes: http/range.h. */
#define RANGES_MAX           256
#define RANGES_UNORDERED_MAX 16

/* The bytes that a spec names; false where there are none. */
static bool clip(const struct ask_range *range, uint64_t size, struct judged_range *ret_range)
{
    uint64_t first = range->kind == RANGE_LAST ? size - MIN(range->first, size) : range->first;
    uint64_t last = range->kind == RANGE_BETWEEN ? MIN(range->last, size - 1) : size - 1;
    bool is_empty = size == 0 || first >= size || (range->kind == RANGE_LAST && range->first == 0);
    *ret_range = (struct judged_range){first, last};
    return !is_empty;
}

static bool touch(const struct judged_range *a, const struct judged_range *b)
{
    return a->first <= b->last + 1 && b->first <= a->last + 1;
}

/* Each range takes in all later ones that touch it, and again until none does. */
static size_t merge(struct judged_range *ranges, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t j = i + 1; j < count; j++) {
            if (!touch(&ranges[i], &ranges[j]))
                continue;
            ranges[i] = (struct judged_range){MIN(ranges[i].first, ranges[j].first),
                                              MAX(ranges[i].last, ranges[j].last)};
            for (size_t k = j + 1; k < count; k++)
                ranges[k - 1] = ranges[k];
            count--;
            j = i;
        }
    }
    return count;
}

/* Each begins behind the end of the one before it. */
static bool ascend(const struct judged_range *ranges, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        if (ranges[i].first <= ranges[i - 1].last)
            return false;
    }
    return true;
}

static bool is_too_much(const struct judged_range *ranges, size_t count, uint64_t size)
{
    uint64_t sum = 0;
    unsigned overlaps = 0;
    for (size_t i = 0; i < count; i++) {
        sum += ranges[i].last - ranges[i].first + 1;
        for (size_t j = i + 1; j < count; j++)
            overlaps += ranges[i].first <= ranges[j].last && ranges[j].first <= ranges[i].last;
    }
    return sum > size || overlaps > 1 || (count > RANGES_UNORDERED_MAX && !ascend(ranges, count));
}

static enum range_outcome outcome_of(const struct ask *ask, uint64_t size, struct judged_range *ranges,
                                     size_t *ret_count)
{
    size_t count = 0;
    if (ask->range_is_none)
        return RANGES_UNSATISFIABLE;
    if (ask->range_is_odd || ask->range_count > RANGES_MAX || size == 0)
        return RANGES_IGNORED;
    for (size_t i = 0; i < ask->range_count; i++)
        count += clip(&ask->ranges[i], size, &ranges[count]);
    if (is_too_much(ranges, count, size))
        return RANGES_IGNORED;
    *ret_count = merge(ranges, count);
    return count > 0 ? RANGES_GIVEN : RANGES_UNSATISFIABLE;
}

static bool if_range_holds(const struct ask *ask, const struct candidate *candidate)
{
    if (ask->if_range_tag[0])
        return tags_match(ask->if_range_tag, candidate->tag, true);
    return !ask->if_range_date.is_there ||
           ask->if_range_date.seconds == seconds_of(candidate->version->modified_ns);
}

/* ---- fields ---- */

/* No later than the answer: what was modified in the future is said to be modified now. */
static bool judge_last_modified(const struct answer *answer, const struct candidate *candidate,
                                const struct circumstances *circumstances, struct verdict *verdict)
{
    char text[DATE_TEXT_MAX];
    int64_t modified = seconds_of(candidate->version->modified_ns), date;
    if (modified <= seconds_of(circumstances->until_ns) - 60) {
        date_write(text, modified);
        return judge_field(answer, "Last-Modified", text, verdict);
    }
    struct slice field = answer_field(answer, "Last-Modified");
    if (!date_read(field, &date) || date > modified || date > seconds_of(circumstances->until_ns))
        return blame(verdict, "Last-Modified: %.*s", SLICE_ARGS(field));
    return true;
}

/* What a 412 has of the file, too; but it varies as an error does. */
static bool judge_version_fields(const struct answer *answer, const struct candidate *candidate,
                                 const struct circumstances *circumstances, struct verdict *verdict)
{
    return judge_field(answer, "ETag", candidate->tag[0] ? candidate->tag : "(any)", verdict) &&
           judge_last_modified(answer, candidate, circumstances, verdict) &&
           judge_field(answer, "Cache-Control", candidate->file->cache_control, verdict) &&
           judge_field(answer, "X-Edition", circumstances->edition->mark, verdict);
}

static unsigned what_it_varies_by(const struct candidate *candidate)
{
    bool is_fallback = candidate->file == candidate->file->area->fallback;
    return (candidate->is_negotiated ? VARY_CODING : 0) | (is_fallback ? VARY_ACCEPT | VARY_FETCH : 0);
}

static bool judge_validators(const struct answer *answer, const struct candidate *candidate,
                             const struct circumstances *circumstances, struct verdict *verdict)
{
    return judge_version_fields(answer, candidate, circumstances, verdict) &&
           judge_vary(answer, what_it_varies_by(candidate), verdict);
}

static bool judge_fields(const struct answer *answer, const struct candidate *candidate,
                         const struct circumstances *circumstances, struct verdict *verdict)
{
    const char *coding = form_codings[candidate->form];
    return judge_field(answer, "Content-Encoding", coding[0] ? coding : NULL, verdict) &&
           judge_field(answer, "Accept-Ranges", "bytes", verdict) &&
           judge_validators(answer, candidate, circumstances, verdict);
}

/* ---- answers ---- */

static bool judge_whole(const struct answer *answer, const struct candidate *candidate,
                        const struct circumstances *circumstances, struct verdict *verdict)
{
    uint64_t size = candidate->version->size;
    if (!judge_status(answer, 200, verdict) ||
        !judge_field(answer, "Content-Type", candidate->type, verdict) ||
        !judge_fields(answer, candidate, circumstances, verdict) ||
        !judge_field(answer, "Content-Range", NULL, verdict))
        return false;
    if (answer->length != size)
        return blame(verdict, "Content-Length: %llu, the file has %llu", (unsigned long long)answer->length,
                     (unsigned long long)size);
    return answer->is_bare ||
           judge_bytes(answer->content, candidate->version, 0, size, circumstances->is_cut, verdict);
}

static bool judge_ranges(const struct answer *answer, const struct candidate *candidate,
                         const struct judged_range *ranges, size_t count,
                         const struct circumstances *circumstances, struct verdict *verdict)
{
    char text[100];
    if (!judge_status(answer, 206, verdict) || !judge_fields(answer, candidate, circumstances, verdict))
        return false;
    if (count > 1)
        return judge_multipart(answer, candidate->version, ranges, count, candidate->type,
                               circumstances->is_cut, verdict);
    snprintf(text, sizeof(text), "bytes %llu-%llu/%llu", (unsigned long long)ranges->first,
             (unsigned long long)ranges->last, (unsigned long long)candidate->version->size);
    return judge_field(answer, "Content-Type", candidate->type, verdict) &&
           judge_field(answer, "Content-Range", text, verdict) &&
           judge_bytes(answer->content, candidate->version, ranges->first, ranges->last - ranges->first + 1,
                       circumstances->is_cut, verdict);
}

static bool judge_unsatisfiable(const struct ask *ask, const struct answer *answer,
                                const struct candidate *candidate, const struct circumstances *circumstances,
                                struct verdict *verdict)
{
    char text[60];
    snprintf(text, sizeof(text), "bytes */%llu", (unsigned long long)candidate->version->size);
    return judge_field(answer, "Content-Range", text, verdict) &&
           judge_error(ask, answer, 416, circumstances, verdict);
}

static bool judge_candidate(const struct ask *ask, const struct answer *answer,
                            const struct candidate *candidate, const struct circumstances *circumstances,
                            struct verdict *verdict)
{
    struct judged_range ranges[ASK_RANGES_MAX];
    size_t count = 0;
    switch (condition(ask, candidate)) {
    case 304:
        return judge_status(answer, 304, verdict) &&
               judge_validators(answer, candidate, circumstances, verdict);
    case 412:
        return judge_error(ask, answer, 412, circumstances, verdict) &&
               judge_version_fields(answer, candidate, circumstances, verdict);
    }
    if (ask->has_range && strcmp(ask->method, "GET") == 0 && if_range_holds(ask, candidate)) {
        switch (outcome_of(ask, candidate->version->size, ranges, &count)) {
        case RANGES_GIVEN: return judge_ranges(answer, candidate, ranges, count, circumstances, verdict);
        case RANGES_UNSATISFIABLE: return judge_unsatisfiable(ask, answer, candidate, circumstances, verdict);
        case RANGES_IGNORED: break;
        }
    }
    return judge_whole(answer, candidate, circumstances, verdict);
}

/* What is kept in memory is known by its bytes. Of a larger file that changed a moment before it was looked
 * at, or whose file system could not be asked for what it is, nobody can be sure. */
static bool judge_weakness(const struct candidate *candidate, const struct circumstances *circumstances,
                           struct verdict *verdict)
{
    const struct version *version = candidate->version;
    int64_t racy_until_ns = version->modified_ns + RACY_US * INT64_C(1000);
    int64_t from_ns =
        circumstances->until_ns - (int64_t)(circumstances->until_us - circumstances->files_from_us) * 1000;
    bool is_large = version->size > circumstances->website->limits->cache_file_bytes;
    bool was_young = circumstances->files_from_us < version->from_us + RACY_US ||
                     (from_ns < racy_until_ns && version->modified_ns <= circumstances->until_ns);
    bool is_young = circumstances->until_us < version->changed_us + RACY_US;
    /* A file that was replaced while it was being opened lost its name then, which is a change of it. */
    bool was_replaced = version->until_us <= circumstances->until_us;
    bool is_weak = tag_is_weak(candidate->tag);
    bool was_unknown = circumstances->fs_unknown_us > version->from_us;
    if (is_weak && !(is_large && (was_young || was_replaced || was_unknown || circumstances->has_fault)))
        return blame(verdict, "the ETag %s is weak", candidate->tag);
    if (!is_weak && is_large && is_young)
        return blame(verdict, "the ETag %s is strong", candidate->tag);
    return true;
}

/* Without content nobody can tell which of two versions an answer is of. */
static bool shows_its_version(const struct answer *answer)
{
    return (answer->status == 200 || answer->status == 206) && !answer->is_bare &&
           answer->content.length >= 16;
}

/* Once for each side of the moment, where the time of the version came while the answer was made. */
static bool judge_with_date(const struct ask *ask, const struct answer *answer, struct candidate *candidate,
                            const struct circumstances *circumstances, struct verdict *verdict)
{
    int64_t modified = seconds_of(candidate->version->modified_ns);
    int64_t from_ns =
        circumstances->until_ns - (int64_t)(circumstances->until_us - circumstances->from_us) * 1000;
    candidate->is_dated = modified <= seconds_of(circumstances->until_ns);
    if (judge_candidate(ask, answer, candidate, circumstances, verdict))
        return true;
    if (!candidate->is_dated || modified < seconds_of(from_ns))
        return false;
    candidate->is_dated = false;
    *verdict = (struct verdict){0};
    return judge_candidate(ask, answer, candidate, circumstances, verdict);
}

/* The answer has the candidate's tag, or has none to show. */
static bool judge_with_tag(const struct ask *ask, const struct answer *answer, struct candidate *candidate,
                           const struct circumstances *circumstances, struct verdict *verdict)
{
    const struct form *form = &candidate->file->forms[candidate->form];
    struct slice field = answer_field(answer, "ETag");
    struct verdict of_tag = {0};
    if (field.data == NULL)
        snprintf(candidate->tag, sizeof(candidate->tag), "%s", tag_known(form, candidate->version));
    else if (!tag_read(field, candidate->tag))
        blame(&of_tag, "ETag: %.*s", SLICE_ARGS(field));
    if (!of_tag.is_bad && field.data)
        (void)(judge_weakness(candidate, circumstances, &of_tag) &&
               judge_tag(form, candidate->version, candidate->tag, &of_tag));
    if (!of_tag.is_bad && judge_with_date(ask, answer, candidate, circumstances, &of_tag)) {
        if (field.data && shows_its_version(answer))
            tag_note(candidate->version, candidate->tag);
        return true;
    }
    *verdict = of_tag;
    return false;
}

/* The form that the request prefers of those that are there with this version of the file; where a fault kept
 * one from being found, any. */
static bool judge_version(const struct ask *ask, const struct answer *answer, struct candidate *candidate,
                          struct version *plain, const struct circumstances *circumstances,
                          struct verdict *verdict)
{
    bool is_lenient = circumstances->has_fault || circumstances->is_busy;
    bool available[FORM_COUNT] = {true};
    for (unsigned kind = FORM_GZIP; kind < FORM_COUNT; kind++) {
        struct version *sibling = form_now(&candidate->file->forms[kind]);
        available[kind] = sibling && sibling->modified_ns >= plain->modified_ns;
        candidate->is_negotiated |= available[kind];
    }
    enum form_kind chosen = choose_form(&ask->codings, available);
    for (unsigned kind = 0; kind < FORM_COUNT; kind++) {
        if (kind != chosen && !(is_lenient && available[kind]))
            continue;
        candidate->form = (enum form_kind)kind;
        candidate->version = kind == FORM_PLAIN ? plain : form_now(&candidate->file->forms[kind]);
        if (judge_with_tag(ask, answer, candidate, circumstances, verdict))
            return true;
    }
    if (is_lenient && candidate->is_negotiated) {
        candidate->is_negotiated = false;
        candidate->form = FORM_PLAIN;
        candidate->version = plain;
        return judge_with_tag(ask, answer, candidate, circumstances, verdict);
    }
    return false;
}

bool judge_file(const struct ask *ask, const struct answer *answer, struct site_file *file, const char *type,
                const struct circumstances *circumstances, struct verdict *verdict)
{
    struct form *plain = &file->forms[FORM_PLAIN];
    unsigned count = 0;
    struct verdict last = {0};
    for (size_t i = 0; i < plain->count; i++) {
        if (!version_was_in(&plain->versions[i], circumstances->files_from_us, circumstances->until_us))
            continue;
        struct candidate candidate = {.file = file, .type = type};
        struct verdict of_version = {0};
        count++;
        if (judge_version(ask, answer, &candidate, &plain->versions[i], circumstances, &of_version))
            return true;
        last = of_version;
    }
    /* Three changes while it was being looked at are more than vif waits for. */
    if (count > 3 && judge_error(ask, answer, 503, circumstances, &(struct verdict){0}))
        return true;
    return blame(verdict, "of %u versions the last does not fit: %s", count,
                 last.is_bad ? last.text : "there was none");
}
