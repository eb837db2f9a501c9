/* The four conditional headers, one question each, and their order. Several lines of a header with a list
 * of tags form one list; a header with a date must not be repeated (RFC 9110 sections 5.3, 13.1.3). */
#include "http/condition.h"

#include "http/etag.h"

/* Whether the tags of an If-Match or If-None-Match header match the representation. "*" matches any
 * existing one, but only as the entire value. */
static bool names_representation(const struct http_request *request, enum http_field_name name,
                                 const struct http_validators *validators,
                                 enum http_etag_comparison comparison)
{
    unsigned lines = 0;
    bool is_star = false, is_listed = false;
    for (unsigned i = request->first[name] - 1u; i < request->field_count; i++) {
        const struct http_field *field = &request->fields[i];
        if (field->name != name)
            continue;
        lines++;
        is_star = slice_equal(field->value, SLICE("*"));
        is_listed |=
            validators->etag.length > 0 && http_etag_list_has(field->value, validators->etag, comparison);
    }
    return validators->exists && (is_listed || (is_star && lines == 1));
}

/* The value of a header that may occur only once; data is NULL if it is absent or repeated. */
static struct slice single_value(const struct http_request *request, enum http_field_name name)
{
    struct slice value = http_request_field(request, name);
    if (value.data == NULL)
        return value;
    for (unsigned i = request->first[name]; i < request->field_count; i++) {
        if (request->fields[i].name == name)
            return (struct slice){0};
    }
    return value;
}

static bool date_value(const struct http_request *request, enum http_field_name name, int64_t now_seconds,
                       int64_t *ret_seconds)
{
    struct slice value = single_value(request, name);
    return value.data != NULL && http_date_parse(value, now_seconds, ret_seconds);
}

/* If-Unmodified-Since; true if the representation has no date. */
static bool is_unmodified_since(const struct http_request *request, const struct http_validators *validators,
                                int64_t now_seconds)
{
    int64_t since;
    if (validators->last_modified == HTTP_DATE_NONE ||
        !date_value(request, HTTP_FIELD_IF_UNMODIFIED_SINCE, now_seconds, &since))
        return true;
    return validators->last_modified <= since;
}

/* If-Modified-Since; true if the representation has no date. */
static bool is_modified_since(const struct http_request *request, const struct http_validators *validators,
                              int64_t now_seconds)
{
    int64_t since;
    if (validators->last_modified == HTTP_DATE_NONE ||
        !date_value(request, HTTP_FIELD_IF_MODIFIED_SINCE, now_seconds, &since))
        return true;
    return validators->last_modified > since;
}

/* Steps 1 and 2: is the representation still the one that the client wants to act on? */
static bool is_still_there(const struct http_request *request, const struct http_validators *validators,
                           int64_t now_seconds)
{
    if (http_request_has(request, HTTP_FIELD_IF_MATCH))
        return names_representation(request, HTTP_FIELD_IF_MATCH, validators, HTTP_ETAG_STRONG);
    return is_unmodified_since(request, validators, now_seconds);
}

/* Steps 3 and 4: is the representation new to the client? */
static bool http_condition_is_new(const struct http_request *request,
                                  const struct http_validators *validators, bool is_read, int64_t now_seconds)
{
    if (http_request_has(request, HTTP_FIELD_IF_NONE_MATCH))
        return !names_representation(request, HTTP_FIELD_IF_NONE_MATCH, validators, HTTP_ETAG_WEAK);
    return !is_read || is_modified_since(request, validators, now_seconds);
}

enum http_condition http_condition_evaluate(const struct http_request *request,
                                            const struct http_validators *validators, int64_t now_seconds)
{
    enum http_method method = request->method;
    bool is_read = method == HTTP_METHOD_GET || method == HTTP_METHOD_HEAD;
    /* Conditions do not apply to these methods: RFC 9110 section 13.2.1. */
    if (method == HTTP_METHOD_CONNECT || method == HTTP_METHOD_OPTIONS || method == HTTP_METHOD_TRACE)
        return HTTP_CONDITION_PASS;
    if (!is_still_there(request, validators, now_seconds))
        return HTTP_CONDITION_FAILED;
    if (!http_condition_is_new(request, validators, is_read, now_seconds))
        return is_read ? HTTP_CONDITION_NOT_MODIFIED : HTTP_CONDITION_FAILED;
    return HTTP_CONDITION_PASS;
}

bool http_if_range_holds(const struct http_request *request, const struct http_validators *validators,
                         int64_t now_seconds)
{
    int64_t date;
    if (!http_request_has(request, HTTP_FIELD_IF_RANGE))
        return true;
    struct slice value = single_value(request, HTTP_FIELD_IF_RANGE);
    if (http_etag_is_valid(value))
        return validators->etag.length > 0 && http_etag_equal(value, validators->etag, HTTP_ETAG_STRONG);
    return validators->last_modified != HTTP_DATE_NONE && !validators->date_is_weak &&
           http_date_parse(value, now_seconds, &date) && date == validators->last_modified &&
           date < now_seconds;
}
