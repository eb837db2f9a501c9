/* The insides of the tree of watched folders, shared by file_watch.c and file_watch_plan.c. */
#ifndef DISK_FILE_WATCH_INTERNAL_H
#define DISK_FILE_WATCH_INTERNAL_H

#include "disk/file_watch.h"

struct watched_folder {
    struct notifier_mark mark;
    struct map_link by_name;
    struct file_watch *watch;
    struct root *root;
    struct watched_folder *parent; /* NULL: the topmost of its root, or it has left the tree */
    struct list siblings;          /* link in the parent's children, in `tops`, or in `gone` */
    struct list children;
    struct list items;
    struct list leaf; /* link in `leaves`, if it has no children and is not the topmost */
    uint64_t id;      /* unique, never reused */
    uint64_t changes;
    bool has_left;
    bool keeps_items; /* after leaving: its items are not gone, only no longer watched */
    uint16_t length;
    uint16_t name_length;
    char path[]; /* beneath the root, "" for the root itself, without NUL; ends with the name */
};

struct file_watch {
    struct loop *loop;
    struct notifier *notifier;
    const struct file_watch_events *events;
    void *context;
    struct log *log;
    struct hash_key key;
    size_t folders_max;
    size_t folder_count; /* without the topmost ones */
    unsigned plan_count; /* plans that are not joined yet */
    uint64_t last_id;
    struct map by_name;
    struct list tops; /* the topmost folders, and those that hold unwatched items */
    struct list gone;
    struct list leaves; /* most recently used last */
    struct task task;   /* continues sweeping */
    uint64_t turn;      /* of the loop, when it last swept */
    unsigned steps;     /* made in that turn */
    bool has_told;      /* the lack of watches was logged */
};

extern const struct notifier_mark_events file_watch_mark_events;

static inline struct slice watched_folder_name(const struct watched_folder *folder)
{
    return slice_make(folder->path + folder->length - folder->name_length, folder->name_length);
}

/* In the map of folders by parent and name. */
uint64_t watched_folder_hash(const struct file_watch *watch, uint64_t parent_id, struct slice name);

/* The watched folder of that name in `parent`; NULL if there is none. */
struct watched_folder *watched_folder_child(const struct watched_folder *parent, struct slice name);

/* A folder in no tree; NULL if memory runs out. */
struct watched_folder *watched_folder_create(struct file_watch *watch, struct root *root, struct slice path,
                                             size_t name_length);

/* Puts the folder into `leaves`, if it is one. */
void watched_folder_become_leaf(struct file_watch *watch, struct watched_folder *folder);

/* The watched folder of a path; NULL unless all folders down to it are watched. */
struct watched_folder *watched_folder_find(const struct root *root, struct slice path);

/* Marks the folder as recently used. */
void file_watch_use(struct file_watch *watch, struct watched_folder *folder);

/* Removes the least recently used leaf other than `spared` (which may be NULL). Returns false if there is
 * none. */
bool file_watch_make_room(struct file_watch *watch, const struct watched_folder *spared);

/* Logs once that no more folders can be watched. Other errors are normal: an unreadable folder cannot be
 * watched. */
void file_watch_tell_of_shortage(struct file_watch *watch, int error);

#endif
