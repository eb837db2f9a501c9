/* Conditional requests: RFC 9110 section 13. */
#ifndef HTTP_CONDITION_H
#define HTTP_CONDITION_H

#include "http/date.h"
#include "http/request.h"

/* Validators of the current representation. */
struct http_validators {
    struct slice etag;     /* as sent; empty if there is none */
    int64_t last_modified; /* seconds since 1970, as sent; HTTP_DATE_NONE if not sent */
    bool date_is_weak;     /* different contents may have had this date */
    bool exists;           /* false before a PUT that creates the resource */
};

enum http_condition {
    HTTP_CONDITION_PASS,         /* respond as if there were no condition */
    HTTP_CONDITION_NOT_MODIFIED, /* 304; GET and HEAD only */
    HTTP_CONDITION_FAILED,       /* 412 */
};

/* Evaluates If-Match, If-Unmodified-Since, If-None-Match and If-Modified-Since in the order of RFC 9110
 * section 13.2.2. Only for requests whose response would be 2xx otherwise (section 13.2.1). Invalid and
 * repeated dates are ignored; entity tags after a syntax error in a list match nothing. `now_seconds` is
 * for http_date_parse. */
enum http_condition http_condition_evaluate(const struct http_request *request,
                                            const struct http_validators *validators, int64_t now_seconds);

/* Whether the request's Range header applies: there is no If-Range, or it matches (RFC 9110 section
 * 13.1.5). A tag must match by strong comparison. A date must equal the last modification, which must not
 * be weak, and that second must be over: a file that changes again within the second has the same date for
 * two contents. */
bool http_if_range_holds(const struct http_request *request, const struct http_validators *validators,
                         int64_t now_seconds);

#endif
