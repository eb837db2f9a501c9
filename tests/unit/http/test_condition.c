/* Conditions: each field alone, their order, and what is ignored. */
#include "../test.h"

#include "http/condition.h"
#include "request_builder.h"

#define MODIFIED INT64_C(784111777) /* Sun, 06 Nov 1994 08:49:37 GMT */
#define EARLIER  "Sun, 06 Nov 1994 08:49:36 GMT"
#define EXACT    "Sun, 06 Nov 1994 08:49:37 GMT"
#define LATER    "Sun, 06 Nov 1994 08:49:38 GMT"
#define NOW      INT64_C(1767225600)

static const struct http_validators file = {
    .etag = SLICE("\"1\""),
    .last_modified = MODIFIED,
    .exists = true,
};

static const struct http_validators weak = {
    .etag = SLICE("W/\"1\""),
    .last_modified = HTTP_DATE_NONE,
    .exists = true,
};

/* Other contents may have had that date. */
static const struct http_validators dated = {
    .etag = SLICE("\"1\""),
    .last_modified = MODIFIED,
    .date_is_weak = true,
    .exists = true,
};

static const struct http_validators bare = {.last_modified = HTTP_DATE_NONE, .exists = true};
static const struct http_validators absent = {.last_modified = HTTP_DATE_NONE};

#define PASS   HTTP_CONDITION_PASS
#define SAME   HTTP_CONDITION_NOT_MODIFIED
#define FAILED HTTP_CONDITION_FAILED

static const struct {
    const char *name;
    const struct http_validators *validators;
    const char *fields;
    enum http_condition on_get, on_put;
} condition_cases[] = {
    {"no condition", &file, NULL, PASS, PASS},
    {"unrelated fields", &file, "Accept: *\nRange: bytes=0-", PASS, PASS},

    {"if-match: the tag", &file, "If-Match: \"1\"", PASS, PASS},
    {"if-match: another", &file, "If-Match: \"2\"", FAILED, FAILED},
    {"if-match: weak", &file, "If-Match: W/\"1\"", FAILED, FAILED},
    {"if-match: weak on our side", &weak, "If-Match: \"1\"", FAILED, FAILED},
    {"if-match: *", &file, "If-Match: *", PASS, PASS},
    {"if-match: * on nothing", &absent, "If-Match: *", FAILED, FAILED},
    {"if-match: * where there is no tag", &bare, "If-Match: *", PASS, PASS},
    {"if-match: no tag on our side", &bare, "If-Match: \"1\"", FAILED, FAILED},
    {"if-match: empty", &file, "If-Match:", FAILED, FAILED},
    {"if-match: malformed", &file, "If-Match: 1", FAILED, FAILED},
    {"if-match: second line", &file, "If-Match: \"2\"\nHost: a\nIf-Match: \"1\"", PASS, PASS},
    {"if-match: * is not an element", &file, "If-Match: \"2\"\nIf-Match: *", FAILED, FAILED},
    {"if-match: * is not an element, first", &file, "If-Match: *\nIf-Match: \"2\"", FAILED, FAILED},
    {"if-match: * in a list", &file, "If-Match: \"2\", *", FAILED, FAILED},

    {"unmodified since: earlier", &file, "If-Unmodified-Since: " EARLIER, FAILED, FAILED},
    {"unmodified since: exact", &file, "If-Unmodified-Since: " EXACT, PASS, PASS},
    {"unmodified since: later", &file, "If-Unmodified-Since: " LATER, PASS, PASS},
    {"unmodified since: no date", &file, "If-Unmodified-Since: yesterday", PASS, PASS},
    {"unmodified since: twice", &file, "If-Unmodified-Since: " EARLIER "\nIf-Unmodified-Since: " EARLIER,
     PASS, PASS},
    {"unmodified since: nothing known", &bare, "If-Unmodified-Since: " EARLIER, PASS, PASS},
    {"unmodified since: behind if-match", &file, "If-Unmodified-Since: " EARLIER "\nIf-Match: \"1\"", PASS,
     PASS},

    {"if-none-match: the tag", &file, "If-None-Match: \"1\"", SAME, FAILED},
    {"if-none-match: weak", &file, "If-None-Match: W/\"1\"", SAME, FAILED},
    {"if-none-match: weak on our side", &weak, "If-None-Match: \"1\"", SAME, FAILED},
    {"if-none-match: another", &file, "If-None-Match: \"2\"", PASS, PASS},
    {"if-none-match: in a list", &file, "If-None-Match: \"2\", \"1\"", SAME, FAILED},
    {"if-none-match: third line", &file,
     "If-None-Match: \"2\"\nIf-None-Match: \"3\"\nAccept: a\nIf-None-Match: \"1\"", SAME, FAILED},
    {"if-none-match: *", &file, "If-None-Match: *", SAME, FAILED},
    {"if-none-match: * on nothing", &absent, "If-None-Match: *", PASS, PASS},
    {"if-none-match: malformed", &file, "If-None-Match: 1", PASS, PASS},
    {"if-none-match: no tag on our side", &bare, "If-None-Match: \"1\"", PASS, PASS},

    {"modified since: earlier", &file, "If-Modified-Since: " EARLIER, PASS, PASS},
    {"modified since: exact", &file, "If-Modified-Since: " EXACT, SAME, PASS},
    {"modified since: later", &file, "If-Modified-Since: " LATER, SAME, PASS},
    {"modified since: RFC 850", &file, "If-Modified-Since: Sunday, 06-Nov-94 08:49:37 GMT", SAME, PASS},
    {"modified since: asctime", &file, "If-Modified-Since: Sun Nov  6 08:49:37 1994", SAME, PASS},
    {"modified since: with a length", &file, "If-Modified-Since: " EXACT "; length=3", PASS, PASS},
    {"modified since: no date", &file, "If-Modified-Since: 0", PASS, PASS},
    {"modified since: empty", &file, "If-Modified-Since:", PASS, PASS},
    {"modified since: twice", &file, "If-Modified-Since: " EXACT "\nIf-Modified-Since: " EXACT, PASS, PASS},
    {"modified since: nothing known", &bare, "If-Modified-Since: " EXACT, PASS, PASS},
    {"modified since: behind another tag", &file, "If-None-Match: \"2\"\nIf-Modified-Since: " EXACT, PASS,
     PASS},
    {"modified since: behind a malformed tag", &file, "If-None-Match: 2\nIf-Modified-Since: " EXACT, PASS,
     PASS},

    {"if-match fails first", &file, "If-None-Match: \"1\"\nIf-Match: \"2\"", FAILED, FAILED},
    {"if-match holds, then if-none-match", &file, "If-Match: \"1\"\nIf-None-Match: \"1\"", SAME, FAILED},
    {"both dates", &file, "If-Unmodified-Since: " EXACT "\nIf-Modified-Since: " EXACT, SAME, PASS},
};

