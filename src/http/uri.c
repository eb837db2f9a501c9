/* Request targets, hosts and paths. Bytes are classified by a table; nothing is copied except a path that
 * needs decoding. */
#include "http/uri.h"

#include <arpa/inet.h>
#include <sys/types.h>

/* Byte classes, one bit each.
 *
 * A path accepts what RFC 3986 allows, and also what browsers send unescaped (the URL standard's path
 * percent-encode set): '[', ']', '^', '`', '{', '|', '}'. Rejected are control characters, space, '"',
 * '<', '>', '#' and everything outside ASCII: legitimate clients do not send them, and header and markup
 * injection need them. So is the backslash, which other programs treat as a slash. '%' is in none of the
 * path's classes: it is checked separately. A query, which vif does not interpret, accepts all visible
 * ASCII except '#'. */
enum {
    CLASS_PATH = 1,
    CLASS_QUERY = 2,
    CLASS_NAME = 4,       /* reg-name: unreserved and sub-delims */
    CLASS_UNRESERVED = 8, /* RFC 3986 section 2.3 */
};

#define EVERYWHERE (CLASS_PATH | CLASS_QUERY | CLASS_NAME | CLASS_UNRESERVED)
#define SUB_DELIM  (CLASS_PATH | CLASS_QUERY | CLASS_NAME)
#define IN_TARGET  (CLASS_PATH | CLASS_QUERY)

static const unsigned char byte_class[256] = {
    ['!'] = SUB_DELIM,          ['"'] = CLASS_QUERY, ['<'] = CLASS_QUERY,        ['>'] = CLASS_QUERY,
    ['$'] = SUB_DELIM,          ['%'] = CLASS_QUERY, ['&' ... ','] = SUB_DELIM,  ['-'] = EVERYWHERE,
    ['.'] = EVERYWHERE,         ['/'] = IN_TARGET,   ['0' ... '9'] = EVERYWHERE, [':'] = IN_TARGET,
    [';'] = SUB_DELIM,          ['='] = SUB_DELIM,   ['?'] = CLASS_QUERY,        ['@'] = IN_TARGET,
    ['A' ... 'Z'] = EVERYWHERE, ['['] = IN_TARGET,   ['\\'] = CLASS_QUERY,       [']'] = IN_TARGET,
    ['^'] = IN_TARGET,          ['_'] = EVERYWHERE,  ['`'] = IN_TARGET,          ['a' ... 'z'] = EVERYWHERE,
    ['{' ... '}'] = IN_TARGET,  ['~'] = EVERYWHERE,
};

static bool is_in_class(char byte, unsigned class)
{
    return byte_class[(unsigned char)byte] & class;
}

/* The value of a hexadecimal digit; 16 or more if it is none. */
static unsigned hex_value(char byte)
{
    if (byte >= '0' && byte <= '9')
        return (unsigned)(byte - '0');
    unsigned letter = (unsigned char)ascii_lower(byte) - (unsigned)'a';
    return letter < 6 ? letter + 10 : 16;
}

/* The byte encoded by the escape at the front of `slice`; negative if there is none. */
static int escaped_byte(struct slice slice)
{
    assert(slice.length > 0 && slice.data[0] == '%');
    if (slice.length < 3)
        return -1;
    unsigned high = hex_value(slice.data[1]), low = hex_value(slice.data[2]);
    return high < 16 && low < 16 ? (int)(high << 4 | low) : -1;
}

/* Where the run of bytes of the class that begins at `start` ends. */
static size_t class_end(struct slice slice, size_t start, unsigned class)
{
    size_t end = start;
    while (end < slice.length && is_in_class(slice.data[end], class))
        end++;
    return end;
}

/* The number of bytes at the front that are of the class or belong to a valid escape. */
static size_t http_uri_span(struct slice slice, unsigned class)
{
    size_t length = class_end(slice, 0, class);
    while (UNLIKELY(length < slice.length && slice.data[length] == '%') &&
           escaped_byte(slice_skip(slice, length)) >= 0)
        length = class_end(slice, length + 3, class);
    return length;
}

static bool is_ipv6(struct slice slice)
{
    char text[INET6_ADDRSTRLEN];
    struct in6_addr address;
    if (slice.length >= sizeof(text) || slice_find(slice, '\0') < slice.length)
        return false;
    memcpy(text, slice.data, slice.length);
    text[slice.length] = '\0';
    return inet_pton(AF_INET6, text, &address) == 1;
}

/* The length of the host at the front, including brackets; 0 if there is none. An IPv4 address is parsed
 * as a name. Future IP versions and zone identifiers (RFC 6874) are not accepted: they are not sent over
 * networks. */
static size_t host_length(struct slice slice)
{
    if (slice.length == 0 || slice.data[0] != '[')
        return http_uri_span(slice, CLASS_NAME);
    size_t end = slice_find(slice, ']');
    return end < slice.length && is_ipv6(slice_make(slice.data + 1, end - 1)) ? end + 1 : 0;
}

