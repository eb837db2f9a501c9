/* Rules for TLS options: files that are read at the start, ports, names of ciphers. */
#include "conf/paths.h"
#include "conf/quantity.h"
#include "conf/rules.h"

static const char *check_readable_file(const struct rule_context *context, struct slice *text)
{
    if (text->length == 0)
        return "it is empty";
    *text = rule_absolute(context, *text);
    return text->data ? path_check_readable(context->arena, text->data) : NULL;
}

const struct text_rule rule_readable_file = {
    "file", "the path of a file", "^.+$", check_readable_file, .says_all = true,
};

static const char *check_https_port(const struct rule_context *context, struct slice *text)
{
    uint64_t port;
    bool truth;
    (void)context;
    if (quantity_read_bool(*text, &truth))
        *text = truth ? SLICE("true") : SLICE("false");
    else if (!slice_to_u64(*text, &port) || port < 1 || port > UINT16_MAX)
        return "it is no port";
    return NULL;
}

const struct text_rule rule_https_port = {
    "port", "a port from 1 to 65535, or true", "^(true|[0-9]{1,5})$", check_https_port, .is_literal = true,
};

/* OpenSSL checks their meaning when certificates are loaded. */
static const char *check_ciphers(const struct rule_context *context, struct slice *text)
{
    (void)context;
    for (size_t i = 0; i < text->length; i++) {
        if ((unsigned char)text->data[i] <= ' ' || (unsigned char)text->data[i] >= 0x7f)
            return "it has a blank or control character in it";
    }
    return text->length > 0 ? NULL : "it is empty";
}

const struct text_rule rule_ciphers = {
    "list",
    "names with colons between",
    "^[!-~]+$",
    check_ciphers,
};
