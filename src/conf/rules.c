/* One function and one description per rule, in the order of the header. */
#include "conf/rules.h"

#include "conf/paths.h"
#include "http/field.h"
#include "http/uri.h"
#include "sys/account.h"
#include "sys/address.h"
#include "sys/file.h"

#include <ctype.h>
#include <netinet/in.h>
#include <stdio.h>

static const char *check_any(const struct rule_context *context, struct slice *text)
{
    (void)context, (void)text;
    return NULL;
}

static const char *check_include(const struct rule_context *context, struct slice *text)
{
    (void)context;
    return text->length > 0 ? NULL : "it is empty";
}

const struct text_rule rule_include = {"path or pattern", "a path, or a pattern such as \"sites/*.yaml\"",
                                       NULL, check_include};

const struct text_rule rule_any = {"text", "a text", NULL, check_any, .is_literal = true};

/* Joins the two texts in the arena. The result has no data if memory runs out, or if `second` has none. */
static struct slice joined(const struct rule_context *context, struct slice first, struct slice second)
{
    size_t length = first.length + second.length;
    char *text = second.data ? arena_alloc(context->arena, length + 1) : NULL;
    if (text == NULL)
        return (struct slice){0};
    if (first.length)
        memcpy(text, first.data, first.length);
    memcpy(text + first.length, second.data, second.length);
    text[length] = '\0';
    return slice_make(text, length);
}

static struct slice below(const struct rule_context *context, struct slice folder, struct slice path)
{
    if (slice_starts_with(path, SLICE("/")))
        return path;
    while (slice_starts_with(path, SLICE("./")))
        path = slice_skip(path, 2);
    if (slice_equal(path, SLICE(".")) || path.length == 0)
        return folder;
    if (!slice_ends_with(folder, SLICE("/")))
        folder = joined(context, folder, SLICE("/"));
    return folder.data ? joined(context, folder, path) : folder;
}

struct slice rule_absolute(const struct rule_context *context, struct slice path)
{
    return below(context, context->base_folder, path);
}

/* The result has no data if memory runs out. */
static struct slice decimal(const struct rule_context *context, unsigned number)
{
    char digits[16];
    int length = snprintf(digits, sizeof(digits), "%u", number);
    return arena_copy(context->arena, slice_make(digits, (size_t)length));
}

static const char *check_address(const struct rule_context *context, struct slice *text)
{
    struct listen_address address;
    struct slice scheme = SLICE("unix:");
    uint64_t port;
    if (slice_to_u64(*text, &port))
        *text = joined(context, SLICE(":"), *text);
    else if (slice_starts_with(*text, scheme) && text->length > scheme.length)
        *text = joined(context, scheme, rule_absolute(context, slice_skip(*text, scheme.length)));
    if (text->data == NULL) /* out of memory: the arena remembers */
        return NULL;
    enum address_fault fault = address_parse(*text, &address);
    if (fault)
        return address_fault_text(fault);
    if (address.address.any.sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&address.address.v6.sin6_addr))
        return "it is an IPv4 address: write it as one";
    return address.address.any.sa_family == AF_UNIX
               ? path_check_socket(context->arena, address.address.unix_path.sun_path)
               : NULL;
}

const struct text_rule rule_address = {
    "address",
    "\":8080\", \"127.0.0.1:8080\", \"[::1]:8080\" or \"unix:/run/vif.sock\"",
    "^(unix:.+|(.*:)?[0-9]{1,5})$",
    check_address,
};

static const char *check_mode(const struct rule_context *context, struct slice *text)
{
    struct slice digits = slice_skip(*text, slice_starts_with(*text, SLICE("0o")) ? 2 : 0);
    unsigned mode = 0;
    for (size_t i = 0; i < digits.length; i++) {
        if (digits.data[i] < '0' || digits.data[i] > '7')
            return "it is not octal";
        mode = mode * 8 + (unsigned)(digits.data[i] - '0');
    }
    bool has_length = digits.length == 3 || (digits.length == 4 && digits.data[0] == '0');
    *text = decimal(context, mode);
    return has_length ? NULL : "it has not three digits";
}

const struct text_rule rule_mode = {"mode", "three octal digits, such as \"0660\"", "^(0o?)?[0-7]{3}$",
                                    check_mode};

