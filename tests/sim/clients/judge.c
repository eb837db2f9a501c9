/* The judge of answers that come from no file, and the way to those that do. */
#include "judge.h"

#include "content.h"

#include <stdio.h>
#include <stdlib.h>

bool judge_field(const struct answer *answer, const char *name, const char *value, struct verdict *verdict)
{
    struct slice got = answer_field(answer, name);
    if (value == NULL)
        return got.data == NULL || blame(verdict, "%s: %.*s, where none should be", name, SLICE_ARGS(got));
    if (got.data == NULL)
        return blame(verdict, "no %s, expected \"%s\"", name, value);
    return slice_equal(got, slice_from(value)) ||
           blame(verdict, "%s: %.*s, expected \"%s\"", name, SLICE_ARGS(got), value);
}

bool judge_status(const struct answer *answer, int status, struct verdict *verdict)
{
    return answer->status == status || blame(verdict, "status %d, expected %d", answer->status, status);
}

bool judge_bytes(struct slice content, const struct version *version, uint64_t first, uint64_t length,
                 bool is_cut, struct verdict *verdict)
{
    if (is_cut ? content.length > length : content.length != length)
        return blame(verdict, "%zu bytes of content, expected %llu", content.length,
                     (unsigned long long)length);
    size_t match = content_match(content, version->key, first);
    if (match == content.length)
        return true;
    return blame(verdict, "the byte at %llu of the file is not of the version of %lld ns",
                 (unsigned long long)(first + match), (long long)version->modified_ns);
}

/* What the wall clock showed at some time of the exchange. */
static bool judge_date(const struct answer *answer, const struct circumstances *circumstances,
                       struct verdict *verdict)
{
    int64_t date;
    struct slice text = answer_field(answer, "Date");
    if (!date_read(text, &date))
        return blame(verdict, "Date: %.*s", SLICE_ARGS(text));
    int64_t until = seconds_of(circumstances->until_ns);
    int64_t from = seconds_of(circumstances->until_ns -
                              (int64_t)(circumstances->until_us - circumstances->from_us) * 1000);
    /* The server's second begins with its loop's turn, which may be a moment old. */
    if (date < from - 1 || date > until)
        return blame(verdict, "Date: %.*s is %lld seconds off", SLICE_ARGS(text), (long long)(date - until));
    return true;
}

/* What comes from no route has none; what comes from a file is looked at by judge_file. */
static bool judge_mark(const struct answer *answer, const struct circumstances *circumstances,
                       struct verdict *verdict)
{
    return answer_field(answer, "X-Edition").data == NULL ||
           judge_field(answer, "X-Edition", circumstances->edition->mark, verdict);
}

bool judge_common(const struct answer *answer, const struct circumstances *circumstances,
                  struct verdict *verdict)
{
    return judge_date(answer, circumstances, verdict) &&
           judge_field(answer, "Server", circumstances->edition->server_field ? "vif" : NULL, verdict) &&
           judge_mark(answer, circumstances, verdict);
}

static bool is_in(struct slice text, const char *words)
{
    return text.length > 0 && memmem(text.data, text.length, words, strlen(words)) != NULL;
}

static bool judge_options(const struct answer *answer, struct verdict *verdict)
{
    return judge_status(answer, 204, verdict) &&
           judge_field(answer, "Allow", "GET, HEAD, OPTIONS", verdict) && judge_vary(answer, 0, verdict);
}

/* The fallback is a page, and no request here says that it wants one: the extension decides. */
static bool names_an_asset(const char *url)
{
    static const char *const extensions[] = {".txt", ".bin", ".css", ".js", ".json", ".png", ".svg"};
    const char *extension = strrchr(url, '.');
    for (size_t i = 0; i < ARRAY_LENGTH(extensions) && extension; i++) {
        if (strcmp(extension, extensions[i]) == 0)
            return true;
    }
    return false;
}

/* What an area says to a path that leads nowhere: its fallback, or an error. */
static bool judge_nothing(const struct ask *ask, const struct answer *answer, const struct area *area,
                          const struct circumstances *circumstances, struct verdict *verdict)
{
    if (area->fallback && !ask->wants_json && !names_an_asset(ask->target->url))
        return judge_file(ask, answer, area->fallback, area->fallback->type, circumstances, verdict);
    if (area->fallback && (vary_of(answer, verdict) & VARY_FETCH) == 0)
        return blame(verdict, "what is no page does not vary by Sec-Fetch-Dest");
    return judge_error(ask, answer, 404, circumstances, verdict);
}

