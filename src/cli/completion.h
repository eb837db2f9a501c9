/* What the completions of the two shells share. */
#ifndef CLI_COMPLETION_H
#define CLI_COMPLETION_H

#include "base/buffer.h"
#include "cli/flags.h"

/* What may stand behind a flag, with blanks between; nothing where it is free, or a file. */
void completion_append_values(struct buffer *out, const struct flag *flag);

void completion_print_zsh(struct buffer *out);

#endif
