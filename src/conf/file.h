/* Loads a configuration file, or a list of servers. */
#ifndef CONF_FILE_H
#define CONF_FILE_H

#include "conf/document.h"

/* Reads a regular file into the root of the document, which must be an empty map. A file that cannot be read,
 * or is longer than DOCUMENT_BYTES_MAX, is reported at `position`, where it is named. Adds its length to
 * `bytes`. Returns 0; ERROR_SYNTAX with at least one mistake; or -ENOMEM. */
int file_load(const char *path, struct source_position position, struct diagnostics *diagnostics,
              struct document *document, size_t *bytes) MUST_CHECK;

/* Most bytes of a list: several times of what its servers need. */
#define LIST_FILE_BYTES_MAX (64u << 10)

/* Reads a file whose top may be anything; `ret_top` is NULL if it is empty. Otherwise like file_load, but
 * returns -ENOENT if there is no such file, and -EAGAIN if it was written to meanwhile, without a mistake. */
int file_load_list(const char *path, struct source_position position, struct diagnostics *diagnostics,
                   struct document *document, struct node **ret_top) MUST_CHECK;

#endif