static bool judge_listing(const struct ask *ask, const struct answer *answer,
                          const struct circumstances *circumstances, struct verdict *verdict)
{
    const char *type = ask->wants_json ? "application/json" : "text/html; charset=utf-8";
    if (!judge_status(answer, 200, verdict) || !judge_field(answer, "Content-Type", type, verdict) ||
        !judge_vary(answer, VARY_ACCEPT, verdict) ||
        !judge_field(answer, "Cache-Control", "no-cache", verdict))
        return false;
    if (answer->is_bare || circumstances->is_cut)
        return true;
    size_t count = 0;
    for (; ask->target->members[count]; count++) {
        char words[100];
        snprintf(words, sizeof(words), ask->wants_json ? "\"href\":\"./%s\"" : "<a href=\"./%s\"",
                 ask->target->members[count]);
        if (!is_in(answer->content, words))
            return blame(verdict, "the listing lacks %s", ask->target->members[count]);
    }
    if (ask->wants_json ? !slice_ends_with(answer->content, SLICE("\n],\"truncated\":false}\n"))
                        : !is_in(answer->content, "</html>"))
        return blame(verdict, "the listing is not whole");
    return true;
}

/* The path without as many segments at its front. */
static const char *path_behind(const char *path, unsigned segments)
{
    for (; segments > 0; segments--)
        path = strchr(path + 1, '/');
    return path;
}

static bool judge_redirect(const struct ask *ask, const struct answer *answer,
                           const struct circumstances *circumstances, struct verdict *verdict)
{
    const struct target *target = ask->target;
    char location[512];
    snprintf(location, sizeof(location), "%s%s%s%s", target->location,
             path_behind(ask->path, target->left_out), target->adds_slash ? "/" : "",
             target->takes_query ? ask->query_escaped : "");
    if (!judge_status(answer, target->status, verdict) ||
        !judge_field(answer, "Location", location, verdict) ||
        !judge_field(answer, "Content-Type", "text/plain; charset=utf-8", verdict))
        return false;
    return answer->is_bare || circumstances->is_cut || slice_equal(answer->content, slice_from(location)) ||
           blame(verdict, "the content of the redirect");
}

static bool judge_fixed(const struct ask *ask, const struct answer *answer,
                        const struct circumstances *circumstances, struct verdict *verdict)
{
    const struct target *target = ask->target;
    const char *body = target->takes_edition ? circumstances->edition->fixed_body : target->body;
    if (!judge_status(answer, target->status, verdict) ||
        !judge_field(answer, "Content-Type", target->type[0] ? target->type : NULL, verdict))
        return false;
    if (answer->has_length && answer->length != strlen(body))
        return blame(verdict, "Content-Length of the fixed response");
    return answer->is_bare || circumstances->is_cut || slice_equal(answer->content, slice_from(body)) ||
           blame(verdict, "the content of the fixed response");
}

/* The file, or its absence where it was away for a time. */
static bool judge_path(const struct ask *ask, const struct answer *answer,
                       const struct circumstances *circumstances, struct verdict *verdict)
{
    struct site_file *file = ask->target->file;
    if (circumstances->edition->docs_moved && file->moved)
        file = file->moved;
    struct verdict of_file = {0}, of_absence = {0};
    if (judge_file(ask, answer, file, ask->target->type, circumstances, &of_file))
        return true;
    if (form_was_absent(&file->forms[FORM_PLAIN], circumstances->files_from_us, circumstances->until_us) &&
        judge_nothing(ask, answer, ask->target->area, circumstances, &of_absence))
        return true;
    return blame(verdict, "%s", of_file.text);
}

