/* The reference of the configuration file, generated from the table of options. */
#ifndef CONF_MANUAL_H
#define CONF_MANUAL_H

#include "conf/page.h"

/* An example configuration with common options; it is in the reference, and a test loads it. */
extern const char manual_example[];

/* Writes the reference: an introduction, then each section with its options. `level` is the level of its
 * heading; it uses up to two levels below. */
void manual_print(const struct manual_page *page, unsigned level);

#endif
