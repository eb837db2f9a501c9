/* Conditional requests: RFC 9110 section 13. Whether the client's copy, or its idea of what it changes, still
 * holds. */
#ifndef HTTP_CONDITION_H
#define HTTP_CONDITION_H

#include "http/date.h"
#include "http/request.h"

/* What the server knows of the representation that it would answer with. */
struct http_validators {
    struct slice etag;     /* as it is sent; empty where there is none */
    int64_t last_modified; /* seconds since the epoch, as it is sent; HTTP_DATE_NONE where it is not */
    bool date_is_weak;     /* several contents may have that date */
    bool exists;           /* false before a PUT that creates */
};

enum http_condition {
    HTTP_CONDITION_PASS,         /* answer as if there were no condition */
    HTTP_CONDITION_NOT_MODIFIED, /* 304; GET and HEAD only */
    HTTP_CONDITION_FAILED,       /* 412 */
};

/* Evaluates If-Match, If-Unmodified-Since, If-None-Match and If-Modified-Since in the order of RFC 9110
 * section 13.2.2. To be asked only where the answer would be 2xx otherwise (section 13.2.1). Dates that are
 * none, or that come twice, are ignored; tags after a fault in a list match nothing. `now_seconds` is for
 * http_date_parse. */
enum http_condition http_condition_evaluate(const struct http_request *request,
                                            const struct http_validators *validators, int64_t now_seconds);

/* Whether the Range field of the request counts: there is no If-Range, or it holds (RFC 9110 section 13.1.5).
 * A tag must compare strongly. A date must be exactly the last modification, which must be no weak one, and
 * that second must have passed: a file that changes within the second has one date for two contents. */
bool http_if_range_holds(const struct http_request *request, const struct http_validators *validators,
                         int64_t now_seconds);

#endif
