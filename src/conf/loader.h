/* What the two halves of loading share: load.c (sections) and values.c (what stands in them). */
#ifndef CONF_LOADER_H
#define CONF_LOADER_H

#include "conf/claims.h"
#include "conf/document.h"
#include "conf/options.h"

struct loader {
    struct diagnostics *diagnostics;
    struct arena *arena; /* of the settings */
    struct rule_context rules;
    struct claims claims;
    void *objects[OBJECT_COUNT]; /* what is being filled */
    const struct node *scope;    /* the site in which prefixes must be unique, or NULL */
    bool out_of_memory;
};

/* Reads the value of an option that is no section into its target. Mistakes are told; the target is as good
 * as undefined then. */
void loader_read_value(struct loader *loader, const struct option *option, const struct node *node);

/* A text by its rule, in memory of the settings; false where it is not one, which is told. */
bool loader_read_text(struct loader *loader, const struct option *option, const struct text_rule *rule,
                      const struct node *node, struct slice *ret_text);

/* Writes a number into the target. */
void loader_store(struct loader *loader, const struct option *option, uint64_t value);

/* Makes room in the target for `extra` more items, zeroed, behind those that it has; the first of them, or
 * NULL without memory. */
char *loader_grow(struct loader *loader, const struct option *option, size_t extra);

/* Whether so many items may stand here; told where not. `noun` is "list" or "map". */
bool loader_check_count(struct loader *loader, const struct option *option, const struct node *node,
                        const char *noun) MUST_CHECK;

/* Memory of the settings for `count` items, zeroed; NULL without, which is remembered. */
void *loader_allocate(struct loader *loader, size_t count, size_t size);

/* Remembers a text that may stand only once, if the option's may. `text` lies in the settings. */
void loader_claim(struct loader *loader, const struct option *option, struct slice text,
                  const struct node *node);

/* "files.listing", for messages. Returns `buffer`. */
const char *loader_option_name(const struct option *option, char buffer[OPTION_TEXT_MAX]);

/* What stands at a node, for "expected …, not …". May use `buffer`. */
const char *loader_found(const struct node *node, char buffer[OPTION_TEXT_MAX]);

/* Tells that something else was expected. */
void loader_report_kind(struct loader *loader, const struct option *option, const struct node *node,
                        const char *expected);

#endif
