/* Elements of Forwarded, and nodes of both headers. */
#include "http/forwarded.h"

#include "http/field_list.h"

static size_t last_element_begin(struct slice text)
{
    bool is_quoted = false;
    size_t at = text.length;
    while (at > 0 && (is_quoted || text.data[at - 1] != ','))
        is_quoted ^= text.data[--at] == '"';
    return at;
}

bool http_forwarded_last(struct slice *rest, struct slice *ret_element)
{
    while (rest->length > 0) {
        size_t begin = last_element_begin(*rest);
        struct slice element = slice_trim(slice_skip(*rest, begin));
        *rest = slice_take(*rest, begin > 0 ? begin - 1 : 0);
        if (element.length == 0)
            continue;
        *ret_element = element;
        return true;
    }
    return false;
}

/* Removes the quotes around a value. Returns false for a broken quoted string, or one with escapes. */
static bool unquote(struct slice *value)
{
    if (!slice_starts_with(*value, SLICE("\"")))
        return value->length > 0 && slice_find(*value, '"') == value->length;
    if (value->length < 2 || value->data[value->length - 1] != '"')
        return false;
    *value = slice_make(value->data + 1, value->length - 2);
    return slice_find(*value, '"') == value->length && slice_find(*value, '\\') == value->length;
}

static bool take_parameter(struct slice *member, struct slice value)
{
    bool is_first = member->data == NULL;
    *member = value;
    return is_first;
}

bool http_forwarded_read(struct slice element, struct http_forwarded *ret_forwarded)
{
    struct http_forwarded forwarded = {0};
    struct slice pair;
    while (http_next_element(&element, ';', &pair)) {
        size_t end = slice_find(pair, '=');
        struct slice name = slice_take(pair, end), value = slice_skip(pair, MIN(end + 1, pair.length));
        bool is_good = end < pair.length && unquote(&value);
        if (is_good && slice_equal_nocase(name, SLICE("for")))
            is_good = take_parameter(&forwarded.client, value);
        else if (is_good && slice_equal_nocase(name, SLICE("proto")))
            is_good = take_parameter(&forwarded.scheme, value);
        if (!is_good)
            return false;
    }
    *ret_forwarded = forwarded;
    return true;
}

struct slice http_forwarded_host(struct slice node)
{
    size_t colon = slice_find(node, ':');
    if (slice_starts_with(node, SLICE("["))) {
        size_t end = slice_find(node, ']');
        return end < node.length ? slice_make(node.data + 1, end - 1) : node;
    }
    bool has_port =
        colon < node.length && slice_find(slice_skip(node, colon + 1), ':') == node.length - colon - 1;
    return has_port ? slice_take(node, colon) : node;
}
