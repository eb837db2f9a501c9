/* A whole configuration: what the master needs (listeners, workers, logs) and the settings of the workers.
 *
 * Immutable once loaded. Its slices are in the arena of its settings; a NUL follows each, so that paths can
 * be passed to the kernel. */
#ifndef CONF_CONFIG_H
#define CONF_CONFIG_H

#include "base/log.h"
#include "log/access_log.h"
#include "loop/loop.h"
#include "settings/settings.h"

struct config {
    struct settings *settings;           /* the config owns one reference */
    struct listener_settings *listeners; /* those of the settings */
    size_t listener_count;
    struct slice *includes; /* as written; their content is already included */
    size_t include_count;
    struct {
        struct slice mode; /* these three are decimal numbers; empty: not changed */
        struct slice owner;
        struct slice group;
    } unix_socket;
    unsigned workers; /* 0: one per core that the process may use */
    enum loop_backend backend;
    struct {
        struct slice path; /* empty: no access log; "-": standard output */
        enum access_log_format format;
    } access_log;
    struct {
        struct slice path; /* "-": standard error */
        enum log_level level;
    } error_log;
};

#endif
