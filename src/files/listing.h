/* The listing of a folder, as a page or as JSON, a piece at a time, of whatever size the folder is.
 *
 * All names must be known before the first can be written, as they are sorted; 24 bytes and the name are held
 * for each, once for all listings that read the same. The budget bounds that for all listings of a worker.
 *
 * listing_open and listing_write block (they read the folder and ask for every entry's status): call them on
 * the offload pool. */
#ifndef FILES_LISTING_H
#define FILES_LISTING_H

#include "base/buffer.h"
#include "disk/folder_shelf.h"

/* Entries that one listing shows at most; a larger folder is cut there, and says so. */
#define LISTING_ENTRIES_MAX 1000000

/* Rows are added to a piece up to here: with the last one it fits into 8 KiB, of which a client that does not
 * read holds two. */
#define LISTING_PIECE_BYTES (7u << 10)

/* What the first piece may take: the head of a page links each of the folders above. */
#define LISTING_PIECE_BYTES_MAX (1u << 20)

enum listing_format { LISTING_HTML, LISTING_JSON };

struct listing_options {
    struct reach reach;    /* of the root */
    const char *folder;    /* beneath the root, NUL-terminated, "." for the root itself */
    struct slice url_path; /* of the folder as the client sees it, decoded, begins and ends with '/' */
    struct slice query; /* of the request: "sort=name|size|modified" and "order=asc|desc", others ignored */
    enum listing_format format;
    bool has_archive; /* the page links to "?archive=tar" */
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
    size_t shown;   /* of the entries, so far */
    size_t folders; /* of these */
    uint64_t bytes; /* in these */
    enum folder_order order;
    bool descending;
};

/* Reads the folder and puts it in order. Only what vif would serve is shown: folders, regular files, and
 * symbolic links that lead to one of these in reach. Folders stand before files. The page's links are
 * relative, so that it works behind a proxy that maps the path.
 *
 * JSON is {"path": "/of/the/folder/", "entries": [...], "truncated": false}, an entry being {"name": "a b",
 * "href": "./a%20b", "type": "file" or "folder", "size": bytes, null for a folder, "modified":
 * "2026-01-31T12:00:00Z"}.
 *
 * Returns 0, to be followed by listing_close, or -errno as folder_entries_read. `options` must live as long
 * as the listing. */
int listing_open(struct listing *listing, const struct listing_options *options) MUST_CHECK;

/* Appends the next piece to `out`, which is empty and may take LISTING_PIECE_BYTES_MAX; at the end of the
 * listing the stage is LISTING_END. `out` fails where memory ran out. */
void listing_write(struct listing *listing, struct buffer *out);

/* Also where listing_open failed, or was not called and `options` is all that is set. */
void listing_close(struct listing *listing);

/* The value of Content-Security-Policy for the HTML form: its own style and nothing else. Lives for ever. */
struct slice listing_security_policy(void);

#endif
