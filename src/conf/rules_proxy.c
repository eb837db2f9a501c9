/* Rules for what is forwarded to other servers. */
#include "conf/rules.h"

#include "http/field.h"
#include "http/uri.h"
#include "proxy/server_url.h"

#include <stdio.h>

/* Text in the arena; without data where memory ran out. */
static struct slice rules_joined(const struct rule_context *context, const char *before, struct slice text)
{
    char *joined = arena_alloc(context->arena, strlen(before) + text.length + 1);
    if (joined == NULL)
        return (struct slice){0};
    int length = sprintf(joined, "%s%.*s", before, SLICE_ARGS(text));
    return slice_make(joined, (size_t)length);
}

/* Completes what is written in short: "3000", ":3000", "localhost:3000", a relative path of a socket. */
static void complete_server(const struct rule_context *context, struct slice *text)
{
    struct slice unix_scheme = SLICE("unix:"), http_unix = SLICE("http://unix:");
    uint64_t port;
    if (slice_starts_with(*text, http_unix))
        *text = slice_skip(*text, SLICE("http://").length);
    if (slice_to_u64(*text, &port))
        *text = rules_joined(context, "http://127.0.0.1:", *text);
    else if (slice_starts_with(*text, SLICE(":")))
        *text = rules_joined(context, "http://127.0.0.1", *text);
    else if (slice_starts_with(*text, unix_scheme) && text->length > unix_scheme.length)
        *text = rules_joined(context, "unix:", rule_absolute(context, slice_skip(*text, unix_scheme.length)));
    else if (!slice_starts_with(*text, unix_scheme) && memmem(text->data, text->length, "://", 3) == NULL)
        *text = rules_joined(context, "http://", *text);
    bool is_url = text->data &&
                  (slice_starts_with(*text, SLICE("http://")) ||
                   slice_starts_with(*text, SLICE("https://")) || slice_starts_with(*text, SLICE("h2c://")));
    if (is_url && slice_ends_with(*text, SLICE("/")) && slice_count(*text, '/') == 3)
        text->length--;
}

static const char *check_server(const struct rule_context *context, struct slice *text)
{
    struct server_url url;
    complete_server(context, text);
    if (text->data == NULL) /* no memory: the arena remembers */
        return NULL;
    const char *fault = server_url_parse(*text, &url);
    if (fault == NULL && url.path.length > 107)
        return "the path of a Unix socket can have at most 107 bytes";
    return fault;
}

const struct text_rule rule_server = {
    "server",
    "\"http://127.0.0.1:3000\", \"unix:/run/app.sock\" or a port such as 3000",
    "^[^ ]+$",
    check_server,
};

static const char *check_list_file(const struct rule_context *context, struct slice *text)
{
    if (text->length == 0)
        return "it is empty";
    *text = rule_absolute(context, *text);
    return NULL;
}

const struct text_rule rule_list_file = {"file", "the path of a file", "^.+$", check_list_file};

static const char *check_new_prefix(const struct rule_context *context, struct slice *text)
{
    (void)context;
    struct http_uri uri;
    if (!slice_starts_with(*text, SLICE("/")))
        return "it does not begin with \"/\"";
    if (http_uri_parse(*text, HTTP_METHOD_GET, &uri) != HTTP_URI_OK || uri.query.data)
        return "it is not a path as it stands in a URL";
    return NULL;
}

const struct text_rule rule_new_prefix = {"path", "a path such as \"/\" or \"/v2\"", "^/[^?# ]*$",
                                          check_new_prefix};

/* HTTP/2 has a way of its own to be spoken with a server; forwarded, it would carry requests past vif. */
static const char *check_protocol(const struct rule_context *context, struct slice *text)
{
    (void)context;
    struct slice rest = slice_skip(*text, http_token_span(*text));
    if (rest.length > 0 && slice_starts_with(rest, SLICE("/")))
        rest = slice_skip(rest, 1 + http_token_span(slice_skip(rest, 1)));
    if (text->length == 0 || rest.length > 0)
        return "it is not a name as the header Upgrade has it";
    if (slice_equal_nocase(*text, SLICE("h2c")) || slice_starts_with(*text, SLICE("HTTP/")))
        return "requests inside it would not be seen by vif";
    return NULL;
}

