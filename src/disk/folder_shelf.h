/* What listings of a worker that are under way have read of folders: held once by all that read the same.
 *
 * Each listing reads its folder anew, so none shows what was there before it was asked for. What it found is
 * then compared with what the last listing of that folder found, which is mostly the same to the byte. So any
 * number of clients that take their time with a page cost its names once, and nothing has to be forgotten
 * when it gets old. From any thread. */
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
    struct folder_entries entries; /* in order; nobody changes them */
    int root_fd;
    char path[];
};

void folder_shelf_init(struct folder_shelf *shelf);

/* Nothing is held any more. */
void folder_shelf_finish(struct folder_shelf *shelf);

/* Takes the entries over, which were read by `query` and are in order; `entries` is empty afterwards. Returns
 * what holds the same, to be given back by folder_shelf_release, or NULL without memory. */
struct shared_folder *folder_shelf_share(struct folder_shelf *shelf, const struct folder_query *query,
                                         struct folder_entries *entries) MUST_CHECK;

/* NULL is ignored. */
void folder_shelf_release(struct folder_shelf *shelf, struct shared_folder *folder);

#endif
