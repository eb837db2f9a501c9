/* `vif version`: what this binary is, for a bug report. */
#include "cli/commands.h"
#include "cli/print.h"

#include <yaml.h>

#ifdef HAVE_URING
#define LIBURING ", liburing"
#else
#define LIBURING ""
#endif

int command_version(char *const *words)
{
    (void)words;
    struct buffer text;
    buffer_init(&text, 1u << 16);
    buffer_printf(&text,
                  "vif " VIF_VERSION "\n"
                  "protocols  HTTP/1.1, HTTP/1.0\n"
                  "libraries  libyaml %s" LIBURING "\n"
                  "compiler   " __VERSION__ "\n",
                  yaml_get_version_string());
    return print_finish(&text, 0);
}
