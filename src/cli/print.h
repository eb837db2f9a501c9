/* Prints texts and diagnostics for commands. */
#ifndef CLI_PRINT_H
#define CLI_PRINT_H

#include "base/buffer.h"

struct diagnostics;

/* Writes the text to standard output and frees it. Returns the exit code: EXIT_FAILED, after printing an
 * error, if `error` is set or the write failed. */
int print_finish(struct buffer *text, int error);

/* Prints the diagnostics to standard error, in colours if terminal_has_colours. */
void print_diagnostics(struct diagnostics *diagnostics);

#endif