static const char *check_user(const struct rule_context *context, struct slice *text)
{
    uid_t user;
    if (!sys_find_user(text->data, &user))
        return "there is no such user";
    *text = decimal(context, user);
    return NULL;
}

const struct text_rule rule_user = {"user", "the name or number of a user", "^.+$", check_user};

static const char *check_group(const struct rule_context *context, struct slice *text)
{
    gid_t group;
    if (!sys_find_group(text->data, &group))
        return "there is no such group";
    *text = decimal(context, group);
    return NULL;
}

const struct text_rule rule_group = {"group", "the name or number of a group", "^.+$", check_group};

static bool is_host_byte(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') || byte == '-' || byte == '.' ||
           byte == '_';
}

static bool is_bracketed_address(struct slice text)
{
    struct listen_address address;
    char with_port[64];
    bool has_zone = slice_find(text, '%') < text.length; /* which means something on one machine only */
    if (!slice_starts_with(text, SLICE("[")) || has_zone || text.length + 2 > sizeof(with_port))
        return false;
    memcpy(with_port, text.data, text.length);
    memcpy(with_port + text.length, ":0", 2);
    return address_parse(slice_make(with_port, text.length + 2), &address) == ADDRESS_OK;
}

/* False if memory runs out, which the arena remembers. */
static bool make_lower(const struct rule_context *context, struct slice *text)
{
    char *lower = arena_string(context->arena, *text);
    *text = slice_make(lower, lower ? text->length : 0);
    for (size_t i = 0; lower && i < text->length; i++)
        lower[i] = ascii_lower(lower[i]);
    return lower != NULL;
}

static const char *check_host(const struct rule_context *context, struct slice *text)
{
    if (!make_lower(context, text))
        return NULL;
    struct slice name = slice_starts_with(*text, SLICE("*.")) ? slice_skip(*text, 2) : *text;
    if (slice_equal(name, SLICE("*")) || is_bracketed_address(name))
        return NULL;
    if (slice_find(name, ':') < name.length)
        return "it has a port or a scheme, which hosts here do not";
    for (size_t i = 0; i < name.length; i++) {
        bool is_empty_label = name.data[i] == '.' && (i == 0 || name.data[i - 1] == '.');
        if (!is_host_byte(name.data[i]) || is_empty_label)
            return "it is not a host name";
    }
    return name.length == 0 || name.length > 253 || slice_ends_with(name, SLICE("."))
               ? "it is not a host name"
               : NULL;
}

const struct text_rule rule_host = {
    "host",
    "a name such as \"example.com\", \"*.example.com\" (all below it) or \"*\" (all others)",
    "^(\\*|(\\*\\.)?[A-Za-z0-9_.-]+|\\[[0-9A-Fa-f:.]+\\])$",
    check_host,
};

static bool has_control_byte(struct slice text)
{
    for (size_t i = 0; i < text.length; i++) {
        if ((unsigned char)text.data[i] < 0x20 || text.data[i] == 0x7f)
            return true;
    }
    return false;
}

/* Whether any segment but the last is empty, or any is "." or "..". `path` begins behind its first '/'. */
static bool has_odd_segment(struct slice path)
{
    struct slice segment;
    bool is_last;
    do {
        size_t end = slice_find(path, '/');
        segment = slice_take(path, end);
        is_last = end == path.length;
        if ((segment.length == 0 && !is_last) || slice_equal(segment, SLICE(".")) ||
            slice_equal(segment, SLICE("..")))
            return true;
        path = slice_skip(path, end + !is_last);
    } while (!is_last);
    return false;
}

static bool has_escape(struct slice text)
{
    for (size_t i = 0; i + 2 < text.length; i++) {
        if (text.data[i] == '%' && isxdigit((unsigned char)text.data[i + 1]) &&
            isxdigit((unsigned char)text.data[i + 2]))
            return true;
    }
    return false;
}

static const char *check_prefix(const struct rule_context *context, struct slice *text)
{
    (void)context;
    if (slice_starts_with(*text, SLICE("~")) || slice_starts_with(*text, SLICE("=")) ||
        slice_starts_with(*text, SLICE("^")))
        return "routes are paths, without operators or regular expressions";
    if (!slice_starts_with(*text, SLICE("/")))
        return "it does not begin with \"/\"";
    if (has_control_byte(*text) || slice_find(*text, '?') < text->length ||
        slice_find(*text, '#') < text->length)
        return "it is not a path";
    if (slice_find(*text, '*') < text->length)
        return "it has a \"*\", but a route answers everything below its path by itself";
    if (has_escape(*text))
        return "it has a %-escape, but routes are written as they read: \"/a b\", not \"/a%20b\"";
    if (has_odd_segment(slice_skip(*text, 1)))
        return "it has a segment that is empty, \".\" or \"..\"";
    return NULL;
}

