/* The help pages. */
#ifndef CLI_HELP_H
#define CLI_HELP_H

/* The page of all commands, with the more common flags of `vif serve`. */
#define HELP_OF_ALL 0

/* Prints the page of a command (enum flag_command), or HELP_OF_ALL. Returns the exit code. */
int help_print(unsigned command);

#endif
