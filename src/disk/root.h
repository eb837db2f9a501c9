/* A root: a folder that files are served from, held open.
 *
 * Its path may come to lead to another folder, where a deployment swings a symbolic link. That is looked for
 * now and then, in three steps, because the one in the middle may have to wait for a slow disk: a look is
 * prepared on the loop, made there or on the offload pool, and what it found is taken over on the loop.
 *
 * A root is whatever its path leads to, and knows nothing of routes. All routes that see the same beneath the
 * same path share one, whether they belong to the same settings or to those before: so what the cache has
 * beneath it outlives a change of settings. See disk/root_table.h. */
#ifndef DISK_ROOT_H
#define DISK_ROOT_H

#include "base/map.h"
#include "disk/device_jobs.h"
#include "disk/reach.h"
#include "settings/settings.h"

struct watched_folder;
struct root_path;
struct root_table;

/* What decides what is found beneath a root: with another one it is another root. */
struct root_spec {
    struct slice path; /* absolute, with a NUL behind its end */
    bool follows_out;  /* symbolic links may lead out of it */
    bool with_siblings;
    bool with_lone_siblings; /* as in struct file_request */
};

/* Its path is the settings'. */
struct root_spec root_spec_of(const struct files_settings *settings);

struct root {
    struct root_table *table;
    struct map_link link; /* in the table */
    unsigned references;  /* of routes, and of settings that are being prepared */
    struct root_spec spec;
    int fd;
    bool is_local;   /* its file system answers from memory, or says that it cannot */
    bool is_retired; /* new settings took over that do without it: nothing beneath it is cached any more */
    uint64_t device; /* of the folder that `fd` holds */
    uint64_t inode;
    struct device_jobs *jobs; /* of that device */
    uint64_t look_due_ms;     /* when its path is to be looked at next */
    uint64_t path_due_ms;     /* when the marks on its path are to be set anew; of root_path.c, as */
    struct root_path *path;
    bool is_path_watched;             /* whoever switches a link of the path is noticed at once */
    uint64_t serial;                  /* no other root has it; another one once all beneath it is forgotten */
    struct watched_folder *folders;   /* the topmost of those that are watched; of file_watch.c, as */
    struct watched_folder *unwatched; /* what holds the items that nobody watches; NULL: none yet */
    char path_text[];
};

/* Whatever is known of what is beneath the root is known no more: another serial. */
void root_renew(struct root *root);

/* What it reaches now: valid as long as the root. */
static inline struct reach root_reach(const struct root *root)
{
    return (struct reach){
        .root_fd = root->fd, .root_path = root->spec.path.data, .follows_out = root->spec.follows_out};
}

/* The queue for jobs that look for something beneath the root: on its own file system, or beyond. */
static inline struct job_queue *root_jobs(const struct root *root, bool goes_beyond)
{
    return goes_beyond && root->is_local ? &root->jobs->mounted : &root->jobs->own;
}

struct root_look {
    const char *path;
    uint64_t device; /* before: of the folder that is served, 0: none yet; after: of the one that the path
                        leads to */
    uint64_t inode;
    bool is_local; /* the other folder's file system */
    int fd;        /* the other folder, for root_take; -1: there is none */
    int error;     /* -errno of a path that leads to no folder */
};

/* It is time to look at the path: something happened to it, or it was not looked at for a while. */
static inline bool root_look_is_due(const struct root *root, uint64_t now_ms)
{
    return now_ms >= root->look_due_ms;
}

/* The path is looked at now: says when to look next. */
void root_note_look(struct root *root, uint64_t now_ms);

struct root_look root_prepare_look(const struct root *root);

/* Looks where the path leads. May block; touches nothing but `look`. */
void root_make_look(struct root_look *look);

/* Serves from the folder that was found from now on, in the same descriptor. What is open stays open. */
void root_take(struct root *root, struct root_look *look);

#endif
