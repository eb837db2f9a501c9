/* Whether a stream is a terminal, and supports colours. */
#ifndef CLI_TERMINAL_H
#define CLI_TERMINAL_H

#include <stdbool.h>
#include <stdio.h>

bool terminal_is(FILE *stream);

/* Whether it is a terminal and neither NO_COLOR (no-color.org) nor TERM=dumb is set. */
bool terminal_has_colours(FILE *stream);

#endif
