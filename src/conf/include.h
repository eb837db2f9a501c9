/* `include`: other files whose options belong to a configuration. */
#ifndef CONF_INCLUDE_H
#define CONF_INCLUDE_H

#include "conf/document.h"

/* Files that one configuration may include, and the bytes of all of them. */
#define INCLUDE_FILES_MAX 1000
#define INCLUDE_BYTES_MAX (4u << 20)

/* Reads the files that the document's `include` names, beginning at the folder of `path`, which is the file
 * that the document was read from ("-": standard input, and the current folder), and merges them into it:
 * lists are appended, in the order of `include` and, within a pattern, of the names; maps become one;
 * anything else may be there once. Each file is included once, and never the document's own. Mistakes are
 * reported where they are, also in the included files. Returns 0; ERROR_SYNTAX with at least one mistake;
 * -ENOMEM. */
int include_expand(struct document *document, const char *path, struct diagnostics *diagnostics) MUST_CHECK;

#endif
