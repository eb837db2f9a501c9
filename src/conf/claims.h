/* Texts that may be there only once: addresses, host names, prefixes of a site's routes. They are collected
 * while a configuration is read and compared at its end, when all are known. */
#ifndef CONF_CLAIMS_H
#define CONF_CLAIMS_H

#include "conf/diagnostics.h"

struct claim {
    const void *scope;   /* two claims of different scopes do not meet */
    const uint64_t *set; /* nor do two whose sets have nothing in common; 0 or NULL: everything. Looked at by
                            claims_check */
    const char *what;    /* the option, for the message */
    struct slice text;   /* borrowed */
    struct source_position position;
};

/* Empty when zeroed. */
struct claims {
    struct claim *list;
    size_t count;
    size_t capacity;
};

/* False without memory. What the claim points at must live until claims_check. */
bool claims_add(struct claims *claims, struct claim claim) MUST_CHECK;

/* Reports every claim that meets an earlier one. */
void claims_check(struct claims *claims, struct diagnostics *diagnostics);

void claims_finish(struct claims *claims);

#endif
