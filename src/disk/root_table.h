/* The roots that a server has open, for all of its settings, and the devices they are on.
 *
 * All on the loop's thread. */
#ifndef DISK_ROOT_TABLE_H
#define DISK_ROOT_TABLE_H

#include "base/hash.h"
#include "disk/close_queue.h"
#include "disk/notifier.h"
#include "disk/root.h"

struct root_table {
    struct map roots; /* by spec */
    struct hash_key key;
    struct list devices;             /* struct device_jobs */
    struct close_queue *close_queue; /* closes the folders, off the loop */
    struct notifier *notifier;       /* watches their paths; NULL: they are not watched from the start */
};

/* Initialises an empty table. The close queue and the notifier may be finished before the table is, if no
 * root uses them any more. */
void root_table_init(struct root_table *table, struct close_queue *close_queue, struct notifier *notifier);

/* No root may be left, and no job may be running. */
void root_table_finish(struct root_table *table);

/* The open root with this spec, or NULL. Takes no reference. */
struct root *root_table_find(const struct root_table *table, const struct root_spec *spec) MUST_CHECK;

/* Adds a root with one reference, and takes over the folder that the look opened; the table must not have
 * a root with this spec. Returns 0, or -ENOMEM, and the folder stays with the look. */
int root_table_add(struct root_table *table, const struct root_spec *spec, struct root_look *look,
                   struct root **ret_root) MUST_CHECK;

static inline struct root *root_ref(struct root *root)
{
    root->references++;
    return root;
}

/* Drops a reference. The last one closes the root; nothing of it may be cached then. NULL is ignored. */
void root_unref(struct root *root);

/* Updates the job queues after the root has moved to another device. */
void root_table_move_jobs(struct root *root);

/* The queue for reading from a file on `device` beneath the root. */
struct job_queue *root_jobs_on(struct root *root, uint64_t device);

uint64_t root_spec_hash(const struct root_table *table, const struct root_spec *spec);
bool root_spec_equal(const struct root_spec *a, const struct root_spec *b);

/* For tests: describes the first inconsistency; NULL if there is none. */
const char *root_table_validate(const struct root_table *table);

#endif
