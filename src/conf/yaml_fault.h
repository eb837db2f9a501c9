/* What libyaml says about a text that is no YAML, in words that say what to do. */
#ifndef CONF_YAML_FAULT_H
#define CONF_YAML_FAULT_H

#include "conf/diagnostics.h"

#include <yaml.h>

/* A "{" or "[" that is still open where the parser stopped; line 0: none is. */
struct yaml_bracket {
    struct source_position position;
    char byte;
};

/* Adds one mistake for the error that the parser stopped at. It must not be YAML_MEMORY_ERROR. */
void yaml_fault_report(const yaml_parser_t *parser, const struct source_text *source,
                       const struct yaml_bracket *innermost, struct diagnostics *diagnostics);

/* The place of a mark of libyaml's. */
struct source_position yaml_position(const struct source_text *source, const yaml_mark_t *start,
                                     const yaml_mark_t *end);

#endif
