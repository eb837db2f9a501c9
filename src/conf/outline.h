/* The outline of a document: a text with a line for each value and for each site, route and listener, by
 * which two editions of a configuration are compared.
 *
 * It can be kept when the document is gone. Items of lists are named by what tells them apart for people: a
 * site by its hosts, a listener by its address. */
#ifndef CONF_OUTLINE_H
#define CONF_OUTLINE_H

#include "base/buffer.h"
#include "conf/document.h"

#define OUTLINE_BYTES_MAX (8u << 20)

/* Appends the outline. */
void outline_write(const struct document *document, struct buffer *out);

/* Appends what has changed between two outlines, a line for each change:
 *
 *     + sites[example.com] (vif.yaml:7)
 *     ~ limits.uri: 8KiB -> 4KiB (vif.yaml:3)
 *     - sites[*].routes./old (vif.yaml:9)
 *
 * Of what is new or gone as a whole, only the whole is named. At most OUTLINE_CHANGES_MAX lines; then the
 * number of others. Returns the number of changes. */
#define OUTLINE_CHANGES_MAX 50
size_t outline_compare(struct slice former, struct slice now, struct buffer *out);

#endif
