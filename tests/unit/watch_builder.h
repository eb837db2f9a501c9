/* Watching the folders of a path in one go, as a request does in three steps. */
#ifndef TESTS_UNIT_WATCH_BUILDER_H
#define TESTS_UNIT_WATCH_BUILDER_H

#include "disk/file_cache.h"
#include "disk/file_watch.h"

static inline struct watch_ticket watch_folders(struct file_watch *watch, struct root *root,
                                                struct slice path)
{
    struct watch_plan plan;
    struct watch_ticket ticket = file_watch_cover(root, path);
    if (ticket.folder != 0 || !file_watch_plan(watch, root, path, &plan))
        return ticket;
    file_watch_make(&plan, path);
    return file_watch_join(watch, root, path, &plan);
}

static inline struct cache_ticket cache_folders(struct file_cache *cache, struct root *root,
                                                struct slice path)
{
    struct watch_plan plan;
    struct cache_ticket ticket = file_cache_cover(cache, root, path);
    if (ticket.folder.folder == 0 && file_cache_plan(cache, root, path, &plan)) {
        file_watch_make(&plan, path);
        file_cache_join(cache, root, path, &plan, &ticket);
    }
    return ticket;
}

#endif
