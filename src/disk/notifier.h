/* Notification of changes on disk by inotify(7): one descriptor for everything a worker watches.
 *
 * A mark is set on a folder or a symbolic link and is told of changes to it. Several marks may be set on
 * the same one. The work per turn of the loop is limited: if more changes happen, the notifier is behind
 * for some turns, see notifier_is_behind. */
#ifndef DISK_NOTIFIER_H
#define DISK_NOTIFIER_H

#include "base/map.h"
#include "base/slice.h"
#include "loop/loop.h"

#include <stdbool.h>

struct notifier;
struct notifier_mark;

/* What a mark reports. */
enum notifier_interest {
    NOTIFIER_ENTRIES, /* a folder: changes of its entries; that it is moved or deleted itself */
    NOTIFIER_ITSELF,  /* that it is moved, deleted, replaced, or gets other permissions */
};

enum notifier_change {
    NOTIFIER_CHANGE_ITSELF, /* it was moved or deleted, or its permissions changed */
    NOTIFIER_CHANGE_FILE,   /* the named entry of the folder changed */
    NOTIFIER_CHANGE_FOLDER, /* the same, and the entry is a folder */
};

struct notifier_mark_events {
    /* May remove any marks, including this one; must not set any. `name` is valid during the call only. */
    void (*on_change)(struct notifier_mark *mark, enum notifier_change change, struct slice name);
};

/* Zeroed: not set. */
struct notifier_mark {
    struct map_link by_descriptor;
    const struct notifier_mark_events *events; /* NULL: not set */
    int descriptor;
};

/* Returns 0 or -ENOMEM. If inotify is not available, it succeeds, but no mark can be set. `on_overflow` is
 * called when events were lost: anything may have changed anywhere. */
int notifier_create(struct loop *loop, void (*on_overflow)(void *context), void *context,
                    struct notifier **ret_notifier) MUST_CHECK;

/* No marks may be set any more. NULL is ignored. */
void notifier_destroy(struct notifier *notifier);

/* Setting a mark takes two steps, because the kernel visits every name that it has cached of a folder when
 * the folder is first watched: that takes 60 ms for a million names. notifier_add runs on any thread;
 * notifier_adopt then sets the mark on the loop. */

/* The number of changes so far; to be taken on the loop before notifier_add. */
uint64_t notifier_change_count(const struct notifier *notifier);

/* Watches the file held by `fd` (of OPEN_FOLDER or OPEN_PATH). May be slow; on any thread. Returns a
 * descriptor for notifier_adopt or notifier_give_back, or -errno: -ENOSPC if the user has reached the
 * system's limit of watches, -EMFILE if inotify is not available. */
int notifier_add(const struct notifier *notifier, int fd, enum notifier_interest interest) MUST_CHECK;

/* Sets a mark on the descriptor. Returns 0; -ESTALE if something happened to it `since` that number of
 * changes; or -ENOMEM. After an error the descriptor has been given back. */
int notifier_adopt(struct notifier *notifier, struct notifier_mark *mark,
                   const struct notifier_mark_events *events, int descriptor, enum notifier_interest interest,
                   uint64_t since) MUST_CHECK;

/* Whether something happened to the descriptor `since` that number of changes; also true if too much has
 * happened since to know. */
bool notifier_has_changed(const struct notifier *notifier, int descriptor, enum notifier_interest interest,
                          uint64_t since);

/* Ends the watch of a descriptor that is not adopted. */
void notifier_give_back(struct notifier *notifier, int descriptor);

/* Removes the mark; does nothing if it is not set. */
void notifier_remove(struct notifier *notifier, struct notifier_mark *mark);

/* Reports all changes up to now, instead of when the loop gets to them. */
void notifier_poll(struct notifier *notifier);

/* The descriptor that is readable when something has changed; -1: inotify is not available. */
int notifier_fd(const struct notifier *notifier);

/* Whether more has changed than could be reported in this turn. */
bool notifier_is_behind(const struct notifier *notifier);

/* Asserts that everything is consistent. For tests. */
void notifier_validate(const struct notifier *notifier);

#endif
