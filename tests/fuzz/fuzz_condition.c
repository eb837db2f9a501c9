/* The input is field lines, "If-Match: *" and so on. The same conditions give GET and PUT answers that belong
 * together, tags that are strongly the same are weakly the same, and a date that is read is written as it
 * was. */
#include "fuzz.h"

#include "../unit/http/request_builder.h"
#include "http/condition.h"
#include "http/etag.h"

#define NOW INT64_C(1767225600)

static void check_date(struct slice value)
{
    char text[HTTP_DATE_LENGTH];
    int64_t seconds, again;
    if (!http_date_parse(value, NOW, &seconds))
        return;
    http_date_format(text, seconds);
    /* A leap second at the end of year 9999 is in year 10000, which cannot be written. */
    bool is_read = http_date_parse(slice_make(text, sizeof(text)), NOW, &again);
    assert(is_read && (again == seconds || seconds == INT64_C(253402300800)));
}

static void check_tags(struct slice value)
{
    static const struct slice etag = SLICE("\"1\"");
    bool strong = http_etag_list_has(value, etag, HTTP_ETAG_STRONG);
    bool weak = http_etag_list_has(value, etag, HTTP_ETAG_WEAK);
    assert(!strong || weak);
    if (http_etag_is_valid(value))
        assert(http_etag_list_has(value, value, HTTP_ETAG_WEAK));
}

static void check_conditions(struct http_request *request, const struct http_validators *validators)
{
    request->method = HTTP_METHOD_GET;
    enum http_condition on_get = http_condition_evaluate(request, validators, NOW);
    request->method = HTTP_METHOD_PUT;
    enum http_condition on_put = http_condition_evaluate(request, validators, NOW);
    assert(on_put != HTTP_CONDITION_NOT_MODIFIED);
    assert(on_get != HTTP_CONDITION_FAILED || on_put == HTTP_CONDITION_FAILED);
    assert(on_get != HTTP_CONDITION_PASS || on_put == HTTP_CONDITION_PASS);
    if (validators->etag.length == 0 && validators->last_modified == HTTP_DATE_NONE)
        assert(!http_request_has(request, HTTP_FIELD_IF_RANGE) ||
               !http_if_range_holds(request, validators, NOW));
    else
        (void)http_if_range_holds(request, validators, NOW);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct http_validators validators[] = {
        {.etag = SLICE("\"1\""), .last_modified = 784111777, .exists = true},
        {.etag = SLICE("W/\"1\""), .last_modified = HTTP_DATE_NONE, .exists = true},
        {.last_modified = HTTP_DATE_NONE, .exists = true},
        {.last_modified = HTTP_DATE_NONE},
    };
    struct http_request request = {0};
    request_add_lines(&request, slice_make((const char *)data, size));
    for (unsigned i = 0; i < request.field_count; i++) {
        check_date(request.fields[i].value);
        check_tags(request.fields[i].value);
    }
    for (size_t i = 0; i < ARRAY_LENGTH(validators); i++)
        check_conditions(&request, &validators[i]);
    request_free(&request);
    return 0;
}
