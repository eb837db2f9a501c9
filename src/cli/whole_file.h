/* A file that is needed whole: a run's figures, the body of a request. */
#ifndef CLI_WHOLE_FILE_H
#define CLI_WHOLE_FILE_H

#include "base/buffer.h"

/* Appends what is in the file, or in standard input for "-". Returns 0 or -errno: -EFBIG where that is more
 * than the buffer takes. */
int whole_file_read(const char *path, struct buffer *out) MUST_CHECK;

#endif
