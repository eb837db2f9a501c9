/* The handler of routes that serve files, and the state shared by all of them. */
#ifndef FILES_FILES_H
#define FILES_FILES_H

#include "disk/close_queue.h"
#include "disk/file_cache.h"
#include "disk/folder_shelf.h"
#include "loop/job_queue.h"
#include "serve/exchange.h"
#include "serve/service.h"

/* The state of files_handler. */
struct files {
    struct file_cache *cache;
    struct close_queue close_queue; /* for files that the loop must not close */
    struct job_queue listings;      /* for jobs that read folders */
    struct folder_budget listing_budget;
    struct folder_shelf listing_shelf;
    unsigned cold_buffers; /* in use, see file_source.c */
    unsigned archives;     /* number being sent */
};

extern const struct handler_type files_handler;

/* Registers as the handler of the service's file routes. `limits` are borrowed for the call. Returns 0 or
 * -ENOMEM. */
int files_handler_init(struct files *files, struct service *service, const struct limits *limits) MUST_CHECK;

/* No job may be running: see loop_finish_jobs. Retires the roots of the last snapshot (NULL:
 * there was none). */
void files_handler_finish(struct files *files, const struct snapshot *last);

/* New requests use `next` instead of `former`. Cached files of roots that are in both stay; those of roots
 * only in `former` are dropped. */
void files_handler_take_snapshot(struct files *files, const struct snapshot *former,
                                 const struct snapshot *next);

/* The file settings of the exchange's route (or of the route whose error page is sent). */
static inline const struct files_settings *files_settings_of(const struct exchange *exchange)
{
    return &exchange->route_entry->files_entry->route->files;
}

/* If the look found that the root's path leads elsewhere, serves from there from now on. Files that are
 * already open are not affected. */
void files_move_root(struct files *files, struct root *root, struct root_look *look);

static inline struct files *files_of(const struct exchange *exchange)
{
    return exchange->service->handlers[ROUTE_FILES].state;
}

#endif
