/* YAML text into a document, by libyaml. */
#ifndef CONF_YAML_H
#define CONF_YAML_H

#include "conf/document.h"

/* Reads one YAML document in UTF-8 whose top is a map (an empty text is an empty map) into an initialised
 * document, as its root. Anchors, aliases and "<<" work, and variables of the environment are replaced
 * (conf/variables.h); tags, several documents and keys that are not texts are mistakes, as are duplicate
 * keys. Mistakes go to `diagnostics`: after one of syntax, reading ends. Returns 0, also with duplicate keys
 * reported; ERROR_SYNTAX, with at least one mistake reported; -ENOMEM. */
int yaml_read(const struct source_text *source, struct diagnostics *diagnostics,
              struct document *document) MUST_CHECK;

#endif