static bool is_port(struct slice slice)
{
    uint64_t port;
    return slice.length == 0 || (slice_to_u64(slice, &port) && port <= UINT16_MAX);
}

/* Parses a non-empty host, and its port. */
static bool parse_authority(struct slice slice, struct slice *ret_host, struct slice *ret_port)
{
    size_t length = host_length(slice);
    struct slice port = slice_skip(slice, length);
    if (length == 0 || (port.length > 0 && port.data[0] != ':'))
        return false;
    if (port.length > 0)
        port = slice_skip(port, 1);
    if (!is_port(port))
        return false;
    *ret_host = slice_take(slice, length);
    *ret_port = port;
    return true;
}

bool http_host_parse(struct slice value, struct slice *ret_host, struct slice *ret_port)
{
    if (value.length > 0)
        return parse_authority(value, ret_host, ret_port);
    *ret_host = *ret_port = value;
    return true;
}

static bool parse_query(struct slice slice, struct slice *ret_query)
{
    *ret_query = slice;
    return class_end(slice, 0, CLASS_QUERY) == slice.length;
}

/* Parses a path, which may be empty, and an optional query, up to the end. */
static enum http_uri_result parse_path_and_query(struct slice slice, struct http_uri *uri)
{
    size_t length = http_uri_span(slice, CLASS_PATH);
    uri->path = slice_take(slice, length);
    if (length == slice.length)
        return HTTP_URI_OK;
    if (slice.data[length] != '?' || !parse_query(slice_skip(slice, length + 1), &uri->query))
        return HTTP_URI_BAD;
    return HTTP_URI_OK;
}

static enum http_scheme find_scheme(struct slice name)
{
    if (slice_equal_nocase(name, SLICE("http")))
        return HTTP_SCHEME_HTTP;
    return slice_equal_nocase(name, SLICE("https")) ? HTTP_SCHEME_HTTPS : HTTP_SCHEME_NONE;
}

/* The length of the scheme before "://"; 0 if there is none. */
static size_t scheme_length(struct slice target)
{
    size_t colon = slice_find(target, ':');
    if (!slice_starts_with(slice_skip(target, colon), SLICE("://")))
        return 0;
    for (size_t i = 0; i < colon; i++) {
        char byte = ascii_lower(target.data[i]);
        bool is_letter = byte >= 'a' && byte <= 'z';
        bool is_inner = (byte >= '0' && byte <= '9') || byte == '+' || byte == '-' || byte == '.';
        if (!is_letter && (i == 0 || !is_inner))
            return 0;
    }
    return colon;
}

/* The length of the authority, which ends at the path, the query, or the end. */
static size_t http_uri_authority_length(struct slice slice)
{
    return MIN(slice_find(slice, '/'), slice_find(slice, '?'));
}

static enum http_uri_result parse_absolute(struct slice target, enum http_method method, struct http_uri *uri)
{
    size_t length = scheme_length(target);
    if (length == 0)
        return HTTP_URI_BAD;
    uri->scheme = find_scheme(slice_take(target, length));
    if (uri->scheme == HTTP_SCHEME_NONE)
        return HTTP_URI_MISDIRECTED;
    struct slice rest = slice_skip(target, length + 3);
    length = http_uri_authority_length(rest);
    if (!parse_authority(slice_take(rest, length), &uri->host, &uri->port))
        return HTTP_URI_BAD;
    enum http_uri_result result = parse_path_and_query(slice_skip(rest, length), uri);
    /* RFC 9112 section 3.2.4: a proxy receives "OPTIONS *" for another server in this form. */
    if (uri->path.length == 0)
        uri->path = method == HTTP_METHOD_OPTIONS && uri->query.data == NULL ? SLICE("*") : SLICE("/");
    return result;
}

static enum http_uri_result parse_connect(struct slice target, struct http_uri *uri)
{
    bool valid = parse_authority(target, &uri->host, &uri->port) && uri->port.length > 0;
    return valid ? HTTP_URI_OK : HTTP_URI_BAD;
}

static enum http_uri_result http_uri_parse_target(struct slice target, enum http_method method,
                                                  struct http_uri *uri)
{
    if (method == HTTP_METHOD_CONNECT)
        return parse_connect(target, uri);
    if (LIKELY(target.length > 0 && target.data[0] == '/'))
        return parse_path_and_query(target, uri);
    if (method == HTTP_METHOD_OPTIONS && slice_equal(target, SLICE("*"))) {
        uri->path = target;
        return HTTP_URI_OK;
    }
    return parse_absolute(target, method, uri);
}

/* Whether it is a path with no escape, no NUL, no empty segment and no segment that begins with a dot. */
static bool is_normal(struct slice path)
{
    size_t at = 0;
    if (path.length == 0 || path.data[0] != '/')
        return false;
    while ((at = class_end(path, at, CLASS_NAME)) < path.length) {
        char byte = path.data[at++];
        bool is_odd = at < path.length && (path.data[at] == '/' || path.data[at] == '.');
        if (byte == '%' || byte == '\0' || (byte == '/' && is_odd))
            return false;
    }
    return true;
}

