/* Files of folders: the handler of routes that serve some, and what all of them share. */
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
    struct close_queue close_queue; /* of files that the loop must not close */
    struct job_queue listings;      /* the jobs that read folders */
    struct folder_budget listing_budget;
    struct folder_shelf listing_shelf;
    unsigned cold_buffers; /* in use by file_source.c */
    unsigned archives;     /* being sent */
};

extern const struct handler_type files_handler;

/* Becomes the handler of the service's routes of files. `limits` are borrowed for the call. Returns 0 or
 * -ENOMEM. */
int files_handler_init(struct files *files, struct service *service, const struct limits *limits) MUST_CHECK;

/* The loop was settled: no job is under way. Retires the roots of the last snapshot. */
void files_handler_finish(struct files *files, const struct snapshot *last);

/* New requests get `next` instead of `former`. What the cache has beneath roots of both stays; of roots that
 * only the former one has nothing is found in it any more. */
void files_handler_take_snapshot(struct files *files, const struct snapshot *former,
                                 const struct snapshot *next);

/* What the route says of files, or the one that the error page of a response is from. */
static inline const struct files_settings *files_settings_of(const struct exchange *exchange)
{
    return &exchange->route_entry->files_entry->route->files;
}

/* Where the look has found that the root's path leads elsewhere, it is served from there from now on. Files
 * that are open already are not touched by that. */
void files_move_root(struct files *files, struct root *root, struct root_look *look);

static inline struct files *files_of(const struct exchange *exchange)
{
    return exchange->service->handlers[ROUTE_FILES].state;
}

#endif
