/* Messages for unknown keys: a typing mistake, an option of another section, or one of another server. */
#ifndef CONF_UNKNOWN_H
#define CONF_UNKNOWN_H

#include "conf/document.h"
#include "conf/options.h"

/* Whether the key is "x-anything", which is ignored: such keys can hold anchors or notes for other tools. */
bool key_is_extension(const struct node *key);

/* Reports the key. */
void unknown_report(struct diagnostics *diagnostics, enum option_section section, const struct node *key);

/* Whether an unknown key of the map was probably meant for this option: then the option is not reported as
 * missing. */
bool unknown_explains(enum option_section section, const struct node *map, const struct option *option);

/* "the top of the file", or the section's path. */
const char *section_name(enum option_section section);

#endif
