/* Finds duplicates of texts that must be unique: addresses, host names, prefixes of a site's routes. They are
 * collected while a configuration is read and compared at the end. */
#ifndef CONF_CLAIMS_H
#define CONF_CLAIMS_H

#include "conf/diagnostics.h"

struct claim {
    const void *scope;   /* claims of different scopes do not conflict */
    const uint64_t *set; /* nor do two with disjoint sets; 0 or NULL: the full set. Read by claims_check */
    const char *what;    /* name of the option, for the message */
    struct slice text;   /* borrowed */
    struct source_position position;
};

/* Empty when zeroed. */
struct claims {
    struct claim *list;
    size_t count;
    size_t capacity;
};

/* Adds a claim. What it points to must live until claims_check. Returns false if out of memory. */
bool claims_add(struct claims *claims, struct claim claim) MUST_CHECK;

/* Reports every claim that conflicts with an earlier one. */
void claims_check(struct claims *claims, struct diagnostics *diagnostics);

void claims_finish(struct claims *claims);

#endif
