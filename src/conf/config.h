/* A whole configuration: what the master needs (listeners, workers, logs) and the settings that the workers
 * serve by.
 *
 * One loaded value is immutable. Its slices live in the arena of its settings; the slices are NUL-terminated
 * behind their end so that paths can be handed to the kernel. */
#ifndef CONF_CONFIG_H
#define CONF_CONFIG_H

#include "base/log.h"
#include "log/access_log.h"
#include "loop/loop.h"
#include "settings/settings.h"

struct config {
    struct settings *settings;           /* one reference is the config's */
    struct listener_settings *listeners; /* those of the settings */
    size_t listener_count;
    struct slice *includes; /* as written; what is in those files is here already */
    size_t include_count;
    struct {
        struct slice mode; /* these are decimal numbers; empty: as it comes */
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
