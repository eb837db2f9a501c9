/* Configuration files as files. */
#ifndef CONF_FILE_H
#define CONF_FILE_H

#include "conf/document.h"

/* Reads a regular file into the root of the document, which is an empty map. One that cannot be read, or is
 * longer than DOCUMENT_BYTES_MAX, is reported at `position`, where it is named. `bytes` grows by its length.
 * Returns 0; ERROR_SYNTAX with at least one mistake; -ENOMEM. */
int file_load(const char *path, struct source_position position, struct diagnostics *diagnostics,
              struct document *document, size_t *bytes) MUST_CHECK;

#endif
