/* The roots that a server has open, whatever settings need them, and the devices that they lie on.
 *
 * All on the loop's thread. */
#ifndef DISK_ROOT_TABLE_H
#define DISK_ROOT_TABLE_H

#include "base/hash.h"
#include "disk/close_queue.h"
#include "disk/root.h"

struct root_table {
    struct map roots; /* by their spec */
    struct hash_key key;
    struct list devices;             /* struct device_jobs */
    struct close_queue *close_queue; /* what closes the folders, off the loop */
};

/* Empty. The close queue may be finished before the table is. */
void root_table_init(struct root_table *table, struct close_queue *close_queue);

/* No root is left, and no job is under way. */
void root_table_finish(struct root_table *table);

/* The root that is open with this spec, or NULL. No reference is taken. */
struct root *root_table_find(const struct root_table *table, const struct root_spec *spec) MUST_CHECK;

/* Adds a root with the folder that a look has opened, which it takes over, and with one reference; the table
 * has none with this spec. Returns 0, or -ENOMEM with the folder still the look's. */
int root_table_add(struct root_table *table, const struct root_spec *spec, struct root_look *look,
                   struct root **ret_root) MUST_CHECK;

static inline struct root *root_ref(struct root *root)
{
    root->references++;
    return root;
}

/* One holder less. The last one closes it: nothing of it is cached any more then. NULL is ignored. */
void root_unref(struct root *root);

/* The jobs of its new device, after the root has moved. */
void root_table_move_jobs(struct root *root);

/* The queue for reading from something on `device` beneath the root. */
struct job_queue *root_jobs_on(struct root *root, uint64_t device);

uint64_t root_spec_hash(const struct root_table *table, const struct root_spec *spec);
bool root_spec_equal(const struct root_spec *a, const struct root_spec *b);

/* For tests: what does not fit together; NULL: nothing. */
const char *root_table_validate(const struct root_table *table);

#endif
