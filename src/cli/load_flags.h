/* Reads the flags of `vif load` into a plan. */
#ifndef CLI_LOAD_FLAGS_H
#define CLI_LOAD_FLAGS_H

#include "cli/arguments.h"
#include "load/load.h"

struct load_flags {
    struct load_plan plan;
    struct buffer fields; /* storage of the plan's headers */
    struct argument body_file;
    struct buffer body; /* content of body_file */
    const char *json;   /* files to write; NULL: none */
    const char *svg;
};

/* Fills in everything but the address and the path, from flags and defaults. Mistakes are added to the
 * diagnostics. Call load_flags_finish afterwards. */
void load_flags_read(struct load_flags *wanted, const struct arguments *arguments);

void load_flags_finish(struct load_flags *wanted);

#endif
