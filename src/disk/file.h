/* A file beneath a root, as it was found: its kind, its validators, and its content or a descriptor.
 *
 * A file is reference-counted and does not change after it was opened, except for its kept head. A small
 * file is read into memory completely, and only if it did not change meanwhile, so that nobody is served a
 * mixture of two versions. */
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

/* Bytes before a small file's content in which its response head may be kept, so that both are sent as one
 * piece. */
#define FILE_HEAD_BYTES_MAX 1536

#define FILE_SAMPLES 5

struct file {
    unsigned references;
    uint8_t kind; /* enum file_kind */
    uint8_t
        coding; /* enum http_coding of these bytes: not identity for "style.css.br" found for "style.css" */
    uint8_t siblings;     /* set of codings for which a sibling file exists ("style.css.br"); identity only */
    bool is_cached;       /* it is in the cache, which holds one of the references */
    bool revalidate;      /* changes are not reported: look at it again before each use */
    bool follows_link;    /* the path leads through symbolic links */
    bool crosses_mount;   /* it is on another file system than the root */
    bool is_racy;         /* so recently modified that a change might not show in its times: not cached */
    bool is_remote;       /* on a file system that may block: the loop must not use its descriptor */
    bool is_revalidating; /* a job is checking whether it is still up to date */
    int fd;               /* of a regular file that is not in memory, otherwise -1 */
    struct root *root;
    uint64_t root_serial;      /* serial of the root when the file was opened */
    struct map_link link;      /* in the cache */
    struct list recently_used; /* in the cache */
    struct watch_item watched; /* in the cache */
    struct file_status status;
    char *block; /* FILE_HEAD_BYTES_MAX bytes, then the content if in memory; NULL before the first head */
    bool in_memory;
    struct http_kept_head kept_head; /* head of its plain 200 response, in the block */
    uint64_t kept_head_id;           /* identifies what the kept head was made from: see serve/head_id.h */
    int64_t hot_until_ms; /* loop time: until then the content is assumed to be in the page cache */
    uint64_t seen_ms;     /* loop time: when it was last found to be up to date */
    uint64_t seen_mounts; /* number of mount table changes noticed before that */
    uint64_t opened_ms;   /* loop time: when the path was last opened and its siblings were looked for */
    struct close_queue
        *close_queue; /* closes the descriptor of a remote file; NULL: the last file_unref closes it */
    uint8_t etag_length;
    char etag[HTTP_ETAG_MAX];
    uint8_t samples_taken;          /* for a file that is not in memory: one bit for each sample taken */
    uint64_t samples[FILE_SAMPLES]; /* hashes of its bytes at a few positions: see file_version.h */
    uint16_t path_length;
    char path[]; /* beneath the root, without leading '/', NUL-terminated; "." for the root itself. For a
                    coding other than identity, it is the path of the identity file */
};

/* What to open. */
struct file_request {
    struct root *root;
    struct reach reach;      /* of the root at the time of the request */
    uint64_t root_serial;    /* of the root at the time of the request */
    struct slice path;       /* as in struct file */
    enum http_coding coding; /* if not identity: open the sibling with that coding */
    uint32_t memory_max;     /* content up to this size is read into memory */
    bool with_siblings;      /* look for siblings in other codings */
    bool with_lone_siblings; /* the same for a file that does not exist itself */
    bool cached_only;        /* -EAGAIN instead of waiting for a disk */
    bool stays_on_fs;        /* -EREMOTE instead of entering another file system than the root's */
    bool is_remote;          /* the root's file system is not local */
};

/* Opens a file; blocks unless `cached_only`. Touches only its arguments, so it may run on the offload
 * pool. Returns 0 and a file of any kind with one reference, or -EAGAIN, -EREMOTE, -EMFILE, -ENFILE,
 * -ENOMEM, -EIO, ERROR_CHANGED (it changes faster than it can be read). */
int file_open(const struct file_request *request, struct file **ret_file) MUST_CHECK;

static inline struct file *file_ref(struct file *file)
{
    file->references++;
    return file;
}

/* Drops a reference; the last one closes and frees the file. NULL is ignored. */
void file_unref(struct file *file);

/* Allocates space for the head of the plain 200 response of a file that is not in memory; if memory runs
 * out, there is none. */
void file_make_room_for_head(struct file *file);

/* The content of a regular file that is in memory (in_memory). */
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

/* Whether both are the same version of the same file. The time of the last status change (links,
 * permissions) is ignored. */
static inline bool file_is_same(const struct file_status *a, const struct file_status *b)
{
    return a->device == b->device && a->inode == b->inode && a->size == b->size &&
           a->modified_ns == b->modified_ns;
}

/* Stricter: also nothing else changed. If somebody writes to a file and resets its modification time, only
 * the status change time shows it. */
static inline bool file_is_untouched(const struct file_status *a, const struct file_status *b)
{
    return file_is_same(a, b) && a->changed_ns == b->changed_ns && a->mode == b->mode;
}

/* Whether it is the same file, but longer now: perhaps bytes were only appended. */
static inline bool file_has_grown(const struct file_status *before, const struct file_status *now)
{
    return before->device == now->device && before->inode == now->inode && now->size > before->size;
}

/* The memory that the file uses, for the cache's limit. */
size_t file_bytes(const struct file *file);

/* The suffix of siblings with this coding: ".br"; empty for identity. */
struct slice file_coding_suffix(enum http_coding coding);

#endif