static enum http_condition evaluate(size_t index, enum http_method method)
{
    struct http_request request = {.method = method};
    request_add_lines(&request, slice_from(condition_cases[index].fields));
    enum http_condition result = http_condition_evaluate(&request, condition_cases[index].validators, NOW);
    request_free(&request);
    return result;
}

static void evaluates_in_order(void **state)
{
    (void)state;
    TABLE_ROWS(i, condition_cases, condition_cases[i].name) {
        if (evaluate(i, HTTP_METHOD_GET) != condition_cases[i].on_get ||
            evaluate(i, HTTP_METHOD_HEAD) != condition_cases[i].on_get)
            fail_msg("GET, %s", condition_cases[i].name);
        if (evaluate(i, HTTP_METHOD_PUT) != condition_cases[i].on_put ||
            evaluate(i, HTTP_METHOD_UNKNOWN) != condition_cases[i].on_put)
            fail_msg("PUT, %s", condition_cases[i].name);
        assert_int_equal(evaluate(i, HTTP_METHOD_OPTIONS), PASS);
        assert_int_equal(evaluate(i, HTTP_METHOD_CONNECT), PASS);
        assert_int_equal(evaluate(i, HTTP_METHOD_TRACE), PASS);
    }
}

static void a_range_counts_only_for_the_same_bytes(void **state)
{
    (void)state;
    static const struct {
        const char *fields;
        const struct http_validators *validators;
        int64_t now;
        bool holds;
    } cases[] = {
        {NULL, &file, NOW, true},
        {"If-Range: \"1\"", &file, NOW, true},
        {"If-Range: \"2\"", &file, NOW, false},
        {"If-Range: W/\"1\"", &file, NOW, false},
        {"If-Range: \"1\"", &weak, NOW, false},
        {"If-Range: W/\"1\"", &weak, NOW, false},
        {"If-Range: \"1\"", &bare, NOW, false},
        {"If-Range: *", &file, NOW, false},
        {"If-Range: \"1\", \"2\"", &file, NOW, false},
        {"If-Range:", &file, NOW, false},
        {"If-Range: " EXACT, &file, NOW, true},
        {"If-Range: " EARLIER, &file, NOW, false},
        {"If-Range: " LATER, &file, NOW, false},
        {"If-Range: " EXACT, &bare, NOW, false},
        {"If-Range: " EXACT, &dated, NOW, false},
        {"If-Range: \"1\"", &dated, NOW, true},
        {"If-Range: " EXACT, &file, MODIFIED, false},
        {"If-Range: " EXACT, &file, MODIFIED + 1, true},
        {"If-Range: \"1\"\nIf-Range: \"1\"", &file, NOW, false},
    };
    TABLE_ROWS(i, cases, cases[i].fields) {
        struct http_request request = {.method = HTTP_METHOD_GET};
        request_add_lines(&request, slice_from(cases[i].fields));
        if (http_if_range_holds(&request, cases[i].validators, cases[i].now) != cases[i].holds)
            fail_msg("case %zu: %s", i, cases[i].fields);
        request_free(&request);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(evaluates_in_order),
        cmocka_unit_test(a_range_counts_only_for_the_same_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
