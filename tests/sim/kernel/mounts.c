/* The mount table, /proc/self/mountinfo: always readable, and whoever has it open is told once of a change.
 * As in Linux it is the asking that takes the news away, whether by epoll, poll or select. */
#include "files.h"

#include <sys/epoll.h>

struct mount_table {
    struct open_file file;
    struct list link; /* in `tables` */
    uint64_t seen;
};

static struct list tables;
static uint64_t changes;

static struct mount_table *table_of(struct open_file *file)
{
    return CONTAINER_OF(file, struct mount_table, file);
}

static unsigned table_mask(struct open_file *file)
{
    struct mount_table *table = table_of(file);
    bool is_news = table->seen != changes;
    table->seen = changes;
    return is_news ? EPOLLIN | EPOLLPRI | EPOLLERR : EPOLLIN;
}

static void table_release(struct open_file *file)
{
    list_remove(&table_of(file)->link);
    kernel_free(table_of(file));
}

static const struct file_class table_class = {
    .name = "the mount table", .mask = table_mask, .release = table_release};

void mount_table_start(void)
{
    list_init(&tables);
    changes = 0;
}

struct open_file *mount_table_open(void)
{
    struct mount_table *table = kernel_alloc(sizeof(*table));
    open_file_init(&table->file, &table_class);
    table->seen = changes;
    list_init(&table->link);
    list_append(&tables, &table->link);
    return &table->file;
}

bool mount_table_tell(void)
{
    changes++;
    LIST_FOREACH(link, &tables)
        ready_wake(&CONTAINER_OF(link, struct mount_table, link)->file, EPOLLPRI | EPOLLERR);
    return !list_is_empty(&tables);
}