enum http_uri_result http_uri_parse(struct slice target, enum http_method method, struct http_uri *ret_uri)
{
    struct http_uri uri = {0};
    enum http_uri_result result = http_uri_parse_target(target, method, &uri);
    if (result != HTTP_URI_OK)
        return result;
    uri.path_is_normal = is_normal(uri.path);
    *ret_uri = uri;
    return result;
}

/* Decodes a segment, except for an encoded '/', which is kept and sets `has_slash`. Returns the number of
 * bytes written; negative for a broken escape or a NUL. */
static ssize_t decode_segment(struct slice segment, char *out, bool *has_slash)
{
    size_t from = 0, to = 0;
    while (from < segment.length) {
        bool is_escape = segment.data[from] == '%';
        int byte = is_escape ? escaped_byte(slice_skip(segment, from)) : (unsigned char)segment.data[from];
        size_t length = is_escape ? 3 : 1;
        if (byte <= 0)
            return -1;
        if (byte == '/') {
            memcpy(out + to, segment.data + from, length);
            *has_slash = true;
            to += length;
        } else {
            out[to++] = (char)byte;
        }
        from += length;
    }
    return (ssize_t)to;
}

/* The length of the path without its last segment. It ends with '/' before and after; the root has no
 * parent. */
static size_t parent_length(const char *path, size_t length)
{
    assert(length > 0 && path[0] == '/' && path[length - 1] == '/');
    if (length > 1)
        length--;
    while (path[length - 1] != '/')
        length--;
    return length;
}

/* Appends a segment to the path, followed by a slash unless it is the last. Returns the new length;
 * negative if the segment is invalid. */
static ssize_t add_segment(char *path, size_t length, struct slice encoded, enum http_path_form form,
                           bool is_last, bool *has_slash)
{
    assert(length > 0 && path[length - 1] == '/');
    ssize_t decoded = decode_segment(encoded, path + length, has_slash);
    if (decoded < 0)
        return -1;
    struct slice segment = slice_make(path + length, (size_t)decoded);
    if (segment.length == 0 || slice_equal(segment, SLICE(".")))
        return (ssize_t)length;
    if (slice_equal(segment, SLICE("..")))
        return (ssize_t)parent_length(path, length);
    if (form == HTTP_PATH_ENCODED) {
        memcpy(path + length, encoded.data, encoded.length);
        segment.length = encoded.length;
    }
    length += segment.length;
    if (!is_last)
        path[length++] = '/';
    return (ssize_t)length;
}

enum http_path_result http_path_normalize(struct slice encoded, enum http_path_form form, char *out,
                                          size_t out_size, struct slice *ret_path)
{
    if (encoded.length == 0 || encoded.data[0] != '/')
        return HTTP_PATH_BAD;
    if (LIKELY(is_normal(encoded))) {
        *ret_path = encoded;
        return HTTP_PATH_OK;
    }
    if (encoded.length > out_size)
        return HTTP_PATH_TOO_LONG;
    bool has_slash = false;
    ssize_t length = 1;
    struct slice rest = encoded;
    out[0] = '/';
    while (rest.length > 0) {
        rest = slice_skip(rest, 1); /* the slash before the segment: `out` already has it */
        struct slice segment = slice_take(rest, slice_find(rest, '/'));
        rest = slice_skip(rest, segment.length);
        length = add_segment(out, (size_t)length, segment, form, rest.length == 0, &has_slash);
        if (length < 0)
            return HTTP_PATH_BAD;
    }
    assert((size_t)length <= encoded.length);
    *ret_path = slice_make(out, (size_t)length);
    return has_slash ? HTTP_PATH_NO_FILE : HTTP_PATH_OK;
}

static void http_uri_append_escaped(struct buffer *buffer, char byte)
{
    static const char digits[] = "0123456789ABCDEF";
    unsigned char value = (unsigned char)byte;
    buffer_append(buffer, slice_make((char[]){'%', digits[value >> 4], digits[value & 15]}, 3));
}

void http_path_encode(struct buffer *buffer, struct slice path)
{
    if (!buffer_reserve(buffer, path.length))
        return;
    for (size_t i = 0; i < path.length; i++) {
        if (path.data[i] == '/' || is_in_class(path.data[i], CLASS_UNRESERVED))
            buffer_append_byte(buffer, path.data[i]);
        else
            http_uri_append_escaped(buffer, path.data[i]);
    }
}

void http_query_append(struct buffer *buffer, struct slice query)
{
    if (!buffer_reserve(buffer, query.length))
        return;
    for (size_t i = 0; i < query.length; i++) {
        char byte = query.data[i];
        if (byte == '"' || byte == '<' || byte == '>')
            http_uri_append_escaped(buffer, byte);
        else
            buffer_append_byte(buffer, byte);
    }
}
