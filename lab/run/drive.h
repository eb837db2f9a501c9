/* Runs one load on a server: load_run in a child process on the clients' cores, while the runner measures the
 * server's resource usage. */
#ifndef LAB_RUN_DRIVE_H
#define LAB_RUN_DRIVE_H

#include "lab/run/background.h"
#include "lab/run/result.h"
#include "lab/run/tree.h"
#include "load/load.h"

struct drive {
    const struct load_plan *plan;
    const struct lab_machine *machine;
    pid_t server;               /* process group to measure */
    struct background *slow[2]; /* slow clients stepped meanwhile; NULL: none */
    struct watch *watch;
};

/* Measurements of a load. Responses and usage cover the same interval, inside the plan's measured time;
 * context switches cover one that ends slightly later. */
struct drive_result {
    struct load_result *load; /* drive_result_finish frees it; NULL after a failure */
    int error;                /* of load_run: 0 or -errno */
    uint64_t answers;
    struct tree_usage before;
    struct tree_usage after;
    uint64_t switches_answers; /* until the last response: no connection or thread ends before */
    struct tree_switches switches_before;
    struct tree_switches switches_after;
};

/* Interval, in milliseconds, at which the plan must report progress: each report triggers a measurement of
 * the server. */
unsigned drive_note_ms(const struct load_plan *plan);

/* Runs the load. Returns false after an interruption or if no child could be created; `ret_result` is set as
 * far as possible in any case. */
bool drive_run(const struct drive *drive, struct drive_result *ret_result) MUST_CHECK;

void drive_result_finish(struct drive_result *result);

/* The figures of target number `target` of the plan, or of all targets together (-1). */
void drive_load_figures(const struct drive_result *result, int target, struct lab_load_figures *ret_figures);

void drive_usage_figures(const struct drive_result *result, struct lab_usage_figures *ret_figures);

#endif
