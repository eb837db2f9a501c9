/* The one table of command-line flags: parsing, the help page, the manual and the completions are made from
 * it.
 *
 * A flag has no meaning of its own: it names the option of the configuration that it sets (conf/options.h),
 * and its value goes the way of a value in a file, with the same checks and the same messages. The few that
 * are about the program itself are FLAG_OWN, as are those of commands that serve nothing. */
#ifndef CLI_FLAGS_H
#define CLI_FLAGS_H

#include "base/slice.h"

/* The commands that have a flag. */
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
};

enum flag_action {
    FLAG_SET,             /* the value is the option's */
    FLAG_CONSTANT,        /* takes no value: the option becomes `constant` */
    FLAG_OPTIONAL,        /* --name=VALUE, or `constant` without "=" */
    FLAG_COMMAS,          /* the option becomes the list of the values between commas */
    FLAG_OPTIONAL_COMMAS, /* both: --name=VALUE,VALUE; repeatable */
    FLAG_PAIR, /* NAME=VALUE adds an entry to the option, which is a map or a section; repeatable */
    FLAG_OWN,  /* no option's alone: see `own` */
};

/* What the command line itself must know. */
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
    OWN_TLS
};

/* What may be completed behind the flag. */
enum flag_values {
    VALUES_ANY,
    VALUES_FILE,
    VALUES_WORDS,
    VALUES_LIMITS,
    VALUES_TIMEOUTS,
    VALUES_MODEL,     /* of the lab */
    VALUES_MODELS,    /* by commas */
    VALUES_SCENARIOS, /* likewise */
};

struct flag {
    const char *group; /* for the help page; NULL: as the flag before */
    char letter;       /* 0: none */
    const char *name;  /* without "--" */
    const char *value; /* what the help page calls the value; NULL: none */
    const char *help;  /* at most 41 characters: a line of the page has 80 */
    unsigned commands; /* of enum flag_command */
    enum flag_action action;
    enum flag_own own;
    const char *path; /* of the option, dotted, as document_reach takes it */
    const char *constant;
    enum flag_values values;
    bool is_minor; /* left out of the page of all commands, whose first lines name it */
};

extern const struct flag flags[];
extern const size_t flag_count;

/* The words that the option of a VALUES_WORDS flag may be, ending with NULL. */
const char *const *flag_words(const struct flag *flag);

/* The flag with that name or letter that the command knows, or NULL. */
const struct flag *flag_find(unsigned command, struct slice name);
const struct flag *flag_find_letter(unsigned command, char letter);

/* Whether it takes a value in the next argument. */
bool flag_takes_value(const struct flag *flag);

#endif
