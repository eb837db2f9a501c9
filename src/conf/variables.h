/* Variables of the environment in a configuration: ${NAME}, and ${NAME:-default} for one that is unset or
 * empty. "$${" stands for "${". */
#ifndef CONF_VARIABLES_H
#define CONF_VARIABLES_H

#include "base/buffer.h"
#include "conf/diagnostics.h"

/* Whether there is anything to replace. */
bool variables_are_in(struct slice text);

/* Appends the text with its variables replaced. A variable without value, or one that is not written so, is a
 * mistake reported at `position`, and false. `out` may have failed. */
bool variables_replace(struct slice text, struct source_position position, struct diagnostics *diagnostics,
                       struct buffer *out) MUST_CHECK;

#endif
