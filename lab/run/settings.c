/* The two runs that have a name. Their figures are a compromise: the quick one takes about five minutes
 * for twenty models on two cores, the full one about twenty.
 *
 * The rates are what every model can do on a slow core, or the scenario would show an overload. One request
 * in 100 that blocks 50 ms, at 1,000 a second, blocks half of the time of a loop that waits for it. */
#include "lab/run/run.h"

/* Of this process: its files, its pipes, what background clients and loop need for themselves. */
#define OWN_DESCRIPTORS 100

void lab_settings_init(struct lab_settings *settings, bool is_quick, const struct lab_machine *machine)
{
    size_t clients_max = machine->descriptors_max > 2 * OWN_DESCRIPTORS
                             ? machine->descriptors_max - OWN_DESCRIPTORS
                             : OWN_DESCRIPTORS;
    *settings = (struct lab_settings){
        .is_quick = is_quick,
        .scenarios = LAB_SCENARIO_EVERY,
        .rounds = 3,
        .warm_up_ms = is_quick ? 50 : 300,
        .duration_ms = is_quick ? 200 : 1000,
        .answer_timeout_ms = is_quick ? 500 : 1000,
        .throughput_timeout_ms = is_quick ? 1500 : 3000,
        .idle_connections = 1000,
        .busy_connections = 10,
        .slow_fast_connections = 20,
        .slow_requests_per_s = 2000,
        .slow_drip_clients = 40,
        .slow_read_clients = 40,
        .blocking_connections = 20,
        .blocking_requests_per_s = 1000,
        .blocking_one_in = 100,
        .limit_connections = (unsigned)MIN(clients_max, is_quick ? (size_t)5000 : (size_t)20000),
    };
    /* 900 is within what select can watch. */
    const unsigned totals[] = {100, 900, 10000};
    for (size_t i = is_quick; i < ARRAY_LENGTH(totals) - is_quick; i++) {
        if (totals[i] <= clients_max)
            settings->mostly_idle_connections[settings->mostly_idle_count++] = totals[i];
    }
    const unsigned most = is_quick ? 1000 : 10000;
    for (unsigned connections = 1; connections <= most && connections <= clients_max; connections *= 10)
        settings->connections[settings->connection_count++] = connections;
}
