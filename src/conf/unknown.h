/* What to say about a key that is no option of its section: a typing mistake, an option of another section,
 * or a word of another server's configuration. */
#ifndef CONF_UNKNOWN_H
#define CONF_UNKNOWN_H

#include "conf/document.h"
#include "conf/options.h"

/* "x-anything" is no option and no mistake: a place for anchors, or for notes of other tools. */
bool key_is_extension(const struct node *key);

/* Reports the key. */
void unknown_report(struct diagnostics *diagnostics, enum option_section section, const struct node *key);

/* Whether an unknown key of the map was meant for this option: then it is not missing as well. */
bool unknown_explains(enum option_section section, const struct node *map, const struct option *option);

/* "the top of the file", or the section's path. */
const char *section_name(enum option_section section);

#endif
