/* The things that are asked of each model. Each starts the model anew, asks, and stops it. */
#ifndef LAB_RUN_SCENARIO_H
#define LAB_RUN_SCENARIO_H

#include "lab/run/result.h"
#include "lab/run/server.h"

struct scenario {
    const struct lab_machine *machine;
    const struct lab_settings *settings;
    const char *root; /* the folder with the files that crowd.h names */
    struct watch *watch;
    struct lab_model_result *result; /* of the model that it is about; a fault of the server is told there */
};

/* Starts the scenario's model; where that fails, the result says so. */
bool scenario_start_server(const struct scenario *scenario, struct server *server) MUST_CHECK;

/* Those that are loads, once: they return whether there is anything in what is to be filled. */

/* As many requests as are answered, on so many connections. The processor and the switches are looked at too.
 */
bool scenario_throughput(const struct scenario *scenario, unsigned connections,
                         struct lab_point *ret_point) MUST_CHECK;

/* A few connections that ask again and again among many that are idle, `connections` with both. Nothing where
 * the model does not hold so many. */
bool scenario_crowd(const struct scenario *scenario, unsigned connections,
                    struct lab_point *ret_point) MUST_CHECK;

/* Quick clients alone, then with slow ones beside them. */
bool scenario_slow(const struct scenario *scenario, struct lab_pair *ret_pair) MUST_CHECK;

/* Requests at a constant rate; then some of them to a handler that blocks. */
bool scenario_blocking(const struct scenario *scenario, struct lab_pair *ret_pair) MUST_CHECK;

/* Those that hold connections: what they find is in the scenario's result. */

/* Memory, threads and descriptors of connections that do nothing. */
void scenario_idle(const struct scenario *scenario);

/* More and more connections, until one gets no answer. */
void scenario_limit(const struct scenario *scenario);

#endif
