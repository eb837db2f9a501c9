/* The last changes of the configuration, in memory that the master writes and its workers read: for the page
 * of a listener for metrics. */
#ifndef LOG_RELOAD_HISTORY_H
#define LOG_RELOAD_HISTORY_H

#include "base/slice.h"
#include "log/shared_copy.h"

#include <stdint.h>

#define RELOADS_KEPT      8
#define RELOAD_TEXT_BYTES 1000

struct reload_record {
    int64_t when_seconds; /* since 1970; 0: no reload */
    unsigned generation;  /* in force since then */
    char result[16];
    char text[RELOAD_TEXT_BYTES]; /* what has changed, or what was wrong: lines, each with its line feed */
};

/* Zeroed at first. */
struct reload_history {
    atomic_uint version;
    struct reload_record list[RELOADS_KEPT]; /* the newest first */
};

/* Adds one, in place of the oldest. Of `text`, which is what `vif reload` prints, only changes and mistakes
 * are kept: no warnings, and no lines of the file, as these may have secrets. */
void reload_history_add(struct reload_history *history, int64_t when_seconds, unsigned generation,
                        const char *result, struct slice text);

#endif
