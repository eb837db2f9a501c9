/* The runner's ear while something takes time: Ctrl-C, and the progress line. Everything in lab/run that
 * waits does it here or asks here, so that an interruption is heard within a tenth of a second. */
#ifndef LAB_RUN_WATCH_H
#define LAB_RUN_WATCH_H

#include "base/compiler.h"

#include <stdbool.h>
#include <stdint.h>

/* For a progress line. */
struct lab_progress {
    const char *model;
    const char *scenario; /* "throughput, 100 connections" */
    unsigned round;       /* from 1 */
    unsigned step;        /* from 1, of the whole run */
    unsigned step_count;
    uint64_t rest_ms; /* of the whole run, about */
};

typedef void lab_on_progress(void *context, const struct lab_progress *progress);

struct watch {
    int signal_fd; /* SIGINT, SIGTERM and SIGHUP, which are blocked */
    bool was_interrupted;
    lab_on_progress *on_progress; /* NULL: nobody looks */
    void *context;
    struct lab_progress progress;
    uint64_t step_end_ns; /* CLOCK_MONOTONIC: when this step should be over */
    uint64_t later_ms;    /* what the steps behind it should take */
};

/* Waits until `fd` (-1: nothing) is readable, at most `timeout_ms`. Tells progress. False after an
 * interruption, at once and ever after; who gets it goes home. */
bool watch_wait(struct watch *watch, int fd, int timeout_ms);

#endif
