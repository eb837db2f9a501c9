/* Parses a command line by the table of flags. The flags' values are stored and later applied to a document
 * of options, which may come from a file: so flags override the file and are checked in the same way. */
#ifndef CLI_ARGUMENTS_H
#define CLI_ARGUMENTS_H

#include "cli/flags.h"
#include "conf/document.h"

#define ARGUMENTS_MAX 256

/* A value, and its position for messages. */
struct argument {
    struct slice text; /* data is NULL: not given */
    struct source_position position;
};

struct given_flag {
    const struct flag *flag;
    struct argument value;
};

struct arguments {
    struct diagnostics *diagnostics; /* outlives the arguments */
    unsigned command;                /* enum flag_command */
    struct given_flag given[ARGUMENTS_MAX];
    size_t given_count;
    struct argument operand;             /* the first word that is not a flag: a folder or a file */
    struct argument more[ARGUMENTS_MAX]; /* further words, for commands that take more */
    size_t more_count;
    const char *config; /* value of -c; NULL: not given */
    bool quiet;
    bool help;
    bool version;
};

/* Parses `words`, which ends with NULL and must outlive the arguments. Mistakes are added to the diagnostics.
 * Flags may come before and after the operand; "--" ends them. */
void arguments_read(struct arguments *arguments, unsigned command, char *const *words,
                    struct diagnostics *diagnostics);

/* Applies the flags to a document, overriding its values. Mistakes are added to the diagnostics. Returns 0 or
 * -ENOMEM. */
int arguments_apply(const struct arguments *arguments, struct document *document) MUST_CHECK;

/* Whether a flag enables HTTPS: --tls, --cert or a related one. */
bool arguments_want_tls(const struct arguments *arguments);

/* Whether a flag sets the option at that path. */
bool arguments_set(const struct arguments *arguments, const char *path);

/* Sets the option at a dotted path to one text. Returns as node_put. */
int document_set(struct document *document, struct slice path, struct argument value) MUST_CHECK;

/* Appends one text to a list. Returns as node_add. */
int document_append(struct document *document, struct node *list, struct argument value) MUST_CHECK;

#endif
