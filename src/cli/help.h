/* The help pages. */
#ifndef CLI_HELP_H
#define CLI_HELP_H

/* Prints the page of a command (one of enum flag_command); those that serve share one. Returns the exit code.
 */
int help_print(unsigned command);

#endif
