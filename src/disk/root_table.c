/* The table of roots, and their reference counting. */
#include "disk/root_table.h"

#include "disk/root_path.h"
#include "sys/clock.h"
#include "sys/socket.h"

#include <errno.h>
#include <stdlib.h>

static struct root *root_of(struct map_link *link)
{
    return CONTAINER_OF(link, struct root, link);
}

void root_table_init(struct root_table *table, struct close_queue *close_queue, struct notifier *notifier)
{
    *table = (struct root_table){.close_queue = close_queue, .notifier = notifier};
    sys_random(&table->key, sizeof(table->key));
    map_init(&table->roots);
    list_init(&table->devices);
}

void root_table_finish(struct root_table *table)
{
    assert(table->roots.count == 0);
    map_finish(&table->roots);
    device_jobs_finish(&table->devices);
}

uint64_t root_spec_hash(const struct root_table *table, const struct root_spec *spec)
{
    uint64_t kind = spec->follows_out | spec->with_siblings << 1 | spec->with_lone_siblings << 2;
    return hash_bytes(&table->key, spec->path) + kind;
}

bool root_spec_equal(const struct root_spec *a, const struct root_spec *b)
{
    return slice_equal(a->path, b->path) && a->follows_out == b->follows_out &&
           a->with_siblings == b->with_siblings && a->with_lone_siblings == b->with_lone_siblings;
}

struct root *root_table_find(const struct root_table *table, const struct root_spec *spec)
{
    struct map_link *link = map_find(&table->roots, root_spec_hash(table, spec));
    while (link && !root_spec_equal(&root_of(link)->spec, spec))
        link = map_find_next(link);
    return link ? root_of(link) : NULL;
}

static struct root *root_table_create(struct root_table *table, const struct root_spec *spec,
                                      const struct root_look *look)
{
    struct root *root = calloc(1, sizeof(*root) + spec->path.length + 1);
    if (root == NULL)
        return NULL;
    root->table = table;
    root->references = 1;
    root->spec = *spec;
    memcpy(root->path_text, spec->path.data, spec->path.length);
    root->spec.path.data = root->path_text;
    root->fd = look->fd;
    root->is_local = look->is_local;
    root->device = look->device;
    root->inode = look->inode;
    root_renew(root);
    return root;
}

int root_table_add(struct root_table *table, const struct root_spec *spec, struct root_look *look,
                   struct root **ret_root)
{
    assert(root_table_find(table, spec) == NULL && look->fd >= 0);
    struct device_jobs *jobs = device_jobs_get(&table->devices, look->device);
    struct root *root = jobs ? root_table_create(table, spec, look) : NULL;
    if (root == NULL || map_insert(&table->roots, &root->link, root_spec_hash(table, spec)) < 0) {
        free(root);
        return -ENOMEM;
    }
    root->jobs = device_jobs_ref(jobs);
    look->fd = -1;
    *ret_root = root;
    return 0;
}

void root_unref(struct root *root)
{
    if (root == NULL)
        return;
    assert(root->references > 0);
    if (--root->references > 0)
        return;
    assert(root->folders == NULL && root->unwatched == NULL);
    root_path_forget(root);
    map_remove(&root->table->roots, &root->link);
    device_jobs_unref(root->jobs);
    close_queue_take(root->table->close_queue, root->fd);
    free(root);
}

/* If memory runs out, the root keeps its queues; then they are not shared with other roots of its new
 * device. */
void root_table_move_jobs(struct root *root)
{
    struct device_jobs *jobs = device_jobs_get(&root->table->devices, root->device);
    if (jobs == NULL)
        return;
    device_jobs_ref(jobs);
    device_jobs_unref(root->jobs);
    root->jobs = jobs;
}

struct job_queue *root_jobs_on(struct root *root, uint64_t device)
{
    struct device_jobs *jobs =
        device == root->device ? root->jobs : device_jobs_get(&root->table->devices, device);
    return jobs ? &jobs->own : &root->jobs->mounted;
}

const char *root_table_validate(const struct root_table *table)
{
    map_validate(&table->roots);
    for (struct map_link *link = map_next(&table->roots, NULL); link; link = map_next(&table->roots, link)) {
        const struct root *root = root_of(link);
        if (root->references == 0 || root->table != table)
            return "a root is in the table that nobody holds, or of another table";
        if (root_table_find(table, &root->spec) != root)
            return "a root is not found, or is there twice";
        if (root->jobs->references == 0)
            return "a root has jobs that nobody holds";
    }
    return device_jobs_validate(&table->devices);
}
