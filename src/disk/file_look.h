/* Looking at a path beneath a root without opening it: its kind and its status.
 *
 * A file is always looked at before it is opened, so that a request cannot open a FIFO or a device. It is
 * also the cheap way to check whether a known file is still what its path leads to: a few system calls,
 * without reading the content. */
#ifndef DISK_FILE_LOOK_H
#define DISK_FILE_LOOK_H

#include "disk/file.h"

struct file_look {
    uint8_t kind;       /* enum file_kind; FILE_REGULAR does not mean yet that it may be read */
    bool follows_link;  /* a symbolic link was followed: changes may not show in the path's folders */
    bool crosses_mount; /* as in struct file */
    bool is_remote;
    struct file_status status; /* all zero if the path leads nowhere */
};

/* Looks at `path`, which is the request's path with or without a coding's suffix. Never waits for a disk
 * with `cached_only`. Returns 0; or an error that says nothing about the path: -EAGAIN, -EREMOTE, -EMFILE,
 * -ENFILE, -ENOMEM, -EIO. `ret_entry` may be NULL; it is set to a descriptor of OPEN_PATH for
 * FILE_REGULAR, else to -1. */
int file_look(const struct file_request *request, const char *path, struct file_look *ret_look,
              int *ret_entry) MUST_CHECK;

/* Opens for reading what `path` leads to now, under the same `cached_only` rule. Returns a descriptor, or
 * -errno as above. Only for a path that led to a regular file. If something else has replaced it, that is
 * opened; a FIFO does not block. */
int file_look_open(const struct file_request *request, const char *path, bool follows_link) MUST_CHECK;

/* Whether the request would find `file` again, unchanged. Returns 1; 0 if it changed in any way; or an
 * error as above. Siblings in other codings are not checked. */
int file_look_again(const struct file_request *request, const struct file *file) MUST_CHECK;

/* If the error of open(2) is a fact about the path, returns 0 and the kind; otherwise returns the error. */
int file_look_kind(int error, uint8_t *ret_kind) MUST_CHECK;

/* Writes the request's path with the suffix of a coding, NUL-terminated; `out` has FILE_LOOK_PATH_MAX
 * bytes. */
#define FILE_LOOK_PATH_MAX (4096 + 5)
void file_look_path(char *out, const struct file_request *request, enum http_coding coding);

#endif
