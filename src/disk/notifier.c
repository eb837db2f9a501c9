/* Marks, found by watch descriptor when an event arrives.
 *
 * An inode has one watch descriptor: marks on the same inode share it, and the last one removes it. While
 * the marks are told of an event, any of them may be removed; so the next one to be told is kept in
 * `next`, where notifier_remove can advance it.
 *
 * A descriptor is added on another thread and adopted by a mark later. The latest changes are remembered,
 * so that a mark is not set if something happened to its descriptor in between. */
#include "disk/notifier.h"

#include "loop/watch.h"
#include "sys/file.h"
#include "sys/socket.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/inotify.h>

/* Events are read in portions of READ_BYTES, some hundreds each; READS_MAX portions per turn keep the loop
 * busy for half a millisecond. The kernel queues up to 16384 events
 * (/proc/sys/fs/inotify/max_queued_events). */
#define READ_BYTES 16384
#define READS_MAX  4

/* How many changes are remembered. After more than these, everything counts as changed. */
#define RECENT_MAX 64

struct recent_change {
    int descriptor;
    bool is_itself; /* NOTIFIER_CHANGE_ITSELF, or the descriptor was removed */
};

struct notifier {
    struct watch watch;
    struct loop *loop;
    void (*on_overflow)(void *context);
    void *context;
    struct map marks;
    uint64_t change_count;
    struct recent_change recent[RECENT_MAX]; /* a ring */
    struct notifier_mark *next;              /* the mark to be told of the current event after this one */
    struct task task;                        /* continues in the next turn */
    uint64_t turn;                           /* of the loop, when events were last read */
    unsigned reads;                          /* full reads in that turn */
    bool is_behind;
};

static struct notifier_mark *mark_of(struct map_link *link)
{
    return link ? CONTAINER_OF(link, struct notifier_mark, by_descriptor) : NULL;
}

static struct notifier_mark *first_with(const struct notifier *notifier, int descriptor)
{
    return mark_of(map_find(&notifier->marks, (uint64_t)descriptor));
}

/* ---- descriptors that no mark has adopted yet ---- */

uint64_t notifier_change_count(const struct notifier *notifier)
{
    return notifier->change_count;
}

static void note_change(struct notifier *notifier, int descriptor, bool is_itself)
{
    notifier->recent[notifier->change_count++ % RECENT_MAX] = (struct recent_change){descriptor, is_itself};
}

bool notifier_has_changed(const struct notifier *notifier, int descriptor, enum notifier_interest interest,
                          uint64_t since)
{
    if (notifier->change_count - since > RECENT_MAX)
        return true;
    for (uint64_t i = since; i < notifier->change_count; i++) {
        const struct recent_change *change = &notifier->recent[i % RECENT_MAX];
        if (change->descriptor == descriptor && (change->is_itself || interest == NOTIFIER_ENTRIES))
            return true;
    }
    return false;
}

int notifier_add(const struct notifier *notifier, int fd, enum notifier_interest interest)
{
    if (notifier->watch.fd < 0)
        return -EMFILE;
    return sys_inotify_watch(notifier->watch.fd, fd,
                             interest == NOTIFIER_ENTRIES ? INOTIFY_ENTRIES : INOTIFY_ITSELF);
}

/* Other jobs may have added the same descriptor: they must learn that it is gone. */
void notifier_give_back(struct notifier *notifier, int descriptor)
{
    if (first_with(notifier, descriptor))
        return;
    sys_inotify_forget(notifier->watch.fd, descriptor);
    note_change(notifier, descriptor, true);
}

int notifier_adopt(struct notifier *notifier, struct notifier_mark *mark,
                   const struct notifier_mark_events *events, int descriptor, enum notifier_interest interest,
                   uint64_t since)
{
    assert(mark->events == NULL);
    int error = notifier_has_changed(notifier, descriptor, interest, since) ? -ESTALE : 0;
    if (error == 0)
        error = map_insert(&notifier->marks, &mark->by_descriptor, (uint64_t)descriptor);
    if (error < 0) {
        notifier_give_back(notifier, descriptor);
        return error;
    }
    mark->descriptor = descriptor;
    mark->events = events;
    return 0;
}

/* ---- marks ---- */

void notifier_remove(struct notifier *notifier, struct notifier_mark *mark)
{
    if (mark->events == NULL)
        return;
    if (notifier->next == mark)
        notifier->next = mark_of(map_find_next(&mark->by_descriptor));
    map_remove(&notifier->marks, &mark->by_descriptor);
    mark->events = NULL;
    notifier_give_back(notifier, mark->descriptor);
}

