/* The table of command-line flags: parsing, help pages, the manual and completions all use it.
 *
 * A flag sets an option of the configuration (conf/options.h), and its value is treated like one in a file,
 * with the same checks and messages. The few flags about the program itself are FLAG_OWN, as are those of
 * commands that do not serve. */
#ifndef CLI_FLAGS_H
#define CLI_FLAGS_H

#include "base/slice.h"

/* Commands, as bits. */
enum flag_command {
    FLAG_OF_SERVE = 1,
    FLAG_OF_RUN = 2,
    FLAG_OF_CHECK = 4,
    FLAG_OF_LOAD = 8,
    FLAG_OF_LAB = 16,
    FLAG_OF_SCHEMA = 32,
    FLAG_OF_MANUAL = 64,
    FLAG_OF_COMPLETION = 128,
    FLAG_OF_HELP = 256,
    FLAG_OF_VERSION = 512,
    FLAG_OF_CERT = 1024,
    FLAG_OF_PROXY = 2048,
    FLAG_OF_RELOAD = 4096,
    FLAG_OF_STATUS = 8192,
    FLAG_OF_STOP = 16384,
    FLAG_OF_REOPEN = 32768,
    FLAG_OF_UPGRADE = 65536,
    FLAG_OF_TOP = 131072,
    FLAG_OF_UPSTREAM = 262144,
    FLAG_OF_HARDENING = 524288,
    FLAG_OF_PASSWORD = 1048576,
};

enum flag_action {
    FLAG_SET,             /* sets the option to the value */
    FLAG_CONSTANT,        /* takes no value: sets the option to `constant` */
    FLAG_OPTIONAL,        /* --name=VALUE, or `constant` without "=" */
    FLAG_COMMAS,          /* sets the option to a list of comma-separated values */
    FLAG_OPTIONAL_COMMAS, /* both: --name=VALUE,VALUE; repeatable */
    FLAG_PAIR, /* NAME=VALUE adds an entry to the option, which is a map or a section; repeatable */
    FLAG_OWN,  /* not for a single option: see `own` */
};

/* Flags with special handling. */
enum flag_own {
    OWN_NONE,
    OWN_PORT,
    OWN_ADDRESS,
    OWN_QUIET,
    OWN_CONFIG,
    OWN_HELP,
    OWN_VERSION,
    OWN_LOAD,
    OWN_LAB,
    OWN_MANUAL,
    OWN_CERT,
    OWN_TLS,
    OWN_CONTROL
};

/* How the flag's value is completed. */
enum flag_values {
    VALUES_ANY,
    VALUES_FILE,
    VALUES_WORDS,
    VALUES_LIMITS,
    VALUES_TIMEOUTS,
    VALUES_MODEL,     /* a model of the lab */
    VALUES_MODELS,    /* separated by commas */
    VALUES_SCENARIOS, /* likewise */
};

struct flag {
    const char *group; /* heading on the help page; NULL: the same as before */
    char letter;       /* 0: none */
    const char *name;  /* without "--" */
    const char *value; /* name of the value on the help page; NULL: no value */
    const char *help;  /* at most 41 characters, as lines of the help page have 80 */
    unsigned commands; /* of enum flag_command */
    enum flag_action action;
    enum flag_own own;
    const char *path; /* dotted path of the option, as for document_reach */
    const char *constant;
    enum flag_values values;
    bool is_minor; /* left out of the table on the page of all commands */
};

extern const struct flag flags[];
extern const size_t flag_count;

/* The possible words of a VALUES_WORDS flag, ending with NULL. */
const char *const *flag_words(const struct flag *flag);

/* The command's flag with that name or letter, or NULL. */
const struct flag *flag_find(unsigned command, struct slice name);
const struct flag *flag_find_letter(unsigned command, char letter);

/* Whether the flag takes its value from the next argument. */
bool flag_takes_value(const struct flag *flag);

#endif
