/* The listing of a folder, as an HTML page or as JSON, written piece by piece, whatever the size of the
 * folder.
 *
 * All names must be known before the first can be written, because they are sorted. Each takes 24 bytes
 * and the name; equal listings in progress share the memory. The budget limits it for all listings of a
 * worker.
 *
 * listing_open and listing_write block (they read the folder and get every entry's status): call them on
 * the offload pool. */
#ifndef FILES_LISTING_H
#define FILES_LISTING_H

#include "base/buffer.h"
#include "disk/folder_shelf.h"

/* The most entries that one listing shows; the listing of a larger folder is cut there and says so. */
#define LISTING_ENTRIES_MAX 1000000

/* Rows are added to a piece up to this size; with the last row it fits into 8 KiB. For a client that does
 * not read, two pieces are held. */
#define LISTING_PIECE_BYTES (7u << 10)

/* The limit for the first piece: the head of a page has a link for each of the folders above. */
#define LISTING_PIECE_BYTES_MAX (1u << 20)

enum listing_format { LISTING_HTML, LISTING_JSON };

struct listing_options {
    struct reach reach;    /* of the root */
    const char *folder;    /* beneath the root, NUL-terminated, "." for the root itself */
    struct slice url_path; /* of the folder as the client sees it, decoded; begins and ends with '/' */
    struct slice query; /* of the request: "sort=name|size|modified" and "order=asc|desc", others ignored */
    enum listing_format format;
    bool has_archive; /* link to "?archive=tar" on the page */
    bool hidden;      /* show names that begin with '.'; ".well-known" is always shown */
    struct folder_budget *budget;
    struct folder_shelf *shelf;
    const atomic_bool *is_abandoned; /* see struct folder_query */
};

enum listing_stage { LISTING_HEAD, LISTING_ROWS, LISTING_END };

struct listing {
    const struct listing_options *options;
    struct shared_folder *folder;
    enum listing_stage stage;
    size_t shown;   /* number of entries written so far */
    size_t folders; /* how many of them are folders */
    uint64_t bytes; /* sum of their sizes */
    enum folder_order order;
    bool descending;
};

/* Reads the folder and sorts it. Only what vif would serve is shown: folders, regular files, and symbolic
 * links to either within reach. Folders come before files. The page's links are relative, so that it works
 * behind a proxy that maps the path.
 *
 * JSON is {"path": "/of/the/folder/", "entries": [...], "truncated": false}, an entry being {"name": "a
 * b", "href": "./a%20b", "type": "file" or "folder", "size": bytes, null for a folder, "modified":
 * "2026-01-31T12:00:00Z"}.
 *
 * Returns 0, to be followed by listing_close, or -errno like folder_entries_read. `options` must live as
 * long as the listing. */
int listing_open(struct listing *listing, const struct listing_options *options) MUST_CHECK;

/* Appends the next piece to `out`, which must be empty and have room for LISTING_PIECE_BYTES_MAX; at the
 * end of the listing the stage is LISTING_END. If memory runs out, `out` is marked as failed. */
void listing_write(struct listing *listing, struct buffer *out);

/* May also be called if listing_open failed, or if only `options` was set. */
void listing_close(struct listing *listing);

/* The value of Content-Security-Policy for the HTML page: allows only its own style. Static. */
struct slice listing_security_policy(void);

#endif
