/* Reads the flags of `vif lab`. */
#ifndef CLI_LAB_FLAGS_H
#define CLI_LAB_FLAGS_H

#include "cli/arguments.h"
#include "lab/run/run.h"

enum lab_action { LAB_ACTION_RUN, LAB_ACTION_LIST, LAB_ACTION_SERVE, LAB_ACTION_PAGE };

struct lab_flags {
    enum lab_action action;
    struct lab_options options;    /* of a run, except the callback */
    const char *out;               /* output folder of a run */
    const char *page;              /* of LAB_ACTION_PAGE: a lab.json */
    const struct lab_model *model; /* of LAB_ACTION_SERVE */
    const char *folder;            /* likewise */
    uint16_t port;                 /* likewise */
};

/* The possible values of --scenarios, ending with NULL. */
extern const char *const lab_scenario_names[];

/* Fills in all members from flags and defaults. `machine` limits the sizes of measurements. Mistakes are
 * added to the diagnostics. */
void lab_flags_read(struct lab_flags *wanted, const struct lab_machine *machine,
                    const struct arguments *arguments);

#endif
