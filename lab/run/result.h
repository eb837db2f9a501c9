/* The results of a run of the lab: flat structs, filled by lab/run and shown by lab/report. Each figure has
 * its unit in its name; a double that could not be measured is NAN, shown as null in JSON and as a dash
 * elsewhere. */
#ifndef LAB_RUN_RESULT_H
#define LAB_RUN_RESULT_H

#include "lab/model.h"

#include <sched.h>
#include <stddef.h>
#include <stdint.h>

#define LAB_POINTS_MAX 8
#define LAB_ROUNDS_MAX 9
#define LAB_MODELS_MAX 32
#define LAB_TEXT_MAX   160

/* The scenarios, in the order of their execution. */
enum lab_scenario {
    LAB_SCENARIO_THROUGHPUT = 1,
    LAB_SCENARIO_IDLE = 2,
    LAB_SCENARIO_MOSTLY_IDLE = 4,
    LAB_SCENARIO_SLOW = 8,
    LAB_SCENARIO_BLOCKING = 16,
    LAB_SCENARIO_LIMIT = 32,
    LAB_SCENARIO_EVERY = 63,
};

/* The machine, and how its cores are divided. */
struct lab_machine {
    char cpu[96];
    char kernel[96];
    unsigned cores; /* available to this process */
    cpu_set_t server_cores;
    cpu_set_t client_cores; /* the same if there is only one core */
    uint64_t memory_bytes;
    size_t descriptors_max;
    double load_average_before;
};

struct lab_settings {
    bool is_quick;
    bool is_custom; /* neither the quick run nor the full one */
    unsigned scenarios;
    unsigned connections[LAB_POINTS_MAX]; /* ascending */
    size_t connection_count;
    unsigned rounds; /* measurements of each load, at most LAB_ROUNDS_MAX */
    unsigned warm_up_ms;
    unsigned duration_ms;           /* of a load, in each round */
    unsigned answer_timeout_ms;     /* how long a client waits, except */
    unsigned throughput_timeout_ms; /* for throughput, where clients wait for one another */
    unsigned idle_connections;
    unsigned busy_connections;                        /* among idle ones */
    unsigned mostly_idle_connections[LAB_POINTS_MAX]; /* busy and idle ones together, ascending */
    size_t mostly_idle_count;
    unsigned slow_fast_connections;
    unsigned slow_requests_per_s;
    unsigned slow_drip_clients;
    unsigned slow_read_clients;
    unsigned blocking_connections;
    unsigned blocking_requests_per_s;
    unsigned blocking_one_in; /* one in so many requests blocks */
    unsigned limit_connections;
};

/* The clients' measurements. Over several rounds: medians, except for the maximum latency; and sums of
 * counts. */
struct lab_load_figures {
    uint64_t requests; /* answered in the measured time */
    double requests_per_s;
    double requests_per_s_least; /* of the rounds */
    double requests_per_s_most;
    double latency_p50_us;
    double latency_p99_us;
    double latency_p999_us;
    double latency_max_us;
    uint64_t requests_unanswered;  /* of those due; including those that no connection was free to send */
    uint64_t errors;               /* of these, failures seen by a client */
    char error_text[LAB_TEXT_MAX]; /* empty without errors */
    bool is_client_bound;          /* the clients' cores were saturated: the server could do more */
    bool is_client_late;           /* clients had no core when requests were due: latency is partly theirs */
};

/* Resource usage of all processes and threads of the model. */
struct lab_usage_figures {
    double cpu_us_per_request;
    double cpu_us_least; /* least and most of the rounds */
    double cpu_us_most;
    double system_cpu_share; /* of that, 0 to 1 */
    double cores_used;
    double voluntary_switches_per_request;
    double involuntary_switches_per_request;
    unsigned processes;
    unsigned threads; /* in all processes */
};

struct lab_point {
    unsigned connections;
    struct lab_load_figures load;
    struct lab_usage_figures usage;
    double others_share; /* CPU share of other programs, 0 to 1, in the worst round */
};

/* Usage per idle connection, without the socket itself, which all models need. */
struct lab_idle_figures {
    unsigned connections;               /* 0: not measured */
    double memory_bytes_per_connection; /* private and dirty */
    double page_table_bytes_per_connection;
    double kernel_stack_bytes_per_connection;
    double threads_per_connection;
    double processes_per_connection;
    double descriptors_per_connection;
    double memory_bytes_before; /* of the whole model without connections */
};

/* The same load without and with the disturbance. */
struct lab_pair {
    bool is_measured;
    struct lab_load_figures without;
    struct lab_load_figures with;
    struct lab_load_figures blocked; /* in the blocking scenario: the requests that block */
    double others_share;             /* as above */
};

struct lab_limit_figures {
    bool is_measured;
    unsigned connections; /* answered and held concurrently */
    bool has_held_all;    /* it held all that were tried */
    char how[LAB_TEXT_MAX];
};

struct lab_model_result {
    const struct lab_model *model;
    const char *unavailable;  /* why nothing was measured, or NULL */
    char fault[LAB_TEXT_MAX]; /* did not start, ended by itself, or could not be stopped; else empty */
    struct lab_point points[LAB_POINTS_MAX];
    size_t point_count;
    struct lab_idle_figures idle;
    struct lab_point mostly_idle[LAB_POINTS_MAX];
    size_t mostly_idle_count;
    struct lab_pair slow;
    struct lab_pair blocking;
    struct lab_limit_figures limit;
};

/* About 100 KiB. */
struct lab_result {
    struct lab_machine machine;
    struct lab_settings settings;
    int64_t started_ns; /* since 1970 */
    double duration_s;
    double others_share; /* CPU share of other programs in the whole run */
    bool was_interrupted;
    struct lab_model_result models[LAB_MODELS_MAX];
    size_t model_count;
};

#endif
