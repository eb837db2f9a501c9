/* Rules for texts in a configuration by kind: addresses, hosts, prefixes, paths, headers.
 *
 * A rule checks one text and converts it to the form used in the settings. It is independent of options. */
#ifndef CONF_RULES_H
#define CONF_RULES_H

#include "base/arena.h"

struct rule_context {
    struct arena *arena;      /* for the results of rules */
    struct slice base_folder; /* absolute; base of relative paths */
    struct slice log_folder;  /* absolute; the same for log files */
};

struct text_rule {
    const char *name;     /* name of the kind, for the manual: "address" */
    const char *expected; /* continues a message after "expected " */
    const char
        *pattern; /* a regular expression of JSON Schema that every good text matches; NULL: any text */
    /* Returns NULL if `text` is good, else what is wrong, such as "it is not a host name". May replace the
     * text by one in the arena; its data is NULL if out of memory. */
    const char *(*check)(const struct rule_context *context, struct slice *text);
    /* What is worth a warning of a good text, as it was written; NULL: nothing. May be NULL. */
    const char *(*doubt)(const struct rule_context *context, struct slice text);
    bool says_all;   /* messages of `check` are complete without "expected …" */
    bool is_literal; /* a YAML scalar is taken literally: "yes", "1.10" */
};

extern const struct text_rule rule_any;
extern const struct text_rule rule_address;     /* sys/address.h, or a port; a unix path becomes absolute */
extern const struct text_rule rule_include;     /* a path, or a pattern of paths */
extern const struct text_rule rule_mode;        /* octal digits; becomes decimal */
extern const struct text_rule rule_user;        /* a name or number; becomes decimal */
extern const struct text_rule rule_group;       /* likewise */
extern const struct text_rule rule_worker_user; /* USER or USER:GROUP; becomes decimal, with both */
extern const struct text_rule rule_host;        /* becomes lower case */
extern const struct text_rule rule_prefix;      /* of a route */
extern const struct text_rule rule_folder;      /* can be entered; becomes absolute */
extern const struct text_rule rule_log_file;    /* "-" or a writable file; becomes absolute */
extern const struct text_rule rule_file_name;   /* one segment */
extern const struct text_rule rule_inner_path;  /* below a root; loses its leading '/' */
extern const struct text_rule rule_origin;      /* for Access-Control-Allow-Origin */
extern const struct text_rule rule_pattern;     /* of a cache rule, for fnmatch(3) */
extern const struct text_rule rule_extension;   /* begins with a dot */
extern const struct text_rule rule_media_type;
extern const struct text_rule rule_charset;
extern const struct text_rule rule_error_status; /* "400" to "599" */
extern const struct text_rule rule_location;     /* of a redirect */
extern const struct text_rule
    rule_server; /* a URL (proxy/server_url.h) or a port; a Unix path becomes absolute */
extern const struct text_rule rule_list_file;   /* becomes absolute; need not exist */
extern const struct text_rule rule_new_prefix;  /* of forwarded paths */
extern const struct text_rule rule_protocol;    /* for the Upgrade header */
extern const struct text_rule rule_sent_host;   /* for the Host header */
extern const struct text_rule rule_server_name; /* that a server's certificate must have */
extern const struct text_rule rule_hash_key;    /* "address", "header:NAME", "cookie:NAME" */
extern const struct text_rule rule_cookie_name;
extern const struct text_rule rule_key_file;      /* becomes the key, a struct hash_key */
extern const struct text_rule rule_password_file; /* becomes absolute; see conf/passwords.h */
extern const struct text_rule rule_check_path;    /* of a health check, with its query */
extern const struct text_rule rule_status_range;  /* "200" or "200-399" */
extern const struct text_rule rule_wanted_header; /* "NAME" or "NAME: VALUE" */
extern const struct text_rule rule_set_field;     /* a header's name; not one that vif computes */
extern const struct text_rule rule_removed_field; /* a header's name; not one that a response needs */
extern const struct text_rule rule_field_value;
extern const struct text_rule rule_readable_file; /* becomes absolute */
extern const struct text_rule rule_log_template;  /* log/log_template.h */
extern const struct text_rule rule_network;
extern const struct text_rule rule_name_server; /* settings/network.h */
extern const struct text_rule rule_interface;   /* of the network */
extern const struct text_rule rule_https_port;  /* a port, or "true" */
extern const struct text_rule rule_ciphers;     /* OpenSSL names, separated by colons */

/* Makes a path absolute, relative to base_folder; its data is NULL if out of memory. */
struct slice rule_absolute(const struct rule_context *context, struct slice path);

#endif
