/* Parses YAML into a document, by libyaml. */
#ifndef CONF_YAML_H
#define CONF_YAML_H

#include "conf/document.h"

/* Reads one YAML document in UTF-8 whose top is a map (an empty text is an empty map) into the root of an
 * initialised document. Supports anchors, aliases and "<<", and replaces environment variables
 * (conf/variables.h). Tags, multiple documents, keys that are not texts, and duplicate keys are mistakes.
 * Mistakes are added to `diagnostics`; reading stops at a syntax error. Returns 0, also after reporting
 * duplicate keys; ERROR_SYNTAX with at least one mistake reported; or -ENOMEM. */
int yaml_read(const struct source_text *source, struct diagnostics *diagnostics,
              struct document *document) MUST_CHECK;

/* The same of a text whose top may be anything; `ret_top` is NULL if the text is empty. */
int yaml_read_any(const struct source_text *source, struct diagnostics *diagnostics,
                  struct document *document, struct node **ret_top) MUST_CHECK;

#endif