static bool judge_target(const struct ask *ask, const struct answer *answer,
                         const struct circumstances *circumstances, struct verdict *verdict)
{
    const struct target *target = ask->target;
    bool asks_options = strcmp(ask->method, "OPTIONS") == 0;
    if (is_answered_preflight(ask))
        return judge_preflight(ask, answer, verdict);
    if (target->kind == TARGET_SERVER || (asks_options && target->area && !target->is_bare_prefix))
        return judge_options(answer, verdict);
    switch (target->kind) {
    case TARGET_FILE: return judge_path(ask, answer, circumstances, verdict);
    case TARGET_LISTING: return judge_listing(ask, answer, circumstances, verdict);
    case TARGET_NOTHING: return judge_nothing(ask, answer, target->area, circumstances, verdict);
    case TARGET_REDIRECT: return judge_redirect(ask, answer, circumstances, verdict);
    case TARGET_FIXED: return judge_fixed(ask, answer, circumstances, verdict);
    case TARGET_SERVER: break;
    }
    UNREACHABLE();
}

static bool judge_refusal(const struct ask *ask, const struct answer *answer,
                          const struct circumstances *circumstances, struct verdict *verdict)
{
    if (ask->status == 405 && !judge_field(answer, "Allow", ask->allow, verdict))
        return false;
    return judge_error(ask, answer, ask->status, circumstances, verdict);
}

/* What a failing system call may turn an answer into: a file that cannot be read is forbidden, absent, or
 * the server's fault. */
static bool judge_failure(const struct ask *ask, const struct answer *answer,
                          const struct circumstances *circumstances, struct verdict *verdict)
{
    bool is_about_files = ask->target && ask->target->area;
    static const int statuses[] = {503, 500, 404, 403};
    for (size_t i = 0; i < (is_about_files ? 4 : 2); i++) {
        struct verdict of_status = {0};
        if (judge_error(ask, answer, statuses[i], circumstances, &of_status))
            return true;
    }
    struct verdict of_absence = {0};
    return (is_about_files && judge_nothing(ask, answer, ask->target->area, circumstances, &of_absence)) ||
           blame(verdict, "nor is it an error that a fault explains");
}

/* In the place of an answer for whose headers there was no memory: a 503 with none of them. */
static bool is_bare_failure(const struct answer *answer)
{
    size_t of_wire = 2 + answer->says_close + answer->says_keep_open; /* Date and Content-Length */
    return answer->status == 503 && answer->has_length && answer->length == 0 &&
           answer->field_count == of_wire;
}

static bool judge_by_edition(const struct ask *ask, const struct answer *answer,
                             const struct circumstances *circumstances, struct verdict *verdict)
{
    struct verdict first = {0}, ignored = {0};
    if (circumstances->has_fault && is_bare_failure(answer))
        return judge_date(answer, circumstances, verdict);
    bool is_right = ask->refused  ? judge_error(ask, answer, ask->refused, circumstances, &first)
                    : ask->status ? judge_refusal(ask, answer, circumstances, &first)
                                  : judge_target(ask, answer, circumstances, &first);
    if (!is_right && circumstances->is_busy && judge_error(ask, answer, 503, circumstances, &ignored))
        is_right = true;
    if (!is_right && !(circumstances->has_fault && judge_failure(ask, answer, circumstances, &ignored)))
        return blame(verdict, "%s", first.text);
    /* A path that is refused is not routed by it. */
    bool is_routed =
        ask->target && ask->status != 400 && !(circumstances->has_fault && answer->status >= 500);
    return judge_common(answer, circumstances, verdict) && (!is_routed || judge_cors(ask, answer, verdict));
}

bool judge(const struct ask *ask, const struct answer *answer, const struct circumstances *circumstances,
           struct verdict *verdict)
{
    return judge_editions(judge_by_edition, ask, answer, circumstances, verdict);
}

bool judge_editions(judge_one *judges, const struct ask *ask, const struct answer *answer,
                    const struct circumstances *circumstances, struct verdict *verdict)
{
    const struct editions *editions = &circumstances->website->editions;
    struct verdict last = {.text = "no settings were in force"};
    for (size_t i = 0; i < editions->reign_count; i++) {
        const struct reign *reign = &editions->reigns[i];
        if (reign->from_us > circumstances->began_until_us || reign->until_us < circumstances->began_from_us)
            continue;
        struct circumstances by_edition = *circumstances;
        by_edition.edition = reign->edition;
        last = (struct verdict){0};
        if (judges(ask, answer, &by_edition, &last))
            return true;
    }
    return blame(verdict, "%s", last.text);
}
