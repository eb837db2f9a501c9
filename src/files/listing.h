/* The listing of a folder, as a page or as JSON.
 *
 * Blocks (it reads the folder and asks for every entry's status): call it on the offload pool. */
#ifndef FILES_LISTING_H
#define FILES_LISTING_H

#include "base/buffer.h"
#include "disk/reach.h"

/* Entries that one listing shows at most; a larger folder is cut there, and says so. */
#define LISTING_ENTRIES_MAX 10000

enum listing_format { LISTING_HTML, LISTING_JSON };

struct listing_options {
    struct reach reach;    /* of the root */
    const char *folder;    /* beneath the root, NUL-terminated, "." for the root itself */
    struct slice url_path; /* of the folder as the client sees it, decoded, begins and ends with '/' */
    struct slice query; /* of the request: "sort=name|size|modified" and "order=asc|desc", others ignored */
    enum listing_format format;
    bool hidden; /* show names that begin with '.'; ".well-known" is always shown */
};

/* Appends the listing to `out`. Only what vif would serve is shown: folders, regular files, and symbolic
 * links that lead to one of these in reach. Folders stand before files. The page's links are relative,
 * so that it works behind a proxy that maps the path. Where `out` gets full (an entry takes about 300 bytes)
 * the listing is cut, and says so.
 *
 * JSON is {"path": "/of/the/folder/", "entries": [...], "truncated": false}, an entry being {"name": "a b",
 * "href": "./a%20b", "type": "file" or "folder", "size": bytes, null for a folder, "modified":
 * "2026-01-31T12:00:00Z"}.
 *
 * Returns 0, or -errno with `out` as it was: of a folder that cannot be opened or read; -EFBIG where
 * `out` has not even room for an empty listing (16 KiB), or memory for it ran out. */
int listing_make(const struct listing_options *options, struct buffer *out) MUST_CHECK;

/* The value of Content-Security-Policy for the HTML form: its own style and nothing else. Lives for ever. */
struct slice listing_security_policy(void);

#endif
