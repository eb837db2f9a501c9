/* Headers and trailers ("fields" in RFC 9110): the names that vif itself uses, and (name, value) pairs.
 *
 * A known name is represented by an enum member, looked up once when the header is parsed; no strings are
 * compared later. */
#ifndef HTTP_FIELD_H
#define HTTP_FIELD_H

#include "base/slice.h"

/*  enum member, name on the wire */
#define HTTP_FIELD_TABLE(X)                                             \
    X(ACCEPT, "Accept")                                                 \
    X(ACCEPT_ENCODING, "Accept-Encoding")                               \
    X(ACCEPT_RANGES, "Accept-Ranges")                                   \
    X(ACCESS_CONTROL_ALLOW_ORIGIN, "Access-Control-Allow-Origin")       \
    X(ACCESS_CONTROL_ALLOW_HEADERS, "Access-Control-Allow-Headers")     \
    X(ACCESS_CONTROL_ALLOW_METHODS, "Access-Control-Allow-Methods")     \
    X(ACCESS_CONTROL_EXPOSE_HEADERS, "Access-Control-Expose-Headers")   \
    X(ACCESS_CONTROL_REQUEST_HEADERS, "Access-Control-Request-Headers") \
    X(ACCESS_CONTROL_REQUEST_METHOD, "Access-Control-Request-Method")   \
    X(ALLOW, "Allow")                                                   \
    X(CACHE_CONTROL, "Cache-Control")                                   \
    X(CONNECTION, "Connection")                                         \
    X(CONTENT_DISPOSITION, "Content-Disposition")                       \
    X(CONTENT_ENCODING, "Content-Encoding")                             \
    X(CONTENT_LENGTH, "Content-Length")                                 \
    X(CONTENT_RANGE, "Content-Range")                                   \
    X(CONTENT_SECURITY_POLICY, "Content-Security-Policy")               \
    X(CONTENT_TYPE, "Content-Type")                                     \
    X(DATE, "Date")                                                     \
    X(ETAG, "ETag")                                                     \
    X(EXPECT, "Expect")                                                 \
    X(HOST, "Host")                                                     \
    X(IF_MATCH, "If-Match")                                             \
    X(IF_MODIFIED_SINCE, "If-Modified-Since")                           \
    X(IF_NONE_MATCH, "If-None-Match")                                   \
    X(IF_RANGE, "If-Range")                                             \
    X(IF_UNMODIFIED_SINCE, "If-Unmodified-Since")                       \
    X(LAST_MODIFIED, "Last-Modified")                                   \
    X(LOCATION, "Location")                                             \
    X(ORIGIN, "Origin")                                                 \
    X(RANGE, "Range")                                                   \
    X(REFERER, "Referer")                                               \
    X(RETRY_AFTER, "Retry-After")                                       \
    X(SEC_FETCH_DEST, "Sec-Fetch-Dest")                                 \
    X(SERVER, "Server")                                                 \
    X(STRICT_TRANSPORT_SECURITY, "Strict-Transport-Security")           \
    X(TE, "TE")                                                         \
    X(TRANSFER_ENCODING, "Transfer-Encoding")                           \
    X(UPGRADE, "Upgrade")                                               \
    X(USER_AGENT, "User-Agent")                                         \
    X(VARY, "Vary")

enum http_field_name {
    HTTP_FIELD_OTHER, /* any name that is not in the table */
#define X(member, name) HTTP_FIELD_##member,
    HTTP_FIELD_TABLE(X)
#undef X
        HTTP_FIELD_NAME_COUNT
};

/* One header line. Name and value are borrowed; the value has no leading or trailing blanks. */
struct http_field {
    enum http_field_name name;
    struct slice name_text; /* as received */
    struct slice value;
};

/* The enum member of a known header name, ignoring case; otherwise HTTP_FIELD_OTHER. */
enum http_field_name http_field_lookup(struct slice name);

/* The name as vif writes it; empty for HTTP_FIELD_OTHER. */
struct slice http_field_text(enum http_field_name name);

/* Character classes of bytes, one bit per class. */
enum http_byte_class {
    HTTP_BYTE_TOKEN = 1, /* tchar of RFC 9110 section 5.6.2 */
    HTTP_BYTE_VALUE =
        2, /* field-vchar, SP, HTAB and obs-text of section 5.5: what a header value may contain */
};
extern const unsigned char http_byte_classes[256];

static inline bool http_is_token_byte(unsigned char byte)
{
    return http_byte_classes[byte] & HTTP_BYTE_TOKEN;
}

static inline bool http_is_field_value_byte(unsigned char byte)
{
    return http_byte_classes[byte] & HTTP_BYTE_VALUE;
}

/* The number of bytes at the front that may be part of a token. */
static inline size_t http_token_span(struct slice slice)
{
    size_t length = 0;
    while (length < slice.length && http_is_token_byte((unsigned char)slice.data[length]))
        length++;
    return length;
}

static inline bool http_is_token(struct slice slice)
{
    return slice.length > 0 && http_token_span(slice) == slice.length;
}

bool http_is_field_value(struct slice slice);

#endif
