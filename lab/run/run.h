/* A run of the lab: all models through the scenarios. */
#ifndef LAB_RUN_RUN_H
#define LAB_RUN_RUN_H

#include "lab/run/result.h"
#include "lab/run/watch.h"

struct lab_options {
    struct lab_settings settings;
    const struct lab_model *models[LAB_MODELS_MAX];
    size_t model_count;
    lab_on_progress *on_progress; /* NULL: nobody looks */
    void *context;
};

/* The default settings of `vif lab` and `vif lab --quick`; `machine` limits the numbers of connections. */
void lab_settings_init(struct lab_settings *settings, bool is_quick, const struct lab_machine *machine);

/* The estimated duration of a run. */
unsigned lab_estimate_seconds(const struct lab_options *options);

/* Runs everything. The caller sets ret_result->machine before. SIGINT, SIGTERM or SIGHUP end the run and all
 * processes that it started; `ret_result` has what was measured until then. Returns 0, also after a signal;
 * -errno if it could not begin. */
int lab_run(const struct lab_options *options, struct lab_result *ret_result) MUST_CHECK;

#endif
