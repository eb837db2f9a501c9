/* A terminal that somebody types into. */
#ifndef SYS_TERMINAL_H
#define SYS_TERMINAL_H

#include "base/compiler.h"

#include <stdbool.h>

/* Whether what is typed shows. Line feeds show always. Returns 0 or -errno. */
int sys_terminal_set_echo(int fd, bool shows) MUST_CHECK;

#endif