const struct text_rule rule_prefix = {
    "path",
    "a path such as \"/\" or \"/images\"",
    "^/[^?#*]*$",
    check_prefix,
};

static const char *rules_check_folder(const struct rule_context *context, struct slice *text)
{
    if (text->length == 0)
        return "it is empty";
    if (slice_starts_with(*text, SLICE("~/")))
        return "\"~\" means nothing here: write the whole path, or ${HOME}";
    *text = rule_absolute(context, *text);
    return text->data ? path_check_folder(context->arena, text->data, false) : NULL;
}

const struct text_rule rule_folder = {
    "folder", "the path of a folder", "^.+$", rules_check_folder, .says_all = true,
};

static const char *check_log_file(const struct rule_context *context, struct slice *text)
{
    if (text->length == 0)
        return "it is empty";
    if (slice_equal(*text, SLICE("-")))
        return NULL;
    *text = below(context, context->log_folder, *text);
    return text->data ? path_check_log(context->arena, text->data) : NULL;
}

const struct text_rule rule_log_file = {
    "file", "the path of a file, or \"-\"", "^.+$", check_log_file, .says_all = true,
};

static const char *check_file_name(const struct rule_context *context, struct slice *text)
{
    (void)context;
    if (text->length == 0 || slice_find(*text, '/') < text->length || has_odd_segment(*text))
        return "it is not the name of a file";
    return NULL;
}

const struct text_rule rule_file_name = {"name", "the name of a file, without folders", "^[^/]+$",
                                         check_file_name};

static const char *check_inner_path(const struct rule_context *context, struct slice *text)
{
    (void)context;
    if (slice_starts_with(*text, SLICE("/")))
        *text = slice_skip(*text, 1);
    if (text->length == 0 || slice_ends_with(*text, SLICE("/")) || has_odd_segment(*text))
        return "it is not a file below the root";
    return NULL;
}

const struct text_rule rule_inner_path = {"path", "the path of a file below the root", "^.+$",
                                          check_inner_path};

/* The part of a URL after its scheme; the whole text if it has none. */
static struct slice skip_scheme(struct slice text)
{
    if (slice_starts_with(text, SLICE("https://")))
        return slice_skip(text, 8);
    if (slice_starts_with(text, SLICE("{scheme}://")))
        return slice_skip(text, 11);
    return slice_starts_with(text, SLICE("http://")) ? slice_skip(text, 7) : text;
}

/* The length of the scheme before "://", 0 if there is none: apps have schemes of their own. */
static size_t origin_scheme_length(struct slice text)
{
    size_t length = slice_find(text, ':');
    struct slice scheme = slice_take(text, length);
    return http_is_token(scheme) && slice_starts_with(slice_skip(text, length), SLICE("://")) ? length : 0;
}

static bool is_default_port(struct slice scheme, struct slice port)
{
    return (slice_equal(scheme, SLICE("https")) && slice_equal(port, SLICE("443"))) ||
           (slice_equal(scheme, SLICE("http")) && slice_equal(port, SLICE("80")));
}

/* Becomes lower case, as browsers write origins. */
static const char *check_origin(const struct rule_context *context, struct slice *text)
{
    struct slice host, port;
    if (slice_equal(*text, SLICE("*")) || slice_equal(*text, SLICE("null")))
        return NULL;
    if (!make_lower(context, text))
        return NULL;
    size_t scheme_length = origin_scheme_length(*text);
    if (scheme_length == 0)
        return "it is not an origin";
    struct slice rest = slice_skip(*text, scheme_length + 3);
    bool is_wild = slice_starts_with(rest, SLICE("*."));
    if (!http_host_parse(is_wild ? slice_skip(rest, 2) : rest, &host, &port) || host.length == 0)
        return "it is not an origin";
    for (size_t i = 0; i < host.length && host.data[0] != '['; i++) {
        if (!is_host_byte(host.data[i]))
            return "it is not an origin";
    }
    return is_default_port(slice_take(*text, scheme_length), port) ? "browsers leave this port out" : NULL;
}

