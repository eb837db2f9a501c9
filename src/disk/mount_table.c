/* proc_pid_mountinfo(5): POLLPRI reports a change of the table, once per open descriptor. The file is
 * always readable, so readability means nothing; it is never read.
 *
 * It is opened twice. The loop may handle the event of its watch after a client that came later in the
 * same turn; to serve that client, the state must be checked at once. The kernel has already reported the
 * change on the watched descriptor, but not yet on the other one. */
#include "disk/mount_table.h"

#include "sys/file.h"
#include "sys/socket.h"

void mount_table_note_change(struct mount_table *table)
{
    table->changes++;
    table->on_change(table);
}

static void mount_table_on_ready(struct watch *ready, unsigned events)
{
    (void)events;
    mount_table_note_change(CONTAINER_OF(ready, struct mount_table, watch));
}

static const struct watch_events watch_events = {.on_ready = mount_table_on_ready,
                                                 .name = "taking note of mounts"};

static bool open_twice(struct mount_table *table)
{
    table->asked_fd = sys_open_mount_table();
    table->watch.fd = table->asked_fd < 0 ? -1 : sys_open_mount_table();
    return table->watch.fd >= 0 && watch_start(table->loop, &table->watch, WATCH_CHANGES) == 0;
}

static void close_both(struct mount_table *table)
{
    if (table->watch.fd >= 0)
        sys_close(table->watch.fd);
    if (table->asked_fd >= 0)
        sys_close(table->asked_fd);
    table->watch.fd = table->asked_fd = -1;
}

void mount_table_init(struct mount_table *table, struct loop *loop,
                      void (*on_change)(struct mount_table *table))
{
    assert(on_change != NULL);
    *table = (struct mount_table){
        .watch = {.events = &watch_events},
        .loop = loop,
        .on_change = on_change,
    };
    if (!open_twice(table))
        close_both(table);
}

void mount_table_finish(struct mount_table *table)
{
    if (table->watch.fd < 0)
        return;
    watch_stop(table->loop, &table->watch);
    close_both(table);
}
