/* The access logs of sites, by the paths of their files. A log stays until the set ends, since requests of
 * earlier settings may still be under way. */
#ifndef LOG_ACCESS_LOG_SET_H
#define LOG_ACCESS_LOG_SET_H

#include "log/access_log.h"

struct access_log_set {
    struct access_log_named {
        struct slice path; /* with a NUL behind it; the set's own copy */
        struct access_log *log;
    } * items;
    size_t count;
};

/* The log of that path, or NULL. */
struct access_log *access_log_set_find(const struct access_log_set *set, struct slice path);

/* Adds a log, which the set owns from then on. Returns 0 or -ENOMEM; the log is the caller's then. */
int access_log_set_add(struct access_log_set *set, struct slice path, struct access_log *log) MUST_CHECK;

/* See access_log_destroy. */
void access_log_set_finish(struct access_log_set *set);

#endif
