/* Whether requests fail more often than before: the figures behind `vif reload --watch`.
 *
 * A sample is kept every few seconds, so that there is always a "before" of up to a minute. */
#ifndef PROC_ERROR_WATCH_H
#define PROC_ERROR_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ERROR_WATCH_SAMPLES     12
#define ERROR_WATCH_INTERVAL_MS 5000

/* Counts since the start, or within a time. */
struct error_figures {
    uint64_t requests;
    uint64_t errors;
};

struct error_watch {
    struct error_figures samples[ERROR_WATCH_SAMPLES]; /* a ring; zeroed: since the start */
    size_t next;
    uint64_t next_ms;
};

/* Takes a sample if one is due. */
void error_watch_look(struct error_watch *watch, const struct error_figures *now, uint64_t now_ms);

/* Forgets what was before: errors of settings that were given up are no measure for the next ones. */
void error_watch_restart(struct error_watch *watch, const struct error_figures *now);

/* What has come since the oldest sample. */
struct error_figures error_watch_before(const struct error_watch *watch, const struct error_figures *now);

struct error_figures error_figures_since(const struct error_figures *then, const struct error_figures *now);

/* The share of errors, from 0 to 1. */
double error_figures_share(const struct error_figures *figures);

/* Whether errors have clearly become more: five or more, with more than twice the share from before, and
 * more than one percent of all requests above it. */
bool error_figures_are_worse(const struct error_figures *before, const struct error_figures *after);

#endif
