/* The flags of `vif lab`, read into what is to be done. */
#ifndef CLI_LAB_FLAGS_H
#define CLI_LAB_FLAGS_H

#include "cli/arguments.h"
#include "lab/run/run.h"

enum lab_action { LAB_ACTION_RUN, LAB_ACTION_LIST, LAB_ACTION_SERVE, LAB_ACTION_PAGE };

struct lab_flags {
    enum lab_action action;
    struct lab_options options;    /* of a run; without the callback */
    const char *out;               /* the folder for what a run writes */
    const char *page;              /* of LAB_ACTION_PAGE: a lab.json */
    const struct lab_model *model; /* of LAB_ACTION_SERVE */
    const char *folder;            /* likewise */
    uint16_t port;                 /* likewise */
};

/* What --scenarios takes, ending with NULL. */
extern const char *const lab_scenario_names[];

/* Fills in everything: flags over defaults. `machine` bounds what is measured. Mistakes are told. */
void lab_flags_read(struct lab_flags *wanted, const struct lab_machine *machine,
                    const struct arguments *arguments);

#endif
