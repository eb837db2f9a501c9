/* The option `include`: merges other files into a configuration. */
#ifndef CONF_INCLUDE_H
#define CONF_INCLUDE_H

#include "conf/document.h"

/* Most files that a configuration may include, and their total size. */
#define INCLUDE_FILES_MAX 1000
#define INCLUDE_BYTES_MAX (4u << 20)

/* Reads the files named by the document's `include` and merges them into it. Relative names start at the
 * folder of `path`, the file that the document was read from ("-": standard input, and the current folder).
 * Lists are appended, in the order of `include` and, within a pattern, of the names; maps are merged; any
 * other option may occur only once. Each file is included once, and never the document's own. Mistakes are
 * reported at their positions in any of the files. Returns 0; ERROR_SYNTAX with at least one mistake; or
 * -ENOMEM. */
int include_expand(struct document *document, const char *path, struct diagnostics *diagnostics) MUST_CHECK;

#endif
