/* A root: a folder that files are served from, held open.
 *
 * Its path may come to lead to another folder, for instance when a deployment switches a symbolic link.
 * This is checked now and then. On the loop, root_is_unmoved asks the kernel whether its caches already
 * show that nothing has changed. If they do not, a look takes three steps, because the middle one may have
 * to wait for a slow disk: it is prepared on the loop (root_prepare_look), made on the offload pool
 * (root_make_look), and its result is applied on the loop (root_take).
 *
 * A root is defined by its path and knows nothing of routes. All routes with an equal root_spec share one,
 * also across a change of settings; so what the cache holds beneath it survives a change of settings. See
 * disk/root_table.h. */
#ifndef DISK_ROOT_H
#define DISK_ROOT_H

#include "base/map.h"
#include "disk/device_jobs.h"
#include "disk/reach.h"
#include "settings/settings.h"

struct watched_folder;
struct root_path;
struct root_table;

/* Everything that determines what is found beneath a root: roots with different specs are different. */
struct root_spec {
    struct slice path; /* absolute, with a NUL after its end */
    bool follows_out;  /* symbolic links may lead out of it */
    bool with_siblings;
    bool with_lone_siblings; /* as in struct file_request */
};

/* The path is borrowed from the settings. */
struct root_spec root_spec_of(const struct files_settings *settings);

struct root {
    struct root_table *table;
    struct map_link link; /* in the table */
    unsigned references;  /* from routes, and from settings that are being prepared */
    struct root_spec spec;
    int fd;
    bool is_local;   /* its file system answers from memory, or says that it would have to wait */
    bool is_retired; /* the current settings do not use it any more: nothing beneath it is cached */
    uint64_t device; /* of the folder held by `fd` */
    uint64_t inode;
    struct device_jobs *jobs; /* of that device */
    uint64_t look_due_ms;     /* when to look at its path next */
    uint64_t path_due_ms;     /* when to watch its path anew */
    uint64_t wishes;          /* number of calls of root_want_look */
    struct root_path *path;
    bool is_path_watched; /* every link of its path is watched, so that switching one is noticed at once */
    uint64_t serial;      /* unique; replaced when everything beneath the root is forgotten */
    struct watched_folder *folders;   /* for file_watch.c: the topmost watched folders */
    struct watched_folder *unwatched; /* for file_watch.c: holds the unwatched items; NULL: none yet */
    char path_text[];
};

/* Invalidates everything known about what is beneath the root: gives it a new serial. */
void root_renew(struct root *root);

/* What it reaches now: valid as long as the root. */
static inline struct reach root_reach(const struct root *root)
{
    return (struct reach){
        .root_fd = root->fd, .root_path = root->spec.path.data, .follows_out = root->spec.follows_out};
}

/* The queue for jobs that look for something beneath the root: on its own file system, or beyond it. */
static inline struct job_queue *root_jobs(const struct root *root, bool goes_beyond)
{
    return goes_beyond && root->is_local ? &root->jobs->mounted : &root->jobs->own;
}

struct root_look {
    const char *path;
    uint64_t device; /* in: the folder being served, 0: none yet; out: the folder that the path leads to */
    uint64_t inode;
    bool is_local; /* the file system of the other folder is local */
    int fd;        /* the other folder, for root_take; -1: the path leads to the same folder, or to none */
    int error;     /* -errno if the path does not lead to a folder */
};

/* Whether it is time to look at the path: something happened to it, or the last look was a while ago. */
static inline bool root_look_is_due(const struct root *root, uint64_t now_ms)
{
    return now_ms >= root->look_due_ms;
}

/* Something may have happened to the path: it is to be looked at, and watched anew. */
static inline void root_want_look(struct root *root)
{
    root->look_due_ms = root->path_due_ms = 0;
    root->wishes++;
}

/* Notes that the path is being looked at now, and sets when to look next. */
void root_note_look(struct root *root, uint64_t now_ms);

/* Whether the path of a local root certainly still leads to the folder that is being served. Never waits:
 * false if the kernel would have to read the path from the disk. */
bool root_is_unmoved(const struct root *root);

struct root_look root_prepare_look(const struct root *root);

/* Looks where the path leads. May block; touches only `look`. */
void root_make_look(struct root_look *look);

/* Serves from the found folder from now on, under the same descriptor number. Open files stay open. */
void root_take(struct root *root, struct root_look *look);

#endif
