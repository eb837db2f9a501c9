/* Shared by the completions of the two shells. */
#ifndef CLI_COMPLETION_H
#define CLI_COMPLETION_H

#include "base/buffer.h"
#include "cli/flags.h"

/* Appends the possible values of a flag, separated by blanks; nothing if any text or a file is possible. */
void completion_append_values(struct buffer *out, const struct flag *flag);

void completion_print_zsh(struct buffer *out);

#endif
