/* YAML text into a document, by libyaml. */
#ifndef CONF_YAML_H
#define CONF_YAML_H

#include "conf/document.h"

/* Reads one YAML document in UTF-8 whose top is a map (an empty text is an empty map) into an initialised
 * document, as its root. Anchors and aliases work; tags, several documents and keys that are not texts are
 * mistakes, as is a key that stands twice. Mistakes go to `diagnostics`: after one of syntax, reading ends.
 * Returns 0, also with duplicate keys told; ERROR_SYNTAX, with at least one mistake told; -ENOMEM. */
int yaml_read(const struct source *source, struct diagnostics *diagnostics,
              struct document *document) MUST_CHECK;

#endif
