/* A root: a folder that files are served from, held open.
 *
 * Its path may come to lead to another folder, where a deployment swings a symbolic link. That is looked for
 * now and then, in three steps, because the one in the middle may have to wait for a slow disk: a look is
 * prepared on the loop, made there or on the offload pool, and what it found is taken over on the loop. */
#ifndef DISK_ROOT_H
#define DISK_ROOT_H

#include "disk/reach.h"
#include "loop/job_queue.h"
#include "settings/settings.h"

struct watched_folder;
struct root_path;

struct root {
    const struct files_settings *settings;
    int fd;
    bool is_local;   /* its file system answers from memory, or says that it cannot */
    bool is_retired; /* new settings took over: nothing beneath it is cached any more */
    uint64_t device; /* of the folder that `fd` holds */
    uint64_t inode;
    uint64_t look_due_ms; /* when its path is to be looked at next */
    uint64_t path_due_ms; /* when the marks on its path are to be set anew; of root_path.c, as */
    struct root_path *path;
    bool is_path_watched;             /* whoever switches a link of the path is noticed at once */
    uint64_t serial;                  /* no other root has it; another one once all beneath it is forgotten */
    struct watched_folder *folders;   /* the topmost of those that are watched; of file_watch.c, as */
    struct watched_folder *unwatched; /* what holds the items that nobody watches; NULL: none yet */
    struct job_queue local_jobs;      /* to its own file system */
    struct job_queue remote_jobs; /* to one that may be slow: its own where that is not local, else what is
                                     mounted beneath */
};

/* Returns 0, or -errno of a folder that cannot be opened; then there is nothing to close. */
int root_open(struct root *root, const struct files_settings *settings) MUST_CHECK;
void root_close(struct root *root);

/* Whatever is known of what is beneath the root is known no more: another serial. */
void root_renew(struct root *root);

/* What it reaches now: valid as long as the root's settings. */
static inline struct reach root_reach(const struct root *root)
{
    const struct files_settings *settings = root->settings;
    return (struct reach){
        .root_fd = root->fd, .root_path = settings->root.data, .follows_out = settings->follow_links};
}

struct root_look {
    const char *path;
    uint64_t device; /* before: of the folder that is served; after: of the one that the path leads to */
    uint64_t inode;
    int fd; /* the other folder, for root_take; -1: there is none */
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
