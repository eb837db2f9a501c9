/* Media types of files, by their names. */
#ifndef HTTP_MIME_H
#define HTTP_MIME_H

#include "base/slice.h"

/* The Content-Type value for a path or file name. The last extension decides, whatever its case: "a.tar.gz"
 * is application/gzip. Text is said to be UTF-8. A name without an extension is application/octet-stream, but
 * for those that by custom are text (README, LICENSE, Makefile, SHA256SUMS and their like); so is an
 * extension that nobody has registered, and a name like ".profile" that is nothing but one. Lives for ever.
 */
struct slice http_mime_type(struct slice path);

/* Whether the name has an extension that the table knows. */
bool http_mime_is_known(struct slice path);

/* Whether compression makes files of this name smaller: false for pictures, archives and all that is unknown.
 */
bool http_mime_is_compressible(struct slice path);

#endif
