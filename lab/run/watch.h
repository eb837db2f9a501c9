/* Handles Ctrl-C and the progress line during long operations. Everything in lab/run that waits uses it, so
 * that an interruption is noticed within a tenth of a second. */
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
    uint64_t rest_ms; /* estimate for the whole run */
};

typedef void lab_on_progress(void *context, const struct lab_progress *progress);

struct watch {
    int signal_fd; /* SIGINT, SIGTERM and SIGHUP, which are blocked */
    bool was_interrupted;
    lab_on_progress *on_progress; /* NULL: nobody looks */
    void *context;
    struct lab_progress progress;
    uint64_t step_end_ns; /* CLOCK_MONOTONIC: expected end of this step */
    uint64_t later_ms;    /* expected duration of later steps */
};

/* Waits until `fd` (-1: none) is readable, at most `timeout_ms`, and reports progress. Returns false at once
 * after an interruption, and in all later calls: the caller must then return. */
bool watch_wait(struct watch *watch, int fd, int timeout_ms);

#endif
