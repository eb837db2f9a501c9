/* The commands, each in a file of its own. `words` are the arguments after the command's name, ending with
 * NULL; the result is the exit code. */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

#include "base/slice.h"

enum exit_code {
    EXIT_GOOD = 0,
    EXIT_FAILED = 1,  /* it was tried and failed */
    EXIT_MISTAKE = 2, /* the command line or the configuration is wrong; nothing was tried */
    EXIT_REVERTED =
        3 /* new settings were tried, errors became more, and the former ones are in force again */
};

struct command {
    const char *name;
    unsigned flag;           /* its member of enum flag_command */
    const char *synopsis;    /* the arguments, for the help page */
    const char *summary;     /* a sentence or two */
    const char *one_operand; /* error message for a second operand; NULL: the command takes no operand */
    int (*run)(char *const *words);
    bool takes_more; /* accepts more than one operand */
};

int command_serve(char *const *words);
int command_proxy(char *const *words);
int command_run(char *const *words);
int command_check(char *const *words);
int command_reload(char *const *words);
int command_status(char *const *words);
int command_stop(char *const *words);
int command_reopen(char *const *words);
int command_upstream(char *const *words);
int command_upgrade(char *const *words);
int command_top(char *const *words);
int command_hardening(char *const *words);
int command_load(char *const *words);
int command_lab(char *const *words);
int command_cert(char *const *words);
int command_password(char *const *words);
int command_schema(char *const *words);
int command_manual(char *const *words);
int command_completion(char *const *words);
int command_help(char *const *words);
int command_version(char *const *words);

/* The table of commands; ends with a row without a name. */
extern const struct command commands[];

/* The command with that name, or NULL. */
const struct command *command_find(struct slice name);

/* The command with that flag, which must exist. */
const struct command *command_of(unsigned flag);

/* The name of the command most similar to a mistyped word, or NULL. */
const char *command_nearest(struct slice word);

/* Prints the version, for --version and `vif version`. Returns the exit code. */
int version_print(void);

#endif
