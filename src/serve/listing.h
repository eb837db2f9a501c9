/* The listing of a folder, as a page or as JSON.
 *
 * Blocks (it reads the folder and asks for every entry's status): call it on the offload pool. */
#ifndef SERVE_LISTING_H
#define SERVE_LISTING_H

#include "base/buffer.h"

/* Entries that one listing shows; a larger folder is cut there, and says so. */
#define LISTING_ENTRIES_MAX 10000

enum listing_format { LISTING_HTML, LISTING_JSON };

struct listing_options {
    int root_fd;            /* the root's folder descriptor, see sys_open_beneath */
    const char *folder;     /* beneath the root, NUL-terminated, "." for the root itself */
    struct slice url_path;  /* of the folder as the client sees it, decoded, begins and ends with '/' */
    struct slice query;     /* of the request: "sort=name|size|modified" and "order=asc|desc", others ignored */
    enum listing_format format;
    bool hidden; /* show names that begin with '.' */
};

/* Appends the listing to `out`. Only what vif would serve is shown: folders, regular files, and symbolic links that lead to one of these inside the
 * root. Folders stand before files. Returns 0, or -errno (-EFBIG where `out` is too small). */
int listing_make(const struct listing_options *options, struct buffer *out) MUST_CHECK;

#endif
