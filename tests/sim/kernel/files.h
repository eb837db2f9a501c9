/* The tree of files: inodes, and the names that lead to them. */
#ifndef TESTS_SIM_KERNEL_FILES_H
#define TESTS_SIM_KERNEL_FILES_H

#include "internal.h"

#include <sys/stat.h>

/* One entry of a folder. Without an inode it says that there is no such name: the kernel remembers that too.
 */
struct name {
    struct list link; /* in the folder's names */
    struct inode *inode;
    bool is_cached; /* a look-up of it does not wait */
    char text[];
};

struct inode {
    uint64_t number;
    uint32_t mode;
    unsigned references; /* names, descriptors, folders in it */
    unsigned links;
    int64_t modified_ns;
    int64_t changed_ns;
    char *bytes; /* of a file; of a link its target, with a NUL */
    size_t size;
    uint64_t cold_blocks;  /* bit n: this 64th part of the bytes is not in the page cache */
    uint64_t used_us;      /* when its bytes were last asked for */
    unsigned readers;      /* descriptors that bytes are read by */
    struct inode *parent;  /* of a folder; NULL for the topmost */
    struct inode *mounted; /* over a folder; NULL: nothing */
    struct list names;     /* of a folder: struct name */
    struct list watches;   /* struct inotify_watch */
    char path[];           /* what it was made as; for the trace */
};

/* How a path is resolved. */
enum walk_flag {
    WALK_BENEATH = 1,     /* not above where it began: -EXDEV */
    WALK_CACHED = 2,      /* -EAGAIN rather than wait */
    WALK_NO_SYMLINKS = 4, /* -ELOOP rather than follow any */
    WALK_NO_FOLLOW = 8,   /* the last part may be a link: that is what is wanted */
    WALK_STAY = 16,       /* -EXDEV rather than enter what is mounted */
};

struct inode *files_top(void);

/* Whoever reads a part of a file brings all of it into the page cache. */
void files_read_whole(bool yes);

/* Finds what `path` means from `from` on, or -errno. */
int files_walk(struct inode *from, const char *path, unsigned flags, struct inode **ret_inode);

struct inode *inode_ref(struct inode *inode);
void inode_unref(struct inode *inode);

/* What fstat(2) says. */
void inode_status(const struct inode *inode, struct stat *ret_status);

/* The range is in the page cache; the range comes into it. */
bool inode_is_cached(const struct inode *inode, size_t offset, size_t length);
void inode_cache(struct inode *inode, size_t offset, size_t length);

/* inotify.c: something happened to the inode itself, or to a name in a folder. */
void inotify_tell(struct inode *inode, uint32_t mask, const char *name);
/* Its last name is gone. */
void inotify_tell_deleted(struct inode *inode);
void inotify_forget_inode(struct inode *inode);

/* mounts.c */
struct open_file *mount_table_open(void);
/* Tells all who have it open; returns whether there are any. */
bool mount_table_tell(void);
void mount_table_start(void);

/* file_calls.c */
struct inode *descriptor_inode(int fd, const char *call);

#endif
