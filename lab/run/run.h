/* A run of the lab: models, by turns, through the scenarios. */
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

/* What `vif lab` and `vif lab --quick` measure; `machine` bounds the connections. */
void lab_settings_init(struct lab_settings *settings, bool is_quick, const struct lab_machine *machine);

/* How long a run should take: in practice about as much. */
unsigned lab_estimate_seconds(const struct lab_options *options);

/* Runs everything. SIGINT, SIGTERM or SIGHUP end it soon: every process that it started is gone then too, and
 * what was measured is in `ret_result`, whose `machine` the caller has described before. Returns 0, also
 * after that; -errno where it could not begin. */
int lab_run(const struct lab_options *options, struct lab_result *ret_result) MUST_CHECK;

#endif
