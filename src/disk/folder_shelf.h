/* Shares the folder entries of a worker's listings in progress: equal results are held in memory once.
 *
 * Each listing reads its folder anew, so none shows a state from before its request. The result is
 * compared with that of the previous listing of that folder, which is usually identical. So any number of
 * slow clients costs the memory for the names once, and nothing has to expire. Thread-safe. */
#ifndef DISK_FOLDER_SHELF_H
#define DISK_FOLDER_SHELF_H

#include "base/list.h"
#include "disk/folder_entries.h"

#include <pthread.h>

struct folder_shelf {
    pthread_mutex_t lock;
    struct list folders; /* struct shared_folder, the newest last */
};

struct shared_folder {
    struct list link;
    unsigned references;
    struct folder_entries entries; /* sorted; never changed */
    int root_fd;
    char path[];
};

void folder_shelf_init(struct folder_shelf *shelf);

/* Nothing may be held any more. */
void folder_shelf_finish(struct folder_shelf *shelf);

/* Takes over the entries, which were read by `query` and are sorted; `entries` is empty afterwards.
 * Returns a shared folder with the same entries, to be released by folder_shelf_release, or NULL if memory
 * runs out. */
struct shared_folder *folder_shelf_share(struct folder_shelf *shelf, const struct folder_query *query,
                                         struct folder_entries *entries) MUST_CHECK;

/* NULL is ignored. */
void folder_shelf_release(struct folder_shelf *shelf, struct shared_folder *folder);

/* For tests: describes the first inconsistency; NULL if there is none. All folders must have been read with
 * one budget. */
const char *folder_shelf_validate(struct folder_shelf *shelf);

#endif
