/* Loads a configuration file. */
#ifndef CONF_FILE_H
#define CONF_FILE_H

#include "conf/document.h"

/* Reads a regular file into the root of the document, which must be an empty map. A file that cannot be read,
 * or is longer than DOCUMENT_BYTES_MAX, is reported at `position`, where it is named. Adds its length to
 * `bytes`. Returns 0; ERROR_SYNTAX with at least one mistake; or -ENOMEM. */
int file_load(const char *path, struct source_position position, struct diagnostics *diagnostics,
              struct document *document, size_t *bytes) MUST_CHECK;

#endif
