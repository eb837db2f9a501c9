/* `vif version`: what this binary is, for a bug report. */
#include "cli/commands.h"

#include <stdio.h>
#include <yaml.h>

int command_version(char *const *words)
{
    (void)words;
    printf("vif " VIF_VERSION "\n"
           "protocols  HTTP/1.1, HTTP/1.0\n"
           "libraries  libyaml %s\n"
           "compiler   " __VERSION__ "\n",
           yaml_get_version_string());
    return EXIT_GOOD;
}