const struct text_rule rule_origin = {
    "origin",
    "\"*\" or an origin such as \"https://example.com\", without a path",
    "^(\\*|null|[A-Za-z][A-Za-z0-9+.-]*://[^/ ,]+)$",
    check_origin,
};

/* The end of the bracket expression that begins at `start`: "[a-z]", "[!]]"; the length where it has none. */
static size_t bracket_end(struct slice pattern, size_t start)
{
    size_t at = start + 1;
    if (at < pattern.length && (pattern.data[at] == '!' || pattern.data[at] == '^'))
        at++;
    if (at < pattern.length && pattern.data[at] == ']')
        at++;
    at = MIN(at, pattern.length);
    return at + slice_find(slice_skip(pattern, at), ']');
}

/* Finds pattern syntax that fnmatch(3) would silently treat as ordinary bytes. */
static const char *check_pattern(const struct rule_context *context, struct slice *text)
{
    (void)context;
    struct slice pattern = *text;
    if (pattern.length == 0)
        return "it is empty";
    for (size_t i = 0; i < pattern.length; i++) {
        if (pattern.data[i] == '\\' && i + 1 == pattern.length)
            return "its last \"\\\" escapes nothing";
        if (pattern.data[i] == '\\') {
            i++;
            continue;
        }
        if (pattern.data[i] == '{')
            return "it has braces, which patterns do not know: write one pattern for each, such as \"*.js\" "
                   "and "
                   "\"*.css\"; \"[{]\" is a brace itself";
        if (pattern.data[i] != '[')
            continue;
        i = bracket_end(pattern, i);
        if (i == pattern.length)
            return "its \"[\" is not closed; \"[[]\" is a bracket itself";
    }
    if (slice_find(pattern, '/') < pattern.length && strchr("/*?[", pattern.data[0]) == NULL)
        return "a pattern with \"/\" is matched against the whole path, which begins with \"/\"";
    return NULL;
}

const struct text_rule rule_pattern = {
    "pattern", "a pattern such as \"*.css\" or \"/assets/*\"", "^[^{]+$", check_pattern, .says_all = true,
};

static const char *check_extension(const struct rule_context *context, struct slice *text)
{
    if (!slice_starts_with(*text, SLICE(".")))
        *text = joined(context, SLICE("."), *text);
    if (text->data && (text->length < 2 || slice_find(*text, '/') < text->length))
        return "it is not the end of a file's name";
    return NULL;
}

const struct text_rule rule_extension = {
    "extension", "the end of a file's name such as \".md\"", "^[^/]+$", check_extension, .is_literal = true,
};

/* Room for it is limited where a range of a file is one part of several. */
#define MEDIA_TYPE_BYTES_MAX 200

static const char *check_media_type(const struct rule_context *context, struct slice *text)
{
    (void)context;
    *text = slice_trim(*text);
    struct slice name = slice_trim(slice_take(*text, slice_find(*text, ';')));
    size_t slash = slice_find(name, '/');
    if (text->length > MEDIA_TYPE_BYTES_MAX)
        return "it is longer than 200 characters";
    if (!http_is_field_value(*text) || !http_is_token(slice_take(name, slash)) || slash == name.length ||
        !http_is_token(slice_skip(name, slash + 1)))
        return "it is not a media type";
    return NULL;
}

const struct text_rule rule_media_type = {
    "media type", "a type such as \"text/plain\"", "^[^/]+/.+$", check_media_type, .is_literal = true,
};

static const char *check_charset(const struct rule_context *context, struct slice *text)
{
    (void)context;
    return http_is_token(*text) && text->length <= 40 ? NULL : "it is not the name of a charset";
}

const struct text_rule rule_charset = {
    "charset",          "a name such as \"utf-8\", or \"none\"", "^[A-Za-z0-9._:+-]+$", check_charset,
    .is_literal = true,
};

static const char *check_error_status(const struct rule_context *context, struct slice *text)
{
    (void)context;
    uint64_t status;
    return slice_to_u64(*text, &status) && status >= 400 && status <= 599
               ? NULL
               : "it is not the status of an error";
}

const struct text_rule rule_error_status = {"status", "a number from 400 to 599", "^[45][0-9][0-9]$",
                                            check_error_status};

