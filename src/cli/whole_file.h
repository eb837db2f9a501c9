/* Reads a whole file: the results of a run, the body of a request. */
#ifndef CLI_WHOLE_FILE_H
#define CLI_WHOLE_FILE_H

#include "base/buffer.h"

/* Appends the content of the file, or of standard input for "-". Returns 0 or -errno; -EFBIG if it is larger
 * than the buffer's limit. */
int whole_file_read(const char *path, struct buffer *out) MUST_CHECK;

#endif
