/* isatty(3), and what the environment says about colours. */
#include "cli/terminal.h"

#include "sys/output.h"

#include <stdlib.h>
#include <string.h>

bool terminal_is(FILE *stream)
{
    return sys_is_terminal(fileno(stream));
}

bool terminal_has_colours(FILE *stream)
{
    const char *no_colour = getenv("NO_COLOR");
    const char *term = getenv("TERM");
    bool is_wanted = no_colour == NULL || no_colour[0] == '\0';
    bool is_dumb = term == NULL || strcmp(term, "dumb") == 0;
    return is_wanted && !is_dumb && terminal_is(stream);
}
