/* A file beneath a root, as it was found: what it is, its validators, and its bytes or a descriptor to them.
 *
 * A file is counted by reference and never changes after it was opened, but for its kept head. What is small
 * is read whole, and nothing may have happened to these bytes meanwhile; so nobody is served half of one
 * version and half of another. */
#ifndef DISK_FILE_H
#define DISK_FILE_H

#include "base/list.h"
#include "base/map.h"
#include "disk/close_queue.h"
#include "disk/file_watch.h"
#include "disk/reach.h"
#include "disk/root.h"
#include "http/etag.h"
#include "http/negotiate.h"
#include "http/response.h"
#include "sys/file.h"

enum file_kind {
    FILE_REGULAR,
    FILE_FOLDER,
    FILE_ABSENT,    /* nothing there, or nothing that may be reached: 404 */
    FILE_FORBIDDEN, /* no permission, or a device, a FIFO, a socket: 403 */
};

/* Bytes before a small file's content where its head may be kept, so that both leave in one piece. */
#define FILE_HEAD_BYTES_MAX 1536

#define FILE_SAMPLES 5

struct file {
    unsigned references;
    uint8_t kind; /* enum file_kind */
    uint8_t
        coding; /* enum http_coding of these bytes: not identity for "style.css.br" found for "style.css" */
    uint8_t siblings;   /* set of codings in which the file exists beside itself (identity only) */
    bool is_cached;     /* stands in the cache; the cache has one of the references */
    bool revalidate;    /* nobody tells when it changes: look at it again before each use */
    bool follows_link;  /* symbolic links lead to it */
    bool crosses_mount; /* another file system than the root's had to be gone to */
    bool is_racy;       /* so young that a change might leave no trace in its times: not cached */
    bool is_remote; /* on a file system that may keep whoever asks waiting: its descriptor is not for the loop
                     */
    bool is_revalidating; /* somebody is looking, off the loop, whether it is still true */
    int fd;               /* of a regular file that is not in memory, else -1 */
    struct root *root;
    uint64_t root_serial;      /* the root's when it was opened */
    struct map_link link;      /* in the cache */
    struct list recently_used; /* in the cache */
    struct watch_item watched; /* in the cache */
    struct file_status status;
    char *block; /* FILE_HEAD_BYTES_MAX bytes, then the content if it is in memory; NULL before the first head
                  */
    bool in_memory;
    struct http_kept_head kept_head; /* of the plain 200, in the block */
    uint64_t kept_head_id;           /* what that was made by: see serve/head_id.h */
    int64_t hot_until_ms;            /* loop time: until then the content is taken to be in the page cache */
    uint64_t seen_ms;                /* loop time: when it was last found to be true */
    uint64_t seen_mounts;            /* changes of the mount table that had been noticed before that */
    uint64_t opened_ms; /* loop time: when the path was last opened, and what stands beside it looked for */
    struct close_queue
        *close_queue; /* who closes the descriptor of a remote file; NULL: whoever lets go of it last */
    uint8_t etag_length;
    char etag[HTTP_ETAG_MAX];
    uint8_t samples_taken;          /* of a file that is not in memory: a bit for each of these */
    uint64_t samples[FILE_SAMPLES]; /* hashes of its bytes at a few places: see file_version.h */
    uint16_t path_length;
    char path[]; /* beneath the root, without leading '/', NUL-terminated; "." for the root itself. For a
                  * coding other than identity it is the path of the identity */
};

/* What to open. */
struct file_request {
    struct root *root;
    struct reach reach;      /* of the root at the time of the request, */
    uint64_t root_serial;    /* and its serial */
    struct slice path;       /* as in struct file */
    enum http_coding coding; /* not identity: the sibling with that coding */
    uint32_t memory_max;     /* content up to this size is read into memory */
    bool with_siblings;      /* look for siblings in other codings */
    bool with_lone_siblings; /* and of a file that is not there */
    bool cached_only;        /* never wait for a disk: -EAGAIN instead */
    bool stays_on_fs;        /* never go to another file system than the root's: -EREMOTE instead */
    bool is_remote;          /* the root's file system is not local */
};

/* Opens; blocks unless `cached_only`. Touches nothing but its arguments, so it may run on the offload pool.
 * Returns 0 and a file of any kind with one reference, or -EAGAIN, -EREMOTE, -EMFILE, -ENFILE, -ENOMEM, -EIO,
 * ERROR_CHANGED (it changes faster than it can be read). */
int file_open(const struct file_request *request, struct file **ret_file) MUST_CHECK;

static inline struct file *file_ref(struct file *file)
{
    file->references++;
    return file;
}

/* One holder less; the last one closes and frees. NULL is ignored. */
void file_unref(struct file *file);

/* Room for the head of its plain 200, of a file that is not in memory; without memory there is none. */
void file_make_room_for_head(struct file *file);

/* The content of a regular file that is in memory. */
static inline struct slice file_content(const struct file *file)
{
    return slice_make(file->block + FILE_HEAD_BYTES_MAX, (size_t)file->status.size);
}

static inline struct slice file_path(const struct file *file)
{
    return slice_make(file->path, file->path_length);
}

static inline struct slice file_etag(const struct file *file)
{
    return slice_make(file->etag, file->etag_length);
}

/* The same state of the same file; the time of the last change of its links or permissions does not count. */
static inline bool file_is_same(const struct file_status *a, const struct file_status *b)
{
    return a->device == b->device && a->inode == b->inode && a->size == b->size &&
           a->modified_ns == b->modified_ns;
}

/* The same, and nothing was done to it at all. Whoever writes to a file and puts its time back leaves a trace
 * in the other one only. */
static inline bool file_is_untouched(const struct file_status *a, const struct file_status *b)
{
    return file_is_same(a, b) && a->changed_ns == b->changed_ns && a->mode == b->mode;
}

/* The same file, longer now: perhaps bytes were only added to it. */
static inline bool file_has_grown(const struct file_status *before, const struct file_status *now)
{
    return before->device == now->device && before->inode == now->inode && now->size > before->size;
}

/* Memory that the file holds, for the cache's account. */
size_t file_bytes(const struct file *file);

/* The name ending of a coding's siblings: ".br"; empty for identity. */
struct slice file_coding_suffix(enum http_coding coding);

#endif
