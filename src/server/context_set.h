/* The TLS contexts that some settings ask for, loaded from their files, and what these files were like. It
 * knows no loop and logs nothing: the master has one, which workers inherit, each worker keeps its own up to
 * date, and the pool may load one. Only one thread at a time may use it. */
#ifndef SERVER_CONTEXT_SET_H
#define SERVER_CONTEXT_SET_H

#include "base/compiler.h"

struct context_set;

#ifdef HAVE_TLS

#include "server/tls_plan.h"

struct tls_context;
struct tls_report;

/* A context, and what was seen of its files. */
struct kept_context {
    const struct planned_context *planned;
    struct tls_context *context; /* NULL: not loaded */
    uint64_t taken;              /* the digest of what was read last, with success or without */
    uint64_t seen;               /* of what was seen last, if it is another */
    /* Of the last reading, until kept_context_forget: */
    int error;
    struct tls_context *renewed; /* to take the place of `context` */
    struct tls_report *report;   /* NULL: nothing was read, or -ENOMEM */
};

struct context_set {
    struct settings *settings;
    struct tls_plan plan;
    struct kept_context *contexts; /* as many as the plan has */
};

/* What is to be loaded. A reference to the settings is taken; the ticket keys, NULL for no tickets, outlive
 * all connections. Returns 0, with NULL where no listener speaks TLS, or -ENOMEM. */
int context_set_create(struct settings *settings, const struct tls_ticket_keys *ticket_keys,
                       struct context_set **ret_set) MUST_CHECK;

/* Reads all files; blocks. Returns 0, ERROR_REFUSED or -ENOMEM; the reports of all contexts are there in any
 * case. NULL: there is nothing to read. */
int context_set_load(struct context_set *set) MUST_CHECK;

/* Looks at the files, and reads those that have changed and were the same at the last look; blocks. Whatever
 * it read is in `renewed`, `report` and `error`. Returns whether something should be looked at again soon. */
bool context_set_look(struct context_set *set) MUST_CHECK;

/* Reads what has changed at once, for whoever knows that it is whole, and takes it up where it is good. No
 * report is left. Blocks. NULL is ignored. */
void context_set_refresh(struct context_set *set);

/* Whether the last look read something for this one. */
static inline bool kept_context_was_read(const struct kept_context *kept)
{
    return kept->report != NULL || kept->error != 0;
}

/* What was renewed takes its place. Returns the former one, whose reference is the caller's. */
struct tls_context *kept_context_replace(struct kept_context *kept);

/* Gives back what the last reading left. */
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
