/* Shared by the parts of loading: load.c (sections), values.c (values of options) and server_file.c (servers
 * of a file of their own). */
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
    void *objects[OBJECT_COUNT]; /* the objects being filled */
    const struct node *scope;    /* the site within which prefixes must be unique, or NULL */
    bool out_of_memory;
};

/* Reads the value of an option that is not a section into its target. Mistakes are added to the diagnostics;
 * the target is undefined then. */
void loader_read_value(struct loader *loader, const struct option *option, const struct node *node);

/* Reads a list of sections, an OPTION_SECTIONS, into its target, behind what is there. Mistakes are added to
 * the diagnostics. */
void loader_read_sections(struct loader *loader, const struct option *option, const struct node *node);

/* Reads a text by its rule into the settings' arena. Returns false after adding a mistake. */
bool loader_read_text(struct loader *loader, const struct option *option, const struct text_rule *rule,
                      const struct node *node, struct slice *ret_text);

/* Writes a number into the target. */
void loader_store(struct loader *loader, const struct option *option, uint64_t value);

/* Appends `extra` zeroed items to the target array; returns the first of them, or NULL if out of memory. */
char *loader_grow(struct loader *loader, const struct option *option, size_t extra);

/* Checks the number of items; adds a mistake and returns false if it is not allowed. `noun` is "list" or
 * "map". */
bool loader_check_count(struct loader *loader, const struct option *option, const struct node *node,
                        const char *noun) MUST_CHECK;

/* Allocates `count` zeroed items in the settings' arena; on failure returns NULL and sets out_of_memory. */
void *loader_allocate(struct loader *loader, size_t count, size_t size);

/* Adds a claim for the text if the option must be unique. `text` is in the settings' arena. */
void loader_claim(struct loader *loader, const struct option *option, struct slice text,
                  const struct node *node);

/* "files.listing", for messages. Returns `buffer`. */
const char *loader_option_name(const struct option *option, char buffer[OPTION_TEXT_MAX]);

/* Describes a node, for "expected …, not …". May use `buffer`. */
const char *loader_found(const struct node *node, char buffer[OPTION_TEXT_MAX]);

/* Adds the mistake that something else was expected. */
void loader_report_kind(struct loader *loader, const struct option *option, const struct node *node,
                        const char *expected);

#endif
