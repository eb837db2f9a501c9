/* Each folder, link and file of a path gets a watch. If a name is replaced, what had the name before loses a
 * link, which is an event. Watches are never removed: what was replaced is usually deleted soon, and its
 * watch with it; a late event costs one look. */
#include "server/file_alarm.h"

#include "disk/path_walk.h"
#include "sys/opener.h"
#include "sys/socket.h"

#include <sys/stat.h>

#define READ_BYTES 4096

/* What changed does not matter: the owner looks at all files. */
static void file_alarm_on_ready(struct watch *watch, unsigned events)
{
    struct file_alarm *alarm = CONTAINER_OF(watch, struct file_alarm, watch);
    char dropped[READ_BYTES];
    (void)events;
    if (sys_read(watch->fd, dropped, sizeof(dropped)) > 0)
        alarm->on_change(alarm);
}

static const struct watch_events watch_events = {.on_ready = file_alarm_on_ready,
                                                 .name = "taking note of changed certificates"};

void file_alarm_begin(struct file_alarm *alarm, struct loop *loop,
                      void (*on_change)(struct file_alarm *alarm))
{
    *alarm = (struct file_alarm){.loop = loop, .on_change = on_change};
    int fd = sys_opener_is_used() ? sys_opener_ask(OPENER_INOTIFY, "", NULL) : sys_inotify_create();
    alarm->watch = (struct watch){.events = &watch_events, .fd = MAX(fd, -1)};
    if (alarm->watch.fd >= 0 && watch_start(loop, &alarm->watch, WATCH_LEVEL) < 0)
        file_alarm_finish(alarm);
}

/* A folder that may not be read cannot be watched. That is accepted, as certificates are not renewed by
 * moving a folder above them. */
static bool file_alarm_visit(void *context, int fd, const struct file_status *status)
{
    const int *inotify_fd = context;
    bool is_folder = S_ISDIR(status->mode), is_file = S_ISREG(status->mode);
    int watch = sys_inotify_watch(*inotify_fd, fd,
                                  is_folder ? INOTIFY_PLACE
                                  : is_file ? INOTIFY_CONTENT
                                            : INOTIFY_ITSELF);
    return (watch >= 0 || is_folder) && (is_folder || sys_is_local_file_system(fd));
}

bool file_alarm_watch(int inotify_fd, const char *path)
{
    return path_walk(path, file_alarm_visit, &inotify_fd);
}

bool file_alarm_add(const struct file_alarm *alarm, const char *path)
{
    if (alarm->watch.fd < 0)
        return false;
    return sys_opener_is_used() ? sys_opener_ask(OPENER_WATCH, path, NULL) == 0
                                : file_alarm_watch(alarm->watch.fd, path);
}

void file_alarm_stop(struct file_alarm *alarm)
{
    if (alarm->watch.fd >= 0)
        watch_stop(alarm->loop, &alarm->watch);
}

void file_alarm_finish(struct file_alarm *alarm)
{
    if (alarm->watch.fd >= 0)
        sys_close(alarm->watch.fd);
    alarm->watch.fd = -1;
}
