/* Looking at a path beneath a root without opening what is there: its kind and its status.
 *
 * This is how a file is first met, so that no FIFO is joined and no device is woken by a request; and how
 * something that is known already is compared with what its path leads to now, for a few system calls and
 * without reading a byte of it. */
#ifndef DISK_FILE_LOOK_H
#define DISK_FILE_LOOK_H

#include "disk/file.h"

struct file_look {
    uint8_t kind;       /* enum file_kind; of FILE_REGULAR it is not known yet whether it may be read */
    bool follows_link;  /* a symbolic link was followed: watching the path's folders does not show a change */
    bool crosses_mount; /* as in struct file */
    bool is_remote;
    struct file_status status; /* all zero where the path leads nowhere */
};

/* Looks at `path`, which is the request's path with or without a coding's suffix. Waits for nothing with
 * `cached_only`. Returns 0; or an error that says nothing about the path: -EAGAIN, -EREMOTE, -EMFILE,
 * -ENFILE, -ENOMEM, -EIO. `ret_entry` is a descriptor of OPEN_PATH where the kind is FILE_REGULAR, else -1;
 * NULL where nobody wants it. */
int file_look(const struct file_request *request, const char *path, struct file_look *ret_look,
              int *ret_entry) MUST_CHECK;

/* Opens for reading what `path` leads to now, with as much patience as file_look has: a descriptor, or
 * -errno as above. Only for a path that led to a file. What has taken its place is opened as well: nothing
 * waits for a FIFO. */
int file_look_open(const struct file_request *request, const char *path, bool follows_link) MUST_CHECK;

/* Looks whether the request would find `file` again, as it was. Returns 1, 0 where it changed in any way, or
 * an error as above. What stands beside the file in other codings is not looked at. */
int file_look_again(const struct file_request *request, const struct file *file) MUST_CHECK;

/* 0 and a kind for an error of open(2) that is a fact about the path; the error itself where it is not. */
int file_look_kind(int error, uint8_t *ret_kind) MUST_CHECK;

/* The request's path as a string, with the suffix of a coding behind it; `out` has FILE_LOOK_PATH_MAX bytes.
 */
#define FILE_LOOK_PATH_MAX (4096 + 5)
void file_look_path(char *out, const struct file_request *request, enum http_coding coding);

#endif
