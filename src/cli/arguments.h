/* A command line, read by the table of flags. What flags say is kept, and later put over a document of
 * options, which may come from a file: so a flag goes before the file, and is checked as the file is. */
#ifndef CLI_ARGUMENTS_H
#define CLI_ARGUMENTS_H

#include "cli/flags.h"
#include "conf/document.h"

#define ARGUMENTS_MAX 256

/* A value, and where it was written for messages. */
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
    unsigned command;                /* one of enum flag_command */
    struct given_flag given[ARGUMENTS_MAX];
    size_t given_count;
    struct argument operand;             /* the word that is no flag: a folder or a file */
    struct argument more[ARGUMENTS_MAX]; /* words behind it, of a command that takes more */
    size_t more_count;
    const char *config; /* of -c; NULL: not given */
    bool quiet;
    bool help;
    bool version;
};

/* Reads `words`, which ends with NULL and outlives the arguments. Mistakes are told. Flags may stand before
 * and behind the operand; "--" ends them. */
void arguments_read(struct arguments *arguments, unsigned command, char *const *words,
                    struct diagnostics *diagnostics);

/* Puts what the flags said into a document, in place of what it says. Mistakes are told. Returns 0 or
 * -ENOMEM. */
int arguments_apply(const struct arguments *arguments, struct document *document) MUST_CHECK;

/* A flag asks for HTTPS: --tls, or --cert and its kind. */
bool arguments_want_tls(const struct arguments *arguments);

/* A flag sets the option at that path. */
bool arguments_set(const struct arguments *arguments, const char *path);

/* Puts one text at the dotted path of an option. Returns as node_put. */
int document_set(struct document *document, struct slice path, struct argument value) MUST_CHECK;

/* Appends one text to a list. Returns as node_add. */
int document_append(struct document *document, struct node *list, struct argument value) MUST_CHECK;

#endif
