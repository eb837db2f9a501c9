/* The commands, each in a file of its own. `words` is what stands behind the command's name, ending with
 * NULL; the result is the exit code. */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

#include "base/slice.h"

enum exit_code {
    EXIT_GOOD = 0,
    EXIT_FAILED = 1,  /* it was tried, and did not work */
    EXIT_MISTAKE = 2, /* the command line or the configuration is wrong; nothing was tried */
};

struct command {
    const char *name;
    unsigned flag;           /* its own among enum flag_command */
    const char *synopsis;    /* what stands behind the name */
    const char *summary;     /* a sentence or two */
    const char *one_operand; /* what is said to a second word that is no flag; NULL: the command takes none */
    int (*run)(char *const *words);
    bool takes_more; /* words behind the first that is no flag */
};

int command_serve(char *const *words);
int command_run(char *const *words);
int command_check(char *const *words);
int command_load(char *const *words);
int command_lab(char *const *words);
int command_cert(char *const *words);
int command_schema(char *const *words);
int command_manual(char *const *words);
int command_completion(char *const *words);
int command_help(char *const *words);
int command_version(char *const *words);

/* Ends with a row without name. */
extern const struct command commands[];

/* The command with that name, or NULL. */
const struct command *command_find(struct slice name);

/* The command with that flag, which there is. */
const struct command *command_of(unsigned flag);

/* The name of the command that a mistyped word was meant for, or NULL. */
const char *command_nearest(struct slice word);

/* Prints what --version and `vif version` print. Returns the exit code. */
int version_print(void);

#endif
