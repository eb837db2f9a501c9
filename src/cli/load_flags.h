/* The flags of `vif load`, read into a plan. */
#ifndef CLI_LOAD_FLAGS_H
#define CLI_LOAD_FLAGS_H

#include "cli/arguments.h"
#include "load/load.h"

struct load_flags {
    struct load_plan plan;
    struct buffer fields; /* what the plan's are */
    struct argument body_file;
    struct buffer body; /* what was in it */
    const char *json;   /* files to write; NULL: none */
    const char *svg;
};

/* Fills in everything but the address and the path: flags over defaults. Mistakes are told. load_flags_finish
 * afterwards. */
void load_flags_read(struct load_flags *wanted, const struct arguments *arguments);

void load_flags_finish(struct load_flags *wanted);

#endif
