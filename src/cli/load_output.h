/* An output file of `vif load`: opened before the run, so that an unwritable path is reported early, and
 * written after it. */
#ifndef CLI_LOAD_OUTPUT_H
#define CLI_LOAD_OUTPUT_H

#include "base/buffer.h"

#include <stdio.h>

/* Zeroed: no output. */
struct load_output {
    const char *what; /* "the figures", for messages */
    const char *path; /* borrowed; "-" is standard output */
    FILE *file;
    bool was_made; /* it created the file, which is still empty */
};

/* Opens a file, or standard output for "-". An existing file keeps its content until load_output_write.
 * Returns false after printing an error. Call load_output_close in any case. */
bool load_output_open(struct load_output *output, const char *what, const char *path) MUST_CHECK;

/* Replaces the file's content by the text. Returns false after printing an error, also if the buffer ran out
 * of memory. */
bool load_output_write(struct load_output *output, const struct buffer *text) MUST_CHECK;

/* Closes the file, and removes it if it was created and not written to. */
void load_output_close(struct load_output *output);

#endif
