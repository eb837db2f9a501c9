/* Being told of changes on disk, by inotify(7): one descriptor for all that a worker wants to know of.
 *
 * A mark stands on a folder or a symbolic link and is told of what happens to it. Several marks may stand on
 * the same one. The work of a turn of the loop is bounded: where more happens than that, the notifier is
 * behind for some turns, and says so. */
#ifndef DISK_NOTIFIER_H
#define DISK_NOTIFIER_H

#include "base/map.h"
#include "base/slice.h"
#include "loop/loop.h"

#include <stdbool.h>

struct notifier;
struct notifier_mark;

/* What a mark is told of. */
enum notifier_interest {
    NOTIFIER_ENTRIES, /* a folder: whatever changes what its names mean, and that it moves or goes itself */
    NOTIFIER_ITSELF,  /* that it moves, goes, is replaced by name, or gets other permissions */
};

enum notifier_change {
    NOTIFIER_CHANGE_ITSELF, /* it moved or is gone, or who may use it changed */
    NOTIFIER_CHANGE_FILE,   /* an entry of the folder, named */
    NOTIFIER_CHANGE_FOLDER, /* the same, where the entry is a folder itself */
};

struct notifier_mark_events {
    /* May remove any marks, this one too; must not set any. `name` is gone after the call. */
    void (*on_change)(struct notifier_mark *mark, enum notifier_change change, struct slice name);
};

/* Zeroed, it stands nowhere. */
struct notifier_mark {
    struct map_link by_descriptor;
    const struct notifier_mark_events *events; /* NULL: it stands nowhere */
    int descriptor;
};

/* Never fails for want of inotify: then no mark can be set. Returns 0 or -ENOMEM. `on_overflow` is told that
 * changes were lost: anything may have happened anywhere. */
int notifier_create(struct loop *loop, void (*on_overflow)(void *context), void *context,
                    struct notifier **ret_notifier) MUST_CHECK;

/* There must be no marks any more. NULL is ignored. */
void notifier_destroy(struct notifier *notifier);

/* Sets a mark on what `fd` (of OPEN_FOLDER or OPEN_PATH) holds. Returns 0 or -errno: -ENOSPC where the user
 * has as many marks as the system allows, -EMFILE where there is no inotify at all. */
int notifier_set(struct notifier *notifier, struct notifier_mark *mark,
                 const struct notifier_mark_events *events, int fd,
                 enum notifier_interest interest) MUST_CHECK;

/* Takes the mark away; nothing happens where it stands nowhere. */
void notifier_remove(struct notifier *notifier, struct notifier_mark *mark);

/* Tells what has changed up to this moment, rather than when the loop comes to it. */
void notifier_poll(struct notifier *notifier);

/* The descriptor that is readable when something has changed; -1: there is no inotify at all. */
int notifier_fd(const struct notifier *notifier);

/* More has changed than could be told of in this turn. */
bool notifier_is_behind(const struct notifier *notifier);

/* Checks that everything in it fits together; an assert fails where it does not. For tests. */
void notifier_validate(const struct notifier *notifier);

#endif
