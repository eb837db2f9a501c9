/* The TLS contexts of some settings, loaded from their files, and the state of these files. Uses no loop and
 * logs nothing. The master has a set, which workers inherit; each worker keeps its own up to date; the
 * offload pool may load one. Only one thread at a time may use it. */
#ifndef SERVER_CONTEXT_SET_H
#define SERVER_CONTEXT_SET_H

#include "base/compiler.h"

struct context_set;

#ifdef HAVE_TLS

#include "server/tls_plan.h"

struct file_alarm;
struct tls_context;
struct tls_report;

/* A context, and the observed state of its files. */
struct kept_context {
    const struct planned_context *planned;
    struct tls_context *context; /* NULL: not loaded */
    uint64_t taken;              /* digest of the files' status when last read, successfully or not */
    uint64_t seen;               /* digest at the last look, if different */
    /* Result of the last reading, until kept_context_forget: */
    int error;
    struct tls_context *renewed; /* replaces `context`: kept_context_replace */
    struct tls_report *report;   /* NULL: nothing was read, or out of memory */
};

struct context_set {
    struct settings *settings;
    struct tls_plan plan;
    struct kept_context *contexts; /* as many as the plan has */
};

/* Creates a set without loading it. Takes a reference to the settings; the ticket keys (NULL: no tickets)
 * must outlive all connections. Returns 0, with NULL if nothing uses TLS, or -ENOMEM. */
int context_set_create(struct settings *settings, struct tls_tickets *tickets,
                       struct context_set **ret_set) MUST_CHECK;

/* Reads all files; blocks. Returns 0, ERROR_REFUSED or -ENOMEM; all contexts have their reports in any case.
 * NULL: returns 0. */
int context_set_load(struct context_set *set) MUST_CHECK;

/* Watches all files by the alarm. Returns whether each change will be noticed. Blocks. */
bool context_set_watch(const struct context_set *set, const struct file_alarm *alarm) MUST_CHECK;

/* Checks the files for changes, and reads those that have changed since they were read but not since the last
 * check; blocks. The results are in `renewed`, `report` and `error`. Returns true if something should be
 * checked again soon. */
bool context_set_look(struct context_set *set) MUST_CHECK;

/* Reads all changed files at once and puts good ones into effect, without a report. For callers that know the
 * files are complete. Blocks. NULL is ignored. */
void context_set_refresh(struct context_set *set);

/* Whether the last check read files of this context. */
static inline bool kept_context_was_read(const struct kept_context *kept)
{
    return kept->report != NULL || kept->error != 0;
}

/* The most important of its files, for the log. */
const char *kept_context_file(const struct kept_context *kept);

/* Replaces `context` by `renewed`. Returns the former context; the caller owns its reference. */
struct tls_context *kept_context_replace(struct kept_context *kept);

/* Frees the results of the last reading. */
void kept_context_forget(struct kept_context *kept);

/* NULL is ignored. */
void context_set_destroy(struct context_set *set);

#else

static inline int context_set_load(struct context_set *set)
{
    (void)set;
    return 0;
}

static inline void context_set_destroy(struct context_set *set)
{
    (void)set;
}

#endif

#endif
