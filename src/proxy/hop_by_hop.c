/* The list is that of RFC 9110, and what was in use before it. */
#include "proxy/hop_by_hop.h"

#include "http/field_list.h"

static char plain_byte(char byte)
{
    return byte == '_' ? '-' : ascii_lower(byte);
}

bool hop_by_hop_same_name(struct slice name, struct slice other)
{
    if (name.length != other.length)
        return false;
    for (size_t i = 0; i < name.length; i++) {
        if (plain_byte(name.data[i]) != plain_byte(other.data[i]))
            return false;
    }
    return true;
}

/* Content-Length is here because each side has a framing of its own. */
static bool hop_by_hop_is_known(const struct http_field *field)
{
    switch (field->name) {
    case HTTP_FIELD_CONNECTION:
    case HTTP_FIELD_CONTENT_LENGTH:
    case HTTP_FIELD_TE:
    case HTTP_FIELD_TRANSFER_ENCODING:
    case HTTP_FIELD_UPGRADE: return true;
    case HTTP_FIELD_OTHER: break;
    default: return false;
    }
    static const struct slice names[] = {
        SLICE("Keep-Alive"),

        SLICE("Proxy-Connection"),
        SLICE("HTTP2-Settings"),
        SLICE("Proxy-Authenticate"),
        SLICE("Proxy-Authorization"),
        SLICE("Content_Length"),
        SLICE("Transfer_Encoding"),
        SLICE("Proxy-Authentication-Info"),
    };
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        if (hop_by_hop_same_name(field->name_text, names[i]))
            return true;
    }
    return false;
}

bool hop_by_hop_collect(struct hop_by_hop *named, const struct http_field *fields, unsigned field_count)
{
    struct http_field_list list = http_field_list(fields, field_count, HTTP_FIELD_CONNECTION);
    struct slice name;
    named->count = 0;
    while (http_field_list_next(&list, &name)) {
        if (named->count == HOP_BY_HOP_NAMES_MAX)
            return false;
        named->names[named->count++] = name;
    }
    return true;
}

bool hop_by_hop_is(const struct hop_by_hop *named, const struct http_field *field)
{
    if (hop_by_hop_is_known(field))
        return true;
    for (unsigned i = 0; i < named->count; i++) {
        if (slice_equal_nocase(named->names[i], field->name_text))
            return true;
    }
    return false;
}