/* Each '{' must be followed by one of these. */
static bool is_placeholder(struct slice text)
{
    return slice_starts_with(text, SLICE("{path}")) || slice_starts_with(text, SLICE("{uri}")) ||
           slice_starts_with(text, SLICE("{query}")) || slice_starts_with(text, SLICE("{host}")) ||
           slice_starts_with(text, SLICE("{scheme}"));
}

static bool has_unknown_placeholder(struct slice text)
{
    for (size_t start; (start = slice_find(text, '{')) < text.length;) {
        text = slice_skip(text, start);
        if (!is_placeholder(text))
            return true;
        text = slice_skip(text, 1);
    }
    return false;
}

/* Whether text of the client would be where a host is: "//host" names another host, and so may "/" followed
 * by text of the client, as browsers skip slashes before a host. */
static bool names_foreign_host(struct slice text, struct slice rest)
{
    bool is_path = rest.length == text.length;
    if (!is_path)
        return rest.length == 0 || rest.data[0] == '/' || rest.data[0] == '\\' ||
               (rest.data[0] == '{' && !slice_starts_with(rest, SLICE("{host}")));
    return slice_starts_with(text, SLICE("//")) || slice_starts_with(text, SLICE("/\\")) ||
           slice_starts_with(text, SLICE("/{"));
}

static const char *check_location(const struct rule_context *context, struct slice *text)
{
    (void)context;
    if (has_control_byte(*text) || slice_find(*text, ' ') < text->length)
        return "it has a space or control character in it";
    if (has_unknown_placeholder(*text))
        return "it has an unknown placeholder";
    struct slice rest = skip_scheme(*text);
    if (names_foreign_host(*text, rest))
        return "it could lead to another host, which a client would choose";
    return rest.length < text->length || slice_starts_with(*text, SLICE("/"))
               ? NULL
               : "it is neither a URL nor a path";
}

const struct text_rule rule_location = {
    "location",
    "a URL or a path beginning with \"/\"; {path}, {uri}, {query}, {host} and {scheme} stand for "
    "parts of the request",
    "^(https?://|\\{scheme\\}://|/)[^ ]*$",
    check_location,
};

/* Headers that frame the message or the connection, or say what the content is: without them, or with other
 * values, the response is broken. */
static const char *const vital_fields[] = {
    "Allow",
    "Connection",
    "Content-Encoding",
    "Content-Length",
    "Content-Range",
    "Date",
    "Keep-Alive",
    "Proxy-Connection",
    "TE",
    "Trailer",
    "Transfer-Encoding",
    "Upgrade",
    NULL,
};

/* Headers that say which version of a file was sent, and that ranges can be requested. They may be removed,
 * but not set: with a value that vif did not compute, caches would keep a wrong file. */
static const char *const version_fields[] = {"Accept-Ranges", "ETag", "Last-Modified", NULL};

static bool is_among(struct slice name, const char *const *names)
{
    while (*names && !slice_equal_nocase(name, slice_from(*names)))
        names++;
    return *names != NULL;
}

static const char *const computed_by_vif = "vif computes this header, and must do so alone";

static const char *check_removed_field(const struct rule_context *context, struct slice *text)
{
    (void)context;
    if (!http_is_token(*text))
        return "it is not the name of a header";
    return is_among(*text, vital_fields) ? computed_by_vif : NULL;
}

static const char *check_set_field(const struct rule_context *context, struct slice *text)
{
    if (is_among(*text, version_fields))
        return computed_by_vif;
    return check_removed_field(context, text);
}

#define FIELD_NAME_PATTERN "^[!#$%&'*+.^_`|~0-9A-Za-z-]+$"

const struct text_rule rule_set_field = {
    "header name",
    "a name of letters, digits and \"-\", such as \"X-Frame-Options\"",
    FIELD_NAME_PATTERN,
    check_set_field,
};

const struct text_rule rule_removed_field = {
    "header name",
    "a name of letters, digits and \"-\", such as \"ETag\"",
    FIELD_NAME_PATTERN,
    check_removed_field,
};

static const char *check_field_value(const struct rule_context *context, struct slice *text)
{
    (void)context;
    if (!http_is_field_value(*text))
        return "it has a control character or line break in it";
    *text = slice_trim(*text);
    return NULL;
}

const struct text_rule rule_field_value = {
    "header value", "one line of text", "^[^\\r\\n]*$", check_field_value, .is_literal = true,
};
