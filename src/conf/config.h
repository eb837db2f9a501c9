/* A whole configuration: what the master needs (listeners, workers, logs) and the settings of the workers.
 *
 * Immutable once loaded. Its slices are in the arena of its settings; a NUL follows each, so that paths can
 * be passed to the kernel. */
#ifndef CONF_CONFIG_H
#define CONF_CONFIG_H

#include "base/log.h"
#include "log/access_log.h"
#include "log/log_rotation.h"
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
    struct slice user; /* that workers become, if vif is started as root: "1000:1000"; empty: the default */
    bool sandbox;      /* workers give up what they do not need */
    unsigned workers;  /* 0: one per core that the process may use */
    enum loop_backend backend;
    struct access_log_settings access_log;
    struct {
        struct slice path; /* "-": standard error */
        enum log_level level;
    } error_log;
    struct log_rotation_rules rotation; /* of all logs that are files */
};

/* The paths of all logs, one after the other, some more than once; `*at` is 0 at first. Returns false, with
 * an empty path, behind the last one. */
static inline bool config_next_log(const struct config *config, size_t *at, struct slice *ret_path)
{
    *ret_path = (struct slice){0};
    while (ret_path->length == 0 && *at < config->settings->site_count + 2) {
        size_t i = (*at)++;
        *ret_path = i == 0   ? config->access_log.path
                    : i == 1 ? config->error_log.path
                             : config->settings->sites[i - 2].log.path;
    }
    return ret_path->length > 0;
}

#endif
