/* Finding the file for a path: in the cache; otherwise opened at once, if that needs no waiting; otherwise
 * on the offload pool. */
#ifndef FILES_LOOKUP_H
#define FILES_LOOKUP_H

#include "serve/exchange.h"

/* Called with a reference to a file of any kind. Not called if no file could be opened for lack of
 * descriptors or memory, or because of a disk error: the exchange was answered 503 or 500 then. */
typedef void lookup_done(struct exchange *exchange, struct file *file);

/* Looks up `path` beneath `root` and calls `done`, before it returns or later. The path is borrowed for
 * the call. */
void lookup(struct exchange *exchange, struct root *root, struct slice path, lookup_done *done);

/* Looks up the sibling of `file` in another coding; if the sibling is gone, `done` gets the file itself.
 * Takes over the reference to the file. */
void lookup_coding(struct exchange *exchange, struct file *file, enum http_coding coding, lookup_done *done);

#endif
