/* Noticing that something was mounted or unmounted: then paths lead elsewhere than they did, and inotify(7)
 * says nothing of it.
 *
 * What was changed is not asked. The table has hundreds of lines on some machines, a mount may be one in a
 * chain of links, and to compare what is known with what its path leads to now is a few system calls for each
 * file, at its next use. So whoever needs to know keeps the count of changes that he saw last. */
#ifndef DISK_MOUNT_TABLE_H
#define DISK_MOUNT_TABLE_H

#include "loop/watch.h"

struct mount_table {
    struct watch watch; /* of /proc/self/mountinfo; fd -1: there is none, and changes stays 0 */
    int asked_fd;       /* the same file, for who asks before the loop comes to the watch */
    struct loop *loop;
    void (*on_change)(struct mount_table *table);
    uint64_t changes; /* noticed so far */
};

/* Without /proc, or for want of a descriptor, nothing will be noticed. */
void mount_table_init(struct mount_table *table, struct loop *loop,
                      void (*on_change)(struct mount_table *table));

void mount_table_finish(struct mount_table *table);

/* `asked_fd` said POLLPRI. */
void mount_table_note_change(struct mount_table *table);

#endif
