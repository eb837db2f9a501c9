/* Printing: the end of commands that print a text and exit, and what is wrong with what was asked. */
#ifndef CLI_PRINT_H
#define CLI_PRINT_H

#include "base/buffer.h"

struct diagnostics;

/* Writes the text to standard output and frees it. Returns the exit code; with `error`, or where standard
 * output takes no more, a failed one, and says so. */
int print_finish(struct buffer *text, int error);

/* Writes what is wrong to standard error, in colours where these are liked. */
void print_diagnostics(struct diagnostics *diagnostics);

#endif