static void notifier_tell(struct notifier *notifier, int descriptor, enum notifier_change change,
                          struct slice name)
{
    struct notifier_mark *mark = first_with(notifier, descriptor);
    while (mark) {
        notifier->next = mark_of(map_find_next(&mark->by_descriptor));
        mark->events->on_change(mark, change, name);
        mark = notifier->next;
    }
}

static void take_event(struct notifier *notifier, const struct inotify_event *event)
{
    if (event->mask & IN_Q_OVERFLOW) {
        notifier->change_count += RECENT_MAX + 1;
        notifier->on_overflow(notifier->context);
        return;
    }
    struct slice name = slice_make(event->name, event->len ? strnlen(event->name, event->len) : 0);
    /* Without a name, IN_ATTRIB is about the marked inode: its permissions or link count changed. */
    bool is_about_itself =
        name.length == 0 ? event->mask & (IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED | IN_UNMOUNT)
                         : 0;
    if (!is_about_itself && name.length == 0)
        return;
    note_change(notifier, event->wd, is_about_itself);
    notifier_tell(notifier, event->wd,
                  is_about_itself          ? NOTIFIER_CHANGE_ITSELF
                  : event->mask & IN_ISDIR ? NOTIFIER_CHANGE_FOLDER
                                           : NOTIFIER_CHANGE_FILE,
                  name);
}

/* Returns whether there may be more events. */
static bool read_events(struct notifier *notifier)
{
    char buffer[READ_BYTES] __attribute__((aligned(__alignof__(struct inotify_event))));
    ssize_t count = sys_read(notifier->watch.fd, buffer, sizeof(buffer));
    for (ssize_t at = 0; at < count;) {
        const struct inotify_event *event = (const struct inotify_event *)(buffer + at);
        at += (ssize_t)(sizeof(*event) + event->len);
        take_event(notifier, event);
    }
    return count >= (ssize_t)sizeof(buffer) / 2;
}

void notifier_poll(struct notifier *notifier)
{
    if (notifier->watch.fd < 0)
        return;
    if (notifier->turn != loop_turn(notifier->loop)) {
        notifier->turn = loop_turn(notifier->loop);
        notifier->reads = 0;
    }
    bool has_more = true;
    while (has_more && notifier->reads < READS_MAX) {
        has_more = read_events(notifier);
        notifier->reads += has_more;
    }
    notifier->is_behind = has_more;
    if (has_more)
        task_defer(notifier->loop, &notifier->task);
}

static void notifier_go_on(struct task *task)
{
    notifier_poll(CONTAINER_OF(task, struct notifier, task));
}

int notifier_fd(const struct notifier *notifier)
{
    return notifier->watch.fd;
}

bool notifier_is_behind(const struct notifier *notifier)
{
    return notifier->is_behind;
}

static void notifier_on_ready(struct watch *ready, unsigned events)
{
    (void)events;
    notifier_poll(CONTAINER_OF(ready, struct notifier, watch));
}

static const struct watch_events watch_events = {.on_ready = notifier_on_ready,
                                                 .name = "taking note of changed files"};

int notifier_create(struct loop *loop, void (*on_overflow)(void *context), void *context,
                    struct notifier **ret_notifier)
{
    struct notifier *notifier = calloc(1, sizeof(*notifier));
    if (notifier == NULL)
        return -ENOMEM;
    notifier->loop = loop;
    notifier->on_overflow = on_overflow;
    notifier->context = context;
    task_init(&notifier->task, notifier_go_on);
    notifier->watch = (struct watch){.events = &watch_events, .fd = sys_inotify_create()};
    if (notifier->watch.fd >= 0 && watch_start(loop, &notifier->watch, WATCH_LEVEL) < 0) {
        sys_close(notifier->watch.fd);
        notifier->watch.fd = -1;
    }
    *ret_notifier = notifier;
    return 0;
}

void notifier_destroy(struct notifier *notifier)
{
    if (notifier == NULL)
        return;
    assert(notifier->marks.count == 0);
    map_finish(&notifier->marks);
    task_cancel(&notifier->task);
    if (notifier->watch.fd >= 0) {
        watch_stop(notifier->loop, &notifier->watch);
        sys_close(notifier->watch.fd);
    }
    free(notifier);
}

void notifier_validate(const struct notifier *notifier)
{
    map_validate(&notifier->marks);
    for (struct map_link *link = map_next(&notifier->marks, NULL); link;
         link = map_next(&notifier->marks, link)) {
        const struct notifier_mark *mark = mark_of(link);
        assert(mark->events != NULL && mark->descriptor >= 0);
    }
}
