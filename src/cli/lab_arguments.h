/* The command line of `vif lab`. */
#ifndef CLI_LAB_ARGUMENTS_H
#define CLI_LAB_ARGUMENTS_H

#include "lab/run/run.h"

enum lab_action { LAB_ACTION_RUN, LAB_ACTION_LIST, LAB_ACTION_SERVE, LAB_ACTION_PAGE, LAB_ACTION_HELP };

struct lab_arguments {
    enum lab_action action;
    struct lab_options options;    /* of a run; without the callback */
    const char *out;               /* the folder for what a run writes */
    const char *page;              /* of LAB_ACTION_PAGE: a lab.json */
    const struct lab_model *model; /* of LAB_ACTION_SERVE */
    const char *folder;            /* likewise */
    uint16_t port;                 /* likewise */
};

/* Reads `words`, which end with NULL and outlive the arguments. `machine` bounds what is measured. False
 * where there was a mistake, which was told on standard error. */
bool lab_arguments_read(struct lab_arguments *arguments, const struct lab_machine *machine,
                        char *const *words) MUST_CHECK;

/* The names of what can be asked, in the order of enum lab_scenario, ending with NULL. */
extern const char *const lab_scenario_names[];

/* The help page: 24 lines of 80 columns at most. */
extern const char lab_help_text[];

#endif
