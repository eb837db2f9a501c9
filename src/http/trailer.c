/* Which headers must come before the content. */
#include "http/trailer.h"

static const bool comes_first[HTTP_FIELD_NAME_COUNT] = {
    [HTTP_FIELD_CACHE_CONTROL] = true,
    [HTTP_FIELD_CONNECTION] = true,
    [HTTP_FIELD_CONTENT_ENCODING] = true,
    [HTTP_FIELD_CONTENT_LENGTH] = true,
    [HTTP_FIELD_CONTENT_RANGE] = true,
    [HTTP_FIELD_CONTENT_TYPE] = true,
    [HTTP_FIELD_DATE] = true,
    [HTTP_FIELD_EXPECT] = true,
    [HTTP_FIELD_HOST] = true,
    [HTTP_FIELD_IF_MATCH] = true,
    [HTTP_FIELD_IF_MODIFIED_SINCE] = true,
    [HTTP_FIELD_IF_NONE_MATCH] = true,
    [HTTP_FIELD_IF_RANGE] = true,
    [HTTP_FIELD_IF_UNMODIFIED_SINCE] = true,
    [HTTP_FIELD_LOCATION] = true,
    [HTTP_FIELD_RANGE] = true,
    [HTTP_FIELD_RETRY_AFTER] = true,
    [HTTP_FIELD_STRICT_TRANSPORT_SECURITY] = true,
    [HTTP_FIELD_TE] = true,
    [HTTP_FIELD_TRANSFER_ENCODING] = true,
    [HTTP_FIELD_UPGRADE] = true,
    [HTTP_FIELD_VARY] = true,
};

/* Those that vif does not use otherwise. */
static const struct slice others[] = {
    {"Age", 3},
    {"Authorization", 13},
    {"Cookie", 6},
    {"Expires", 7},
    {"Forwarded", 9},
    {"Keep-Alive", 10},
    {"Max-Forwards", 12},
    {"Pragma", 6},
    {"Proxy-Authenticate", 18},
    {"Proxy-Authorization", 19},
    {"Proxy-Connection", 16},
    {"Set-Cookie", 10},
    {"Trailer", 7},
    {"WWW-Authenticate", 16},
};

bool http_may_trail(struct slice name)
{
    enum http_field_name known = http_field_lookup(name);
    if (known != HTTP_FIELD_OTHER)
        return !comes_first[known];
    for (size_t i = 0; i < ARRAY_LENGTH(others); i++)
        if (slice_equal_nocase(name, others[i]))
            return false;
    return true;
}
