/* The reference of the configuration file, from the table of options. */
#ifndef CONF_MANUAL_H
#define CONF_MANUAL_H

#include "conf/page.h"

/* A configuration that shows the usual things; it is in the reference, and a test loads it. */
extern const char manual_example[];

/* Writes the reference: an introduction, then each section with its options. `level` is that of its heading;
 * there are two below it at most. */
void manual_print(const struct manual_page *page, unsigned level);

#endif
