/* One load on a server: load_run in a child process on the clients' cores, while the runner reads what the
 * server uses. */
#ifndef LAB_RUN_DRIVE_H
#define LAB_RUN_DRIVE_H

#include "lab/run/crowd.h"
#include "lab/run/result.h"
#include "lab/run/tree.h"
#include "load/load.h"

struct drive {
    const struct load_plan *plan;
    const struct lab_machine *machine;
    pid_t server;          /* process group, to be measured */
    struct crowd *slow[2]; /* clients that are moved meanwhile; NULL: none */
    struct watch *watch;
};

/* What was measured around the load. Answers and usage are of the same stretch of time, which lies inside the
 * window of the plan; that of the switches ends a little behind it. */
struct drive_result {
    struct load_result *load; /* drive_result_finish frees it; NULL after a failure */
    int error;                /* of load_run: 0 or -errno */
    uint64_t answers;
    struct tree_usage before;
    struct tree_usage after;
    uint64_t switches_answers; /* until the last one is in: up to then no connection ends, and no thread */
    struct tree_switches switches_before;
    struct tree_switches switches_after;
};

/* How often the plan of a drive is to tell its progress: it is what the looks at the server hang on. */
unsigned drive_note_ms(const struct load_plan *plan);

/* Runs it. False after an interruption, or where no child could be had; what there is is in `ret_result` in
 * any case. */
bool drive_run(const struct drive *drive, struct drive_result *ret_result) MUST_CHECK;

void drive_result_finish(struct drive_result *result);

/* The figures of target `target` of the plan, or of all of them together (-1). */
void drive_load_figures(const struct drive_result *result, int target, struct lab_load_figures *ret_figures);

void drive_usage_figures(const struct drive_result *result, struct lab_usage_figures *ret_figures);

#endif
