/* Turns syntax errors of libyaml into helpful messages. */
#ifndef CONF_YAML_FAULT_H
#define CONF_YAML_FAULT_H

#include "conf/diagnostics.h"

#include <yaml.h>

/* The innermost "{" or "[" that is open where the parser stopped; line 0: none. */
struct yaml_bracket {
    struct source_position position;
    char byte;
};

/* Adds one mistake for the error at which the parser stopped, which must not be YAML_MEMORY_ERROR. */
void yaml_fault_report(const yaml_parser_t *parser, const struct source_text *source,
                       const struct yaml_bracket *innermost, struct diagnostics *diagnostics);

/* Converts libyaml's marks to a position. */
struct source_position yaml_position(const struct source_text *source, const yaml_mark_t *start,
                                     const yaml_mark_t *end);

#endif
