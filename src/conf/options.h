/* The table of options. The loader, its messages, the JSON Schema, the manual and the command line are all
 * generated from it: it is the only place that defines options and their meaning.
 *
 * Options are grouped in sections (YAML maps); each row names the member of the settings that it writes. */
#ifndef CONF_OPTIONS_H
#define CONF_OPTIONS_H

#include "conf/config.h"
#include "conf/rules.h"

enum option_section {
    SECTION_TOP,
    SECTION_LISTENER,
    SECTION_ADMIN,
    SECTION_UNIX_SOCKET,
    SECTION_LOG,
    SECTION_ACCESS_LOG,
    SECTION_ERROR_LOG,
    SECTION_ROTATE,
    SECTION_LIMITS,
    SECTION_TIMEOUTS,
    SECTION_HTTP2,
    SECTION_TICKETS,
    SECTION_TRUSTED,
    SECTION_REQUEST_ID,
    SECTION_SHIELD,
    SECTION_SITE,
    SECTION_ROUTE,
    SECTION_FILES,
    SECTION_REDIRECT,
    SECTION_RESPOND,
    SECTION_PROXY,
    SECTION_SERVER,
    SECTION_STICKY,
    SECTION_HEALTH,
    SECTION_PROXY_TLS,
    SECTION_HEADERS,
    SECTION_HSTS,
    SECTION_TLS,
    SECTION_CERTIFICATE,
    SECTION_COUNT
};

/* The object that a row writes to. */
enum option_object {
    OBJECT_CONFIG,      /* struct config */
    OBJECT_SETTINGS,    /* struct settings */
    OBJECT_ACCESS_LOG,  /* struct access_log_settings */
    OBJECT_LISTENER,    /* struct listener_settings */
    OBJECT_SITE,        /* struct site */
    OBJECT_ROUTE,       /* struct route */
    OBJECT_FIELD_EDITS, /* struct field_edits */
    OBJECT_HTTPS,       /* struct https_settings */
    OBJECT_CERTIFICATE, /* struct certificate_settings */
    OBJECT_SERVER,      /* struct proxy_server */
    OBJECT_COUNT
};

/* The header edits of a site or a route while it is read. */
struct field_edits {
    struct field_edit *items;
    size_t count;
};

struct section {
    const char *path;        /* for messages and the manual: "limits", "sites[].routes{}.files" */
    const char *description; /* a paragraph for the manual */
    const char *short_key;   /* a single text instead of the map sets this option; NULL: none */
    const char *list_key;    /* a list instead of the map sets this option; NULL: none */
};

enum option_kind {
    OPTION_BOOL,        /* bool */
    OPTION_NUMBER,      /* uint32_t, uint64_t, unsigned or int, from `min` to `max` */
    OPTION_BYTES,       /* like OPTION_NUMBER, in bytes */
    OPTION_DURATION,    /* like OPTION_NUMBER, in milliseconds */
    OPTION_WORD,        /* an enum whose members are indexes of `words`; or the word's number */
    OPTION_TEXT,        /* a slice, by `rule` */
    OPTION_TEXTS,       /* an array, from a list of texts by `rule` or a single one */
    OPTION_PAIRS,       /* an array, from a map of keys by `key_rule` and values by `rule` */
    OPTION_SECTION,     /* the section `child` */
    OPTION_SECTIONS,    /* an array of `child`, from a list; or a single one if `child` has a short key */
    OPTION_SECTION_MAP, /* an array of `child`, from a map with keys by `key_rule` */
};

struct option {
    enum option_section section; /* the section it belongs to */
    const char *key;
    enum option_kind kind;
    const char *description; /* one sentence */
    const char
        *fallback; /* the default as it would be written; NULL: none, or that of settings_set_defaults */
    const char *example; /* a value in YAML; NULL: the default is a sufficient example */
    const char *old_key; /* its former name, accepted with a warning; NULL: none */
    bool is_required;    /* must be present in its section */
    bool is_alternative; /* exactly one of the section's alternatives must be present */
    bool is_switch;      /* `true` or `false` is accepted instead of the section */

    /* Target: a member of an object; size 0: none. */
    enum option_object object;
    size_t offset;
    size_t size;
    size_t count_offset; /* of arrays: the member that counts its items */
    size_t item_size;
    void (*put)(void *item, struct slice key, struct slice value); /* fills one item of an array */

    uint64_t min; /* range of a quantity, or of the number of texts or pairs */
    uint64_t max;
    const char *zero;         /* a word for 0 or for an empty text: "auto", "none", "false" */
    const char *const *words; /* ends with NULL */
    const struct text_rule *rule;
    const struct text_rule *key_rule;
    bool is_unique; /* its texts (or keys of OPTION_SECTION_MAP) must be unique within the site or the file */
    enum option_section child;
    int constant; /* what an alternative or a switch writes to its target, besides reading its section */
};

extern const struct section sections[SECTION_COUNT];

/* All options, grouped by section, in the order of the manual. */
extern const struct option options[];
extern const size_t option_count;

/* The option of a section with that key or former key, or NULL. */
const struct option *option_find(enum option_section section, struct slice key);

bool option_has_old_key(const struct option *option, struct slice key);

/* The option at a dotted path from the top, which must exist. An item of a list or map is one step with any
 * name: "limits.head", "sites.0.routes./.files.root". */
const struct option *option_at(struct slice path);

/* The next option of the same section, or the first one for NULL; NULL after the last. */
const struct option *option_next(enum option_section section, const struct option *option);

/* The default as text in YAML notation, or NULL. May use `buffer`. */
#define OPTION_TEXT_MAX 64
const char *option_default(const struct option *option, char buffer[OPTION_TEXT_MAX]);

/* Whether 0 is accepted instead of the word `zero`. It is if 0 means "no limit", but not if it would mean to
 * have none of something that is needed. */
bool option_takes_zero(const struct option *option);

/* The range of a number, such as "1 to 65535", in the notation of the option's kind. Returns `buffer`. */
const char *option_range(const struct option *option, char buffer[OPTION_TEXT_MAX]);

#endif
