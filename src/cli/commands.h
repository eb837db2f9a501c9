/* The sub-commands, each in a file of its own. `words` is what stands behind the command's name, ending with
 * NULL; the result is the exit code. */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

#include "conf/config.h"

enum exit_code {
    EXIT_GOOD = 0,
    EXIT_FAILED = 1,  /* it was tried, and did not work */
    EXIT_MISTAKE = 2, /* the command line or the configuration is wrong; nothing was tried */
};

struct command {
    const char *name;
    const char *synopsis; /* what stands behind the name */
    const char *summary;  /* one line for the manual */
    int (*run)(char *const *words);
};

int command_serve(char *const *words);
int command_run(char *const *words);
int command_check(char *const *words);
int command_load(char *const *words);
int command_lab(char *const *words);
int command_schema(char *const *words);
int command_manual(char *const *words);
int command_completion(char *const *words);
int command_help(char *const *words);
int command_version(char *const *words);

/* Ends with a row without name. */
extern const struct command commands[];

/* The command with that name, or NULL. */
const struct command *command_find(struct slice name);

#endif
