/* Detects that something was mounted or unmounted: paths may lead elsewhere afterwards, and inotify(7)
 * does not report it.
 *
 * It does not find out what changed: the table has hundreds of lines on some machines, a mount may be part
 * of a chain of links, and re-checking a cached file at its next use costs only a few system calls.
 * Instead, users store the number of changes and compare it later. */
#ifndef DISK_MOUNT_TABLE_H
#define DISK_MOUNT_TABLE_H

#include "loop/watch.h"

struct mount_table {
    struct watch watch; /* on /proc/self/mountinfo; fd -1: not available, `changes` stays 0 */
    int asked_fd;       /* the same file, for checks before the loop gets to the watch */
    struct loop *loop;
    void (*on_change)(struct mount_table *table);
    uint64_t changes; /* number of changes noticed so far */
};

/* Without /proc, or without a free descriptor, nothing will be detected. */
void mount_table_init(struct mount_table *table, struct loop *loop,
                      void (*on_change)(struct mount_table *table));

void mount_table_finish(struct mount_table *table);

/* To be called when `asked_fd` reported POLLPRI. */
void mount_table_note_change(struct mount_table *table);

#endif
