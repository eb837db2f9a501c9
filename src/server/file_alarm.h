/* Wakes the loop when one of some files may have changed, however it is replaced: written in place, renamed,
 * or reached by a symbolic link that is switched. Uses an inotify descriptor of its own, so that files can be
 * added on the offload pool, where slow file systems do no harm. A process that asks the opener for files
 * (sys/opener.h) has one alarm at a time. */
#ifndef SERVER_FILE_ALARM_H
#define SERVER_FILE_ALARM_H

#include "loop/watch.h"

struct file_alarm {
    struct watch watch; /* fd -1: inotify is not available */
    struct loop *loop;
    void (*on_change)(struct file_alarm *alarm);
};

/* Begins without files. If inotify is not available, no file can be added. */
void file_alarm_begin(struct file_alarm *alarm, struct loop *loop,
                      void (*on_change)(struct file_alarm *alarm));

/* Watches what the path leads through now. Call again after each change, before looking at the file: then no
 * change is missed. Returns false if changes may go unnoticed: the file is missing or on a file system that
 * is not local, or there are too many watches. Blocks; may be called on any thread, one at a time. */
bool file_alarm_add(const struct file_alarm *alarm, const char *path) MUST_CHECK;

/* The same with any inotify descriptor, whoever reads it. */
bool file_alarm_watch(int inotify_fd, const char *path) MUST_CHECK;

/* Stops waking the loop. */
void file_alarm_stop(struct file_alarm *alarm);

/* Closes it, after file_alarm_stop, when no other thread uses it any more. */
void file_alarm_finish(struct file_alarm *alarm);

#endif
