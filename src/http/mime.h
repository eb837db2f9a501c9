/* Media types of files, by name. */
#ifndef HTTP_MIME_H
#define HTTP_MIME_H

#include "base/slice.h"

/* The Content-Type value for a path or file name. The last extension decides, ignoring case: "a.tar.gz" is
 * application/gzip. Text types get charset UTF-8. A name without an extension is application/octet-stream,
 * except for names that are text by convention (README, LICENSE, Makefile, SHA256SUMS and so on). An
 * unknown extension is application/octet-stream, too, and so is a name like ".profile" that consists of an
 * extension only. Static. */
struct slice http_mime_type(struct slice path);

/* Whether the name has an extension that is in the table. */
bool http_mime_is_known(struct slice path);

/* Whether files with this name can usually be compressed: false for pictures, archives and unknown types. */
bool http_mime_is_compressible(struct slice path);

#endif