const struct text_rule rule_protocol = {"protocol", "a protocol as in the header Upgrade, such as websocket",
                                        "^[A-Za-z0-9!#$%&'*+.^_`|~/-]+$", check_protocol};

static const char *check_sent_host(const struct rule_context *context, struct slice *text)
{
    (void)context;
    struct slice host, port;
    return http_host_parse(*text, &host, &port) && host.length > 0 ? NULL : "it is not a host";
}

static const char *check_server_name(const struct rule_context *context, struct slice *text)
{
    (void)context;
    struct slice host, port;
    bool is_host = http_host_parse(*text, &host, &port) && host.length == text->length;
    if (!is_host || host.length == 0)
        return "it is not the name of a host";
    return host.length <= SERVER_HOST_BYTES_MAX ? NULL : "it has more than 253 bytes: no name is that long";
}

const struct text_rule rule_server_name = {
    "name",
    "a name such as \"app.example.com\"",
    "^[^ /:]+$",
    check_server_name,
};

const struct text_rule rule_sent_host = {
    "host",
    "\"client\", \"server\", or a host such as \"app.example.com\"",
    "^[^ /]+$",
    check_sent_host,
};

/* ---- balancing and health ---- */

static const char *check_hash_key(const struct rule_context *context, struct slice *text)
{
    (void)context;
    size_t colon = slice_find(*text, ':');
    struct slice kind = slice_take(*text, colon);
    struct slice name = slice_skip(*text, MIN(colon + 1, text->length));
    if (slice_equal(*text, SLICE("address")))
        return NULL;
    if (!slice_equal(kind, SLICE("header")) && !slice_equal(kind, SLICE("cookie")))
        return "it is something else";
    return http_is_token(name) ? NULL : "the name behind the colon is no name of a header or cookie";
}

const struct text_rule rule_hash_key = {
    "hash key",
    "\"address\", \"header:NAME\" or \"cookie:NAME\"",
    "^(address|header:[^ :]+|cookie:[^ :]+)$",
    check_hash_key,
};

static const char *check_cookie_name(const struct rule_context *context, struct slice *text)
{
    (void)context;
    return http_is_token(*text) ? NULL : "it is no name of a cookie";
}

const struct text_rule rule_cookie_name = {"cookie", "a name such as \"server\"", "^[^ ;=,]+$",
                                           check_cookie_name};

static const char *check_check_path(const struct rule_context *context, struct slice *text)
{
    (void)context;
    struct http_uri uri;
    return slice_starts_with(*text, SLICE("/")) && http_uri_parse(*text, HTTP_METHOD_GET, &uri) == HTTP_URI_OK
               ? NULL
               : "it is not a path as it stands in a URL";
}

const struct text_rule rule_check_path = {"path", "a path such as \"/healthz\"", "^/[^# ]*$",
                                          check_check_path};

static bool is_status(struct slice text, uint64_t *ret_status)
{
    return slice_to_u64(text, ret_status) && *ret_status >= 100 && *ret_status <= 599;
}

static const char *check_status_range(const struct rule_context *context, struct slice *text)
{
    (void)context;
    size_t dash = slice_find(*text, '-');
    uint64_t first, last;
    if (!is_status(slice_take(*text, dash), &first))
        return "it is no status";
    if (dash == text->length)
        return NULL;
    return is_status(slice_skip(*text, dash + 1), &last) && last >= first ? NULL
                                                                          : "it is no range of statuses";
}

const struct text_rule rule_status_range = {"status", "a status such as 200, or two such as \"200-399\"",
                                            "^[1-5][0-9][0-9](-[1-5][0-9][0-9])?$", check_status_range};

static const char *check_wanted_header(const struct rule_context *context, struct slice *text)
{
    (void)context;
    size_t colon = slice_find(*text, ':');
    struct slice value = slice_skip(*text, MIN(colon + 1, text->length));
    if (!http_is_token(slice_take(*text, colon)))
        return "it does not begin with the name of a header";
    return value.length == 0 || http_is_field_value(value) ? NULL : "a header cannot have that value";
}

const struct text_rule rule_wanted_header = {"header", "\"NAME\" or \"NAME: VALUE\"", NULL,
                                             check_wanted_header};
