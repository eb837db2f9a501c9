/* The judge of errors: whose page they have, in which form, and for programs as JSON. */
#include "judge.h"

#include <stdio.h>

static bool is_in(struct slice text, const char *words)
{
    return text.length > 0 && memmem(text.data, text.length, words, strlen(words)) != NULL;
}

static bool judge_standard(const struct ask *ask, const struct answer *answer,
                           const struct circumstances *circumstances, struct verdict *verdict)
{
    char words[40];
    const char *type = ask->wants_json ? "application/json" : "text/html; charset=utf-8";
    if (!judge_field(answer, "Content-Type", type, verdict) ||
        !judge_field(answer, "Content-Encoding", NULL, verdict))
        return false;
    if ((vary_of(answer, verdict) & VARY_ACCEPT) == 0)
        return blame(verdict, "an error does not vary by Accept");
    bool lacks_memory = circumstances->has_page_fault && answer->length == 0;
    if (answer->is_bare || circumstances->is_cut || lacks_memory)
        return true;
    snprintf(words, sizeof(words), ask->wants_json ? "{\"status\":%d," : "<p class=\"status\">%d</p>",
             answer->status);
    if (!is_in(answer->content, words) || !is_in(answer->content, ask->wants_json ? "\"}\n" : "</html>"))
        return blame(verdict, "the error page of %d is not whole", answer->status);
    return true;
}

/* What the content of the page is in one of its forms. */
static bool judge_form(const struct ask *ask, const struct answer *answer, struct site_file *page,
                       enum form_kind kind, const struct circumstances *circumstances,
                       struct verdict *verdict)
{
    const struct version *version = form_now(&page->forms[kind]);
    bool is_wanted = kind == FORM_PLAIN || (ask->codings.is_there && version);
    if (!is_wanted)
        return blame(verdict, "%s is no form that is there", form_codings[kind]);
    const char *coding = form_codings[kind];
    return judge_field(answer, "Content-Encoding", coding[0] ? coding : NULL, verdict) &&
           (answer->is_bare ||
            judge_bytes(answer->content, version, 0, version->size, circumstances->is_cut, verdict));
}

static bool judge_page(const struct ask *ask, const struct answer *answer, struct site_file *page,
                       const struct circumstances *circumstances, struct verdict *verdict)
{
    unsigned vary = vary_of(answer, verdict);
    if ((vary & VARY_ACCEPT) == 0)
        return blame(verdict, "the page of an error does not vary by Accept");
    if (!judge_field(answer, "Content-Type", page->type, verdict))
        return false;
    struct verdict of_form = {0};
    for (unsigned kind = 0; kind < FORM_COUNT; kind++) {
        of_form = (struct verdict){0};
        if (judge_form(ask, answer, page, (enum form_kind)kind, circumstances, &of_form))
            return kind == FORM_PLAIN || (vary & VARY_CODING) || blame(verdict, "a coded page without Vary");
    }
    return blame(verdict, "the page of an error: %s", of_form.text);
}

/* The one that the path lies in; what cannot be understood lies in "/". */
static const struct area *area_of(const struct ask *ask, const struct circumstances *circumstances)
{
    bool is_known = ask->target && ask->target->area && ask->status != 400;
    return is_known ? ask->target->area : &circumstances->website->areas[0];
}

static bool judge_known(const struct ask *ask, const struct answer *answer, int status,
                        const struct circumstances *circumstances, struct verdict *verdict)
{
    const struct area *area = area_of(ask, circumstances);
    bool has_page = area->error_page && area->has_page_for[status - 400] && !ask->wants_json;
    bool is_lenient = circumstances->has_page_fault || circumstances->is_busy;
    struct verdict of_page = {0};
    if (has_page && judge_page(ask, answer, area->error_page, circumstances, &of_page))
        return true;
    if (has_page && !is_lenient)
        return blame(verdict, "%s", of_page.text);
    return judge_standard(ask, answer, circumstances, verdict);
}

/* What a head says that did not come to its end in time is not known: only content can be late and the rest
 * not. */
static bool judge_late(const struct ask *ask, const struct answer *answer, int status,
                       const struct circumstances *circumstances, struct verdict *verdict)
{
    static const struct ask unknown = {.method = ""};
    return judge_known(&unknown, answer, status, circumstances, &(struct verdict){0}) ||
           judge_known(ask, answer, status, circumstances, verdict);
}

bool judge_error(const struct ask *ask, const struct answer *answer, int status,
                 const struct circumstances *circumstances, struct verdict *verdict)
{
    if (!judge_status(answer, status, verdict))
        return false;
    if (status == 503 && !judge_field(answer, "Retry-After", "1", verdict))
        return false;
    return status == 408 ? judge_late(ask, answer, status, circumstances, verdict)
                         : judge_known(ask, answer, status, circumstances, verdict);
}

bool judge_timeout(const struct ask *ask, const struct answer *answer,
                   const struct circumstances *circumstances, struct verdict *verdict)
{
    return judge_error(ask, answer, 408, circumstances, verdict) &&
           judge_common(answer, circumstances, verdict);
}
