/* From a path to a file: out of the cache, else opened at once where nothing needs to be waited for, else on
 * the offload pool. */
#ifndef FILES_LOOKUP_H
#define FILES_LOOKUP_H

#include "serve/exchange.h"

/* Called with a file of any kind and a reference to it. Not called at all where none could be had for want of
 * descriptors, of memory or of a working disk: then the exchange was answered 503 or 500. */
typedef void lookup_done(struct exchange *exchange, struct file *file);

/* Looks `path` beneath `root` up and calls `done`, before it returns or later. The path is borrowed for the
 * call. */
void lookup(struct exchange *exchange, struct root *root, struct slice path, lookup_done *done);

/* Looks for the sibling of `file`, whose reference it takes, in another coding; where that is gone, `done`
 * gets the file itself. */
void lookup_coding(struct exchange *exchange, struct file *file, enum http_coding coding, lookup_done *done);

#endif
