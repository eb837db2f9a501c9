/* The scenarios. Each starts the model, measures, and stops it. */
#ifndef LAB_RUN_SCENARIO_H
#define LAB_RUN_SCENARIO_H

#include "lab/run/result.h"
#include "lab/run/server.h"

struct scenario {
    const struct lab_machine *machine;
    const struct lab_settings *settings;
    const char *root; /* folder with the files named in background.h */
    struct watch *watch;
    struct lab_model_result *result; /* of the measured model; gets faults of the server */
};

/* Starts the scenario's model. On failure sets the fault in the result. */
bool scenario_start_server(const struct scenario *scenario, struct server *server) MUST_CHECK;

/* Scenarios that are loads, run once: they return whether there is a result. */

/* Maximum throughput on `connections` connections; also measures CPU time and context switches. */
bool scenario_throughput(const struct scenario *scenario, unsigned connections,
                         struct lab_point *ret_point) MUST_CHECK;

/* A few busy connections among many idle ones, `connections` in all. No result if the model cannot hold that
 * many. */
bool scenario_mostly_idle(const struct scenario *scenario, unsigned connections,
                          struct lab_point *ret_point) MUST_CHECK;

/* Fast clients alone, then together with slow ones. */
bool scenario_slow(const struct scenario *scenario, struct lab_pair *ret_pair) MUST_CHECK;

/* Requests at a constant rate; then the same with some to a handler that blocks. */
bool scenario_blocking(const struct scenario *scenario, struct lab_pair *ret_pair) MUST_CHECK;

/* Scenarios that hold connections: they fill in the scenario's result. */

/* Memory, threads and descriptors of idle connections. */
void scenario_idle(const struct scenario *scenario);

/* Adds connections until one gets no response. */
void scenario_limit(const struct scenario *scenario);

#endif
