/* Where `vif load` writes its report: opened before the run, so that nobody waits for figures which have no
 * place to go to, and written after it. */
#ifndef CLI_LOAD_OUTPUT_H
#define CLI_LOAD_OUTPUT_H

#include "base/buffer.h"

#include <stdio.h>

/* Zeroed: nowhere. */
struct load_output {
    const char *what; /* "the figures", for messages */
    const char *path; /* borrowed; "-" is standard output */
    FILE *file;
    bool was_made; /* there was no such file before, and there is nothing in it yet */
};

/* Opens a file, or standard output for "-". A file that is there keeps its content until something is
 * written. Says what went wrong, and returns false. load_output_close afterwards, in any case. */
bool load_output_open(struct load_output *output, const char *what, const char *path) MUST_CHECK;

/* Writes the text in place of what the file held. Says what went wrong, and returns false; also for a text
 * that was not made whole. */
bool load_output_write(struct load_output *output, const struct buffer *text) MUST_CHECK;

/* Closes the file; one that was made and has nothing written to it is removed. */
void load_output_close(struct load_output *output);

#endif
