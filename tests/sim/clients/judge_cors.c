/* The judge of what pages of other origins may read, and of what an answer depends on. */
#include "judge.h"

static unsigned vary_bit(struct slice name)
{
    static const struct {
        const char *name;
        unsigned bit;
    } names[] = {
        {"Accept", VARY_ACCEPT},
        {"Accept-Encoding", VARY_CODING},
        {"Origin", VARY_ORIGIN},
        {"Sec-Fetch-Dest", VARY_FETCH},
        {"Access-Control-Request-Method", VARY_PREFLIGHT},
        {"Access-Control-Request-Headers", VARY_PREFLIGHT},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        if (slice_equal(name, slice_from(names[i].name)))
            return names[i].bit;
    }
    return 0;
}

unsigned vary_of(const struct answer *answer, struct verdict *verdict)
{
    unsigned bits = 0;
    for (size_t i = 0; i < answer->field_count; i++) {
        struct slice rest = answer->fields[i].value, name;
        if (!slice_equal_nocase(answer->fields[i].name, SLICE("Vary")))
            continue;
        while (slice_next(&rest, ',', &name)) {
            if (vary_bit(name) == 0)
                blame(verdict, "Vary: %.*s", SLICE_ARGS(name));
            bits |= vary_bit(name);
        }
    }
    return bits;
}

bool judge_vary(const struct answer *answer, unsigned expected, struct verdict *verdict)
{
    unsigned found = vary_of(answer, verdict) & ~(unsigned)VARY_ORIGIN;
    return !verdict->is_bad &&
           (found == expected || blame(verdict, "Vary has the bits %u, expected %u", found, expected));
}

/* The website's list: one origin, and all below another. */
static bool may_read(const char *origin)
{
    return origin &&
           (strcmp(origin, WEBSITE_ORIGIN) == 0 || strcmp(origin, "https://a.b.wild.example:8443") == 0);
}

bool judge_cors(const struct ask *ask, const struct answer *answer, struct verdict *verdict)
{
    const struct area *area = ask->target->area;
    bool of_some = area && area->cors == CORS_OF_SOME;
    const char *allowed = area && area->cors == CORS_OF_ALL  ? "*"
                          : of_some && may_read(ask->origin) ? ask->origin
                                                             : NULL;
    if (((vary_of(answer, verdict) & VARY_ORIGIN) != 0) != of_some)
        return blame(verdict, "Vary and Origin");
    if (!judge_field(answer, "Access-Control-Allow-Origin", allowed, verdict))
        return false;
    bool is_exposed = answer_field(answer, "Access-Control-Expose-Headers").data != NULL;
    return is_exposed == (allowed != NULL) || blame(verdict, "Access-Control-Expose-Headers");
}

bool is_answered_preflight(const struct ask *ask)
{
    return ask->asks_what_it_may && ask->status == 0 && ask->target->area &&
           ask->target->area->cors != CORS_NONE;
}

bool judge_preflight(const struct ask *ask, const struct answer *answer, struct verdict *verdict)
{
    bool is_allowed = ask->target->area->cors == CORS_OF_ALL || may_read(ask->origin);
    const char *headers = is_allowed && ask->asks_headers[0] ? ask->asks_headers : NULL;
    return judge_status(answer, 204, verdict) &&
           judge_field(answer, "Allow", "GET, HEAD, OPTIONS", verdict) &&
           judge_field(answer, "Access-Control-Allow-Headers", headers, verdict) &&
           judge_vary(answer, VARY_PREFLIGHT, verdict);
}
