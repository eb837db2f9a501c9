/* What `vif top` knows of a server at one moment: the answer to the command "figures", see
 * proc/master_figures.c. */
#ifndef CLI_TOP_SAMPLE_H
#define CLI_TOP_SAMPLE_H

#include "log/counters.h"

#include "base/slice.h"

#define TOP_WORKERS_MAX 1024

struct top_worker {
    unsigned pid;
    char state[12];
    unsigned generation;
    uint64_t requests;
    uint64_t bytes;
    uint64_t open;
    uint64_t idle;
};

struct top_sample {
    char version[32];
    char serves[256];
    uint64_t pid;
    uint64_t now_ms; /* the server's monotonic clock */
    uint64_t up_ms;
    uint64_t generation;
    struct counters sums; /* of all workers; durations[0] has those of all statuses */
    struct top_worker workers[TOP_WORKERS_MAX];
    size_t worker_count;
};

/* Reads an answer; words that it does not know are skipped. Returns false if it has no time. */
bool top_sample_read(struct top_sample *sample, struct slice answer) MUST_CHECK;

/* The worker with that process id in a sample; NULL: there is none. */
const struct top_worker *top_sample_worker(const struct top_sample *sample, unsigned pid);

/* The bound, in microseconds, that this share of the durations between two samples does not exceed;
 * UINT64_MAX: they exceed all bounds; 0: there are none. */
uint64_t top_percentile_us(const struct top_sample *before, const struct top_sample *now, double share);

#endif
