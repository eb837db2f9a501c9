/* Environment variables in a configuration: ${NAME}, and ${NAME:-default} if unset or empty. "$${" is a
 * literal "${". */
#ifndef CONF_VARIABLES_H
#define CONF_VARIABLES_H

#include "base/buffer.h"
#include "conf/diagnostics.h"

/* Whether a text contains anything to replace. */
bool variables_are_in(struct slice text);

/* Appends the text with its variables replaced. Returns false after reporting, at `position`, a variable that
 * is not set or has wrong syntax. Also check `out` for out of memory. */
bool variables_replace(struct slice text, struct source_position position, struct diagnostics *diagnostics,
                       struct buffer *out) MUST_CHECK;

#endif
