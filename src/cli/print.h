/* The end of commands that print a text and exit. */
#ifndef CLI_PRINT_H
#define CLI_PRINT_H

#include "base/buffer.h"

/* Writes the text to standard output and frees it. Returns the exit code; with `error`, or where standard
 * output takes no more, a failed one, and says so. */
int print_finish(struct buffer *text, int error);

#endif
